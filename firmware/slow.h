/* slow.h - a thread with a bounded queue, for work that would hold up a loop: key generation, PIN hashing. Owners take
 * turns: who has queued much waits for itself, and not the others for it. */
#ifndef STRONGROOM_SLOW_H
#define STRONGROOM_SLOW_H

#include <pthread.h>

#include "firmware/base/bytes.h"

struct slow_job {
    void (*run)(struct slow_job *job); /* frees the job */
    const void *owner;                 /* compared only */
    uint64_t turn;                     /* the round in which it is done */
    struct slow_job *next;
};

struct slow {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    pthread_t thread;
    struct slow_job *head; /* by turn */
    unsigned count;
    uint64_t turn; /* of the last one taken */
    bool started, closing;
    void (*idle)(void *arg); /* NULL: none */
    void *arg;
};

/* idle(arg) is called by the thread when it has had nothing to do for a second; NULL: nothing is. Errors: ST_NO_MEMORY.
 */
MUST_CHECK enum status slow_start(struct slow *s, void (*idle)(void *arg), void *arg);
/* What is queued is done first. */
void slow_stop(struct slow *s);
/* Errors: ST_BUSY SLOW_QUEUE_MAX jobs wait, or SLOW_PARTITION_MAX of this owner. */
MUST_CHECK enum status slow_submit(struct slow *s, struct slow_job *job);

#endif
