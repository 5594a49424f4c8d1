#include "service/management/work_queue.h"

#include <pthread.h>
#include <stdbool.h>

struct work_queue {
    pthread_mutex_t lock;
    pthread_cond_t waiting;
    struct work *first, **last;
    size_t count, limit;
    bool closing;
    unsigned thread_count;
    pthread_t threads[];
};

static struct work *take(struct work_queue *q)
{
    struct work *w;

    pthread_mutex_lock(&q->lock);
    while (q->first == NULL && !q->closing)
        pthread_cond_wait(&q->waiting, &q->lock);
    if ((w = q->first) != NULL) {
        if ((q->first = w->next) == NULL)
            q->last = &q->first;
        q->count--;
    }
    pthread_mutex_unlock(&q->lock);
    return w;
}

static void *worker(void *arg)
{
    struct work *w;

    while ((w = take(arg)) != NULL)
        w->run(w);
    return NULL;
}

enum status work_queue_start(unsigned threads, size_t limit, struct work_queue **out)
{
    struct work_queue *q = calloc(1, sizeof *q + threads * sizeof q->threads[0]);

    *out = NULL;
    if (q == NULL)
        return ST_NO_MEMORY;
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->waiting, NULL);
    q->last = &q->first;
    q->limit = limit;
    for (; q->thread_count < threads; q->thread_count++)
        if (pthread_create(&q->threads[q->thread_count], NULL, worker, q) != 0) {
            work_queue_stop(q);
            return ST_UNAVAILABLE;
        }
    *out = q;
    return ST_OK;
}

enum status work_queue_submit(struct work_queue *q, struct work *w)
{
    enum status st = ST_OK;

    pthread_mutex_lock(&q->lock);
    if (q->closing) {
        st = ST_CLOSED;
    } else if (q->count == q->limit) {
        st = ST_BUSY;
    } else {
        w->next = NULL;
        *q->last = w;
        q->last = &w->next;
        q->count++;
        pthread_cond_signal(&q->waiting);
    }
    pthread_mutex_unlock(&q->lock);
    return st;
}

void work_queue_stop(struct work_queue *q)
{
    if (q == NULL)
        return;
    pthread_mutex_lock(&q->lock);
    q->closing = true;
    pthread_cond_broadcast(&q->waiting);
    pthread_mutex_unlock(&q->lock);
    for (unsigned i = 0; i < q->thread_count; i++)
        pthread_join(q->threads[i], NULL);
    pthread_cond_destroy(&q->waiting);
    pthread_mutex_destroy(&q->lock);
    free(q);
}
