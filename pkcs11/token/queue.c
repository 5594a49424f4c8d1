#include "pkcs11/token/queue.h"

#include "pkcs11/token/key_spec.h"

#define BATCH_MAX 8  /* for a worker that does one job after another */
#define TRIP_MAX  64 /* for one that hands them to the token together */

/* What this thread has put since queue_hold(): counted in its queue, but not seen by takers. */
static _Thread_local struct {
    bool holding;
    struct token_job *head, *tail;
} held;

void queue_init(struct queue *q, unsigned limit, unsigned takers)
{
    *q = (struct queue){ .limit = limit, .takers = takers };
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->filled, NULL);
}

void queue_destroy(struct queue *q)
{
    INVARIANT(q->head == NULL);
    pthread_cond_destroy(&q->filled);
    pthread_mutex_destroy(&q->lock);
}

/* Takes no longer than it takes to wake somebody else for it. */
static bool is_quick(const struct token_job *job)
{
    if ((unsigned)job->alg >= TOKEN_ALG_COUNT_)
        return false; /* it will be refused */
    return job->op == TOKEN_SIGN ? job->alg == TOKEN_ES256 || alg_info(job->alg)->kind == ALG_KIND_MAC
                                 : job->op == TOKEN_ENCRYPT;
}

/* Waking an idle processor costs its waker more than the rest of the queue does: never more than one signal for a
 * sleeper, and none when all are awake. The caller signals once it has let the lock go. */
static bool claim_sleeper(struct queue *q)
{
    if (q->sleeping <= q->woken)
        return false;
    q->woken++;
    return true;
}

static void link_jobs(struct token_job **head, struct token_job **tail, struct token_job *first, struct token_job *last)
{
    if (*tail != NULL)
        (*tail)->next = first;
    else
        *head = first;
    *tail = last;
}

enum status queue_put(struct queue *q, struct token_job *job)
{
    bool wake = false;
    enum status st = ST_OK;

    job->next = NULL;
    pthread_mutex_lock(&q->lock);
    if (q->closed)
        st = ST_CLOSED;
    else if (q->count >= q->limit)
        st = ST_BUSY;
    if (st == ST_OK) {
        q->count++;
        if (held.holding && q->together) {
            link_jobs(&held.head, &held.tail, job, job);
        } else {
            link_jobs(&q->head, &q->tail, job, job);
            wake = claim_sleeper(q);
        }
    }
    pthread_mutex_unlock(&q->lock);
    if (wake)
        pthread_cond_signal(&q->filled);
    return st;
}

void queue_hold(void)
{
    held.holding = true;
}

void queue_release(struct queue *q)
{
    bool wake;

    held.holding = false;
    if (held.head == NULL)
        return;
    pthread_mutex_lock(&q->lock);
    link_jobs(&q->head, &q->tail, held.head, held.tail);
    wake = claim_sleeper(q);
    pthread_mutex_unlock(&q->lock);
    held.head = held.tail = NULL;
    if (wake)
        pthread_cond_signal(&q->filled);
}

void queue_return(struct queue *q, struct token_job *jobs)
{
    struct token_job *last = jobs;
    unsigned n = 1;

    if (jobs == NULL)
        return;
    for (; last->next != NULL; last = last->next)
        n++;
    pthread_mutex_lock(&q->lock);
    last->next = q->head;
    q->head = jobs;
    if (q->tail == NULL)
        q->tail = last;
    q->count += n;
    q->woken = q->sleeping;
    pthread_mutex_unlock(&q->lock);
    pthread_cond_broadcast(&q->filled);
}

/* A shrinking share of what waits: large while there is plenty, single jobs towards the end. What goes to the token
 * together costs less the more it is: then it is an even share, and all the quick ones behind it. */
static struct token_job *end_of_share(const struct queue *q, unsigned *count)
{
    unsigned n = q->together ? (q->count + q->takers - 1) / q->takers : q->count / (2 * q->takers);
    unsigned max = q->together ? TRIP_MAX : BATCH_MAX;
    struct token_job *last = q->head;

    for (*count = 1; last->next != NULL && *count < max; ++*count, last = last->next)
        if (*count >= n && !(q->together && is_quick(last->next)))
            break;
    return last;
}

static struct token_job *take_share(struct queue *q)
{
    struct token_job *first = q->head, *last;
    unsigned n;

    last = end_of_share(q, &n);
    q->count -= n;
    if ((q->head = last->next) == NULL)
        q->tail = NULL;
    last->next = NULL;
    return first;
}

struct token_job *queue_take(struct queue *q)
{
    struct token_job *first = NULL;

    pthread_mutex_lock(&q->lock);
    while (q->head == NULL && !q->closed) {
        q->sleeping++;
        pthread_cond_wait(&q->filled, &q->lock);
        q->sleeping--;
        if (q->woken > 0)
            q->woken--;
    }
    if (q->head != NULL)
        first = take_share(q);
    pthread_mutex_unlock(&q->lock);
    return first;
}

void queue_close(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->closed = true;
    pthread_mutex_unlock(&q->lock);
    pthread_cond_broadcast(&q->filled);
}
