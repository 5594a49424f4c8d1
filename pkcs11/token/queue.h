/* queue.h - a bounded queue of jobs between callers and workers. Made for the hot path: no memory is taken, a sleeper
 * is woken only when there is one and it has not been woken yet, and a worker takes several jobs under one lock.
 * Thread-safe. The jobs are the callers' and are linked through token_job.next. */
#ifndef STRONGROOM_PKCS11_QUEUE_H
#define STRONGROOM_PKCS11_QUEUE_H

#include <pthread.h>

#include "pkcs11/token/token.h"

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct token_job *head, *tail;
    unsigned count, limit;
    unsigned takers;   /* threads that take from it */
    unsigned sleeping; /* of them, in queue_take() without a job */
    unsigned woken;    /* of the sleeping: already signalled */
    bool together;     /* takers hand jobs to the token together; set before there are any */
    bool closed;
};

void queue_init(struct queue *q, unsigned limit, unsigned takers);
void queue_destroy(struct queue *q);
/* Errors: ST_BUSY full; ST_CLOSED. */
MUST_CHECK enum status queue_put(struct queue *q, struct token_job *job);
/* Between the two this thread's jobs for a queue whose takers hand them on together are kept back: whoever saw the
 * first of several would take that alone. No more than one such queue at a time. */
void queue_hold(void);
void queue_release(struct queue *q);
/* Put jobs, linked by next, back at the front, whatever the limit: they have been taken once. NULL does nothing. */
void queue_return(struct queue *q, struct token_job *jobs);
/* The next jobs, linked by next: a share of what waits, so that one worker never sits on work while another sleeps.
 * Waits for some. NULL: closed, and nothing waits any more. */
struct token_job *queue_take(struct queue *q);
/* No more jobs; takers get what is left and then NULL. */
void queue_close(struct queue *q);

#endif
