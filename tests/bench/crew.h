/* crew.h - threads that do the same thing again and again, and what that costs. Nothing is timed per operation, and
 * nothing is shared while they work: a keyed hash takes less time than reading the clock does. */
#ifndef STRONGROOM_BENCH_CREW_H
#define STRONGROOM_BENCH_CREW_H

#include "tests/bench/measure.h"

#define CREW_MAX 8

/* Do some operations; says how many. 0: it failed, and the row with it. */
typedef unsigned crew_step(void *arg);

/* `threads` of them, each with an argument of its own, for a short warm-up and then for `duration_us`. Errors:
 * ST_INTERNAL an operation failed; ST_NO_MEMORY; ST_NOT_FOUND a process whose CPU time counts has gone. */
MUST_CHECK enum status crew_run(struct measure *m, crew_step *step, void *const *args, unsigned threads,
                                uint64_t duration_us);

#endif
