/* slow.h - a thread with a bounded queue, for work that would hold up a loop: key generation, PIN hashing. */
#ifndef STRONGROOM_SLOW_H
#define STRONGROOM_SLOW_H

#include <pthread.h>

#include "firmware/base/bytes.h"

struct slow_job {
    void (*run)(struct slow_job *job); /* frees the job */
    struct slow_job *next;
};

struct slow {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    pthread_t thread;
    struct slow_job *head, *tail;
    unsigned count, limit;
    bool started, closing;
};

/* Errors: ST_NO_MEMORY. */
MUST_CHECK enum status slow_start(struct slow *s, unsigned limit);
/* What is queued is done first. */
void slow_stop(struct slow *s);
/* Errors: ST_BUSY the queue is full. */
MUST_CHECK enum status slow_submit(struct slow *s, struct slow_job *job);

#endif
