#include "firmware/slow.h"

#include <signal.h>
#include <time.h>

#include "firmware/wire/limits.h"

/* Under the lock; not while idle() runs. */
static void wait_a_second(struct slow *s)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec++;
    if (pthread_cond_timedwait(&s->filled, &s->lock, &until) == 0 || s->idle == NULL)
        return;
    pthread_mutex_unlock(&s->lock);
    s->idle(s->arg);
    pthread_mutex_lock(&s->lock);
}

static struct slow_job *take(struct slow *s)
{
    struct slow_job *job;

    pthread_mutex_lock(&s->lock);
    while (s->head == NULL && !s->closing)
        wait_a_second(s);
    if ((job = s->head) != NULL) {
        s->head = job->next;
        s->count--;
        s->turn = job->turn;
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

enum status slow_start(struct slow *s, void (*idle)(void *arg), void *arg)
{
    sigset_t all, before;

    *s = (struct slow){ .idle = idle, .arg = arg };
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

/* Round after round, each owner has one turn; in front of all whose turn is a later one. */
static void enqueue(struct slow *s, struct slow_job *job)
{
    struct slow_job **at = &s->head;

    while (*at != NULL && (*at)->turn <= job->turn)
        at = &(*at)->next;
    job->next = *at;
    *at = job;
    s->count++;
}

enum status slow_submit(struct slow *s, struct slow_job *job)
{
    enum status st = ST_OK;
    unsigned waiting = 0;

    pthread_mutex_lock(&s->lock);
    job->turn = s->turn;
    for (const struct slow_job *other = s->head; other != NULL; other = other->next)
        if (other->owner == job->owner) {
            waiting++;
            job->turn = other->turn + 1;
        }
    if (s->count >= SLOW_QUEUE_MAX || waiting >= SLOW_PARTITION_MAX || s->closing)
        st = ST_BUSY;
    else
        enqueue(s, job);
    pthread_cond_signal(&s->filled);
    pthread_mutex_unlock(&s->lock);
    return st;
}
