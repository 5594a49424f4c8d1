/* commit_queue.h - the store's one writer: a thread that makes everything waiting durable together (group commit). */
#ifndef STRONGROOM_STORE_COMMIT_QUEUE_H
#define STRONGROOM_STORE_COMMIT_QUEUE_H

#include "service/store/engine.h"

struct commit_queue;

struct commit_queue_config {
    struct store_engine *engine;  /* borrowed */
    bool read_only;               /* refuse every commit with ST_NOT_PERMITTED */
    void (*published)(void *arg); /* on the writer's thread: a group is durable, its `done`s have not been called yet */
    void *arg;
};

/* Errors: ST_NO_MEMORY; ST_UNAVAILABLE no thread to be had. */
MUST_CHECK enum status commit_queue_start(const struct commit_queue_config *config, struct commit_queue **out);
/* Completes what was submitted, then ends the thread. */
void commit_queue_stop(struct commit_queue *q);
/* Errors: ST_BUSY too many are waiting; ST_CLOSED. */
MUST_CHECK enum status commit_queue_submit(struct commit_queue *q, struct store_commit *c);
/* Is the caller the writer's thread, where waiting for a commit would wait for ever? */
bool commit_queue_is_writer(const struct commit_queue *q);

#endif
