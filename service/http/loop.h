/* loop.h - one I/O thread: its epoll, its listening sockets, its connections, and the mailbox through which other
 * threads answer. Connections never move between loops, so nothing in them locks. */
#ifndef STRONGROOM_HTTP_LOOP_H
#define STRONGROOM_HTTP_LOOP_H

#include "service/http/server.h"

struct loop;

/* Takes the `count` listening sockets, also on error. Errors: ST_NO_MEMORY, ST_IO. */
MUST_CHECK enum status loop_new(struct http_server *server, const int *listeners, size_t count, struct loop **out);
/* Errors: ST_IO no thread. */
MUST_CHECK enum status loop_start(struct loop *l);
/* Begin the graceful end, at most `grace_ms` long; returns at once. */
void loop_stop(struct loop *l, uint64_t grace_ms);
/* Wait for the end of the thread, free. NULL is allowed. */
void loop_free(struct loop *l);

#endif
