#include <signal.h>

#include "pkcs11/token/batch.h"
#include "pkcs11/token/operation.h"

static void finish(struct token_job *job, enum status st)
{
    job->status = st;
    job->done(job); /* the job may be gone now */
}

static void serve(struct worker *w, struct token_job *jobs)
{
    struct token *t = w->token;
    bool inside = token_is_up(t);
    struct token_job *job;

    if (inside)
        pthread_mutex_lock(&w->in_use); /* waits for a reconnect, if one has just begun */
    while ((job = jobs) != NULL) {
        jobs = job->next;
        if (!inside || !token_is_up(t))
            finish(job, ST_UNAVAILABLE);
        else if (operation_run(w, job))
            job->done(job);
        if (inside && w->batch != NULL && batch_is_full(w->batch))
            batch_run(w);
    }
    if (inside && w->batch != NULL)
        batch_run(w);
    if (inside)
        pthread_mutex_unlock(&w->in_use);
}

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    struct token_job *jobs;

    while ((jobs = queue_take(w->queue)) != NULL)
        serve(w, jobs);
    return NULL;
}

/* Signals are for the program's own threads. */
static int start_thread(struct worker *w)
{
    sigset_t all, before;
    int failed;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(&w->thread, NULL, worker_main, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

enum status workers_start(struct token *t)
{
    for (unsigned i = KEYGEN_WORKER; i < t->worker_count; i++) {
        if (start_thread(&t->workers[i]) != 0)
            return ST_NO_MEMORY;
        t->workers[i].started = true;
        pthread_setname_np(t->workers[i].thread, i == KEYGEN_WORKER ? "token-keygen" : "token-worker");
    }
    return ST_OK;
}

void workers_join(struct token *t)
{
    queue_close(&t->jobs);
    queue_close(&t->keygen_jobs);
    for (unsigned i = 0; i < t->worker_count; i++)
        if (t->workers[i].started)
            pthread_join(t->workers[i].thread, NULL);
}

void workers_stop(struct token *t)
{
    for (unsigned i = 0; i < t->worker_count; i++)
        pthread_mutex_lock(&t->workers[i].in_use);
}

void workers_resume(struct token *t)
{
    for (unsigned i = t->worker_count; i-- > 0;)
        pthread_mutex_unlock(&t->workers[i].in_use);
}
