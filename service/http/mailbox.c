#include "service/http/mailbox.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "service/http/request.h"

struct mailbox {
    void (*deliver)(void *arg, struct http_request *rq);
    void *arg;
    pthread_t home;
    atomic_bool closed;
    int fd;
    pthread_mutex_t lock; /* the rest */
    struct http_request *first, *last;
    bool sleeping;
    size_t running; /* once closed: how many are still to come */
};

enum status mailbox_new(void (*deliver)(void *arg, struct http_request *rq), void *arg, struct mailbox **out)
{
    struct mailbox *m = calloc(1, sizeof *m);

    *out = NULL;
    if (m == NULL)
        return ST_NO_MEMORY;
    if ((m->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) < 0) {
        free(m);
        return ST_IO;
    }
    m->deliver = deliver;
    m->arg = arg;
    m->home = pthread_self();
    pthread_mutex_init(&m->lock, NULL);
    *out = m;
    return ST_OK;
}

static void mailbox_free(struct mailbox *m)
{
    pthread_mutex_destroy(&m->lock);
    free(m);
}

void mailbox_adopt(struct mailbox *m)
{
    m->home = pthread_self();
}

/* Returns whether the mailbox is to be freed. */
static bool post_locked(struct mailbox *m, struct http_request *rq)
{
    if (atomic_load(&m->closed)) {
        request_destroy(rq);
        return --m->running == 0;
    }
    rq->mail_next = NULL;
    if (m->last != NULL)
        m->last->mail_next = rq;
    else
        m->first = rq;
    m->last = rq;
    if (m->sleeping) {
        m->sleeping = false;
        (void)eventfd_write(m->fd, 1); /* cannot fail short of 2^64 writes */
    }
    return false;
}

void mailbox_post(struct mailbox *m, struct http_request *rq)
{
    bool last;

    /* The thread of an ended loop may have lent its id to another thread, hence the look at `closed`. */
    if (pthread_equal(m->home, pthread_self()) && !atomic_load(&m->closed)) {
        m->deliver(m->arg, rq);
        return;
    }
    pthread_mutex_lock(&m->lock);
    last = post_locked(m, rq);
    pthread_mutex_unlock(&m->lock);
    if (last)
        mailbox_free(m);
}

struct http_request *mailbox_take(struct mailbox *m)
{
    struct http_request *list;

    pthread_mutex_lock(&m->lock);
    list = m->first;
    m->first = m->last = NULL;
    m->sleeping = false;
    pthread_mutex_unlock(&m->lock);
    return list;
}

bool mailbox_may_sleep(struct mailbox *m)
{
    bool empty;

    pthread_mutex_lock(&m->lock);
    empty = m->first == NULL;
    m->sleeping = empty;
    pthread_mutex_unlock(&m->lock);
    return empty;
}

int mailbox_fd(const struct mailbox *m)
{
    return m->fd;
}

void mailbox_wake(struct mailbox *m)
{
    (void)eventfd_write(m->fd, 1);
}

void mailbox_close(struct mailbox *m, size_t running)
{
    struct http_request *rq, *next;

    if (m == NULL)
        return;
    pthread_mutex_lock(&m->lock);
    for (rq = m->first; rq != NULL; rq = next, running--) {
        next = rq->mail_next;
        request_destroy(rq);
    }
    m->first = m->last = NULL;
    m->running = running;
    close(m->fd);
    m->fd = -1;
    atomic_store(&m->closed, true);
    pthread_mutex_unlock(&m->lock);
    if (running == 0)
        mailbox_free(m);
}
