/* work_queue.h - a bounded queue of work that may block, and the threads that do it. */
#ifndef STRONGROOM_MANAGEMENT_WORK_QUEUE_H
#define STRONGROOM_MANAGEMENT_WORK_QUEUE_H

#include "firmware/base/status.h"

struct work {
    void (*run)(struct work *w); /* on one of the threads; may free the work */
    struct work *next;           /* the queue's */
};
struct work_queue;

/* Errors: ST_NO_MEMORY; ST_UNAVAILABLE no thread. */
MUST_CHECK enum status work_queue_start(unsigned threads, size_t limit, struct work_queue **out);
/* Errors (then not taken): ST_BUSY `limit` are waiting; ST_CLOSED. */
MUST_CHECK enum status work_queue_submit(struct work_queue *q, struct work *w);
/* Do what is waiting, end the threads, free. NULL does nothing. */
void work_queue_stop(struct work_queue *q);

#endif
