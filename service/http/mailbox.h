/* mailbox.h - answered requests on their way back to the loop they came from, posted by any thread.
 * It outlives its loop while handlers still hold requests: the last one of them to be answered frees it. */
#ifndef STRONGROOM_HTTP_MAILBOX_H
#define STRONGROOM_HTTP_MAILBOX_H

#include <stdbool.h>

#include "firmware/base/status.h"

struct mailbox;
struct http_request;

/* `deliver` is called for requests answered on the loop's own thread. Errors: ST_NO_MEMORY, ST_IO. */
MUST_CHECK enum status mailbox_new(void (*deliver)(void *arg, struct http_request *rq), void *arg,
                                   struct mailbox **out);
/* The calling thread is the loop from now on. */
void mailbox_adopt(struct mailbox *m);
/* Hand over an answered request. Any thread. */
void mailbox_post(struct mailbox *m, struct http_request *rq);
/* All that has been posted, oldest first, linked by `mail_next`. The loop's thread. */
struct http_request *mailbox_take(struct mailbox *m);
/* May the loop sleep? If so, the next post makes the descriptor readable. */
bool mailbox_may_sleep(struct mailbox *m);
/* An eventfd for the loop to watch and to read. */
int mailbox_fd(const struct mailbox *m);
/* Make the loop look up, whatever it does. Any thread. */
void mailbox_wake(struct mailbox *m);
/* The loop has ended; `running` requests have not been posted back since they were given to handlers, including those
 * that were never taken. They are dropped as they come. */
void mailbox_close(struct mailbox *m, size_t running);

#endif
