#include "firmware/slow.h"

#include <signal.h>

static struct slow_job *take(struct slow *s)
{
    struct slow_job *job;

    pthread_mutex_lock(&s->lock);
    while (s->head == NULL && !s->closing)
        pthread_cond_wait(&s->filled, &s->lock);
    if ((job = s->head) != NULL) {
        s->head = job->next;
        s->count--;
    }
    pthread_mutex_unlock(&s->lock);
    return job;
}

static void *slow_main(void *arg)
{
    struct slow_job *job;

    while ((job = take(arg)) != NULL)
        job->run(job);
    return NULL;
}

enum status slow_start(struct slow *s, unsigned limit)
{
    sigset_t all, before;

    *s = (struct slow){ .limit = limit };
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->filled, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are for the board's threads */
    s->started = pthread_create(&s->thread, NULL, slow_main, s) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return s->started ? ST_OK : ST_NO_MEMORY;
}

void slow_stop(struct slow *s)
{
    if (!s->started)
        return;
    pthread_mutex_lock(&s->lock);
    s->closing = true;
    pthread_cond_signal(&s->filled);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    pthread_cond_destroy(&s->filled);
    pthread_mutex_destroy(&s->lock);
    s->started = false;
}

enum status slow_submit(struct slow *s, struct slow_job *job)
{
    enum status st = ST_OK;

    job->next = NULL;
    pthread_mutex_lock(&s->lock);
    if (s->count >= s->limit || s->closing) {
        st = ST_BUSY;
    } else {
        if (s->head == NULL)
            s->head = job;
        else
            s->tail->next = job;
        s->tail = job;
        s->count++;
        pthread_cond_signal(&s->filled);
    }
    pthread_mutex_unlock(&s->lock);
    return st;
}
