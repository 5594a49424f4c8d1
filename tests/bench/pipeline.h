/* pipeline.h - work by the batch interface of our module: BATCH_DEPTH operations under way, each replaced where it
 * ends. One thread. */
#ifndef STRONGROOM_BENCH_PIPELINE_H
#define STRONGROOM_BENCH_PIPELINE_H

#include "tests/bench/client.h"

struct pipeline;

/* Errors: ST_UNSUPPORTED the module has no such interface; ST_UNAVAILABLE; ST_NO_MEMORY. */
MUST_CHECK enum status pipeline_open(struct client *c, CK_SESSION_HANDLE session, struct task *t, bool loads,
                                     struct pipeline **out);
/* A crew_step: hand in what there is room for, wait, and take what is done. */
unsigned pipeline_step(void *pipeline);
/* Wait for what is under way. Is the last result right? */
CK_RV pipeline_end(struct pipeline *p);
void pipeline_free(struct pipeline *p);

#endif
