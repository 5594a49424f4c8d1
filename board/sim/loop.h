/* loop.h - the threads that serve the links: each has an epoll of its own and keeps its connections for life. A new one
 * goes to the loop that has the fewest. All that a loop needs is there before its thread starts, since afterwards the
 * sandbox lets it make no more. */
#ifndef STRONGROOM_BOARD_LOOP_H
#define STRONGROOM_BOARD_LOOP_H

#include "firmware/keystore.h"
#include "firmware/wire/limits.h"

#define LOOPS_MAX 64

struct loops;

/* Start `count` threads that accept on `listener` (not blocking, stays the caller's). Errors: ST_NO_MEMORY, ST_IO. */
MUST_CHECK enum status loops_start(struct keystore *ks, int listener, unsigned count, struct loops **out);
/* Close all links and end the threads. */
void loops_stop(struct loops *l);

#endif
