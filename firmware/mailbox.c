#include "firmware/mailbox.h"

#include "firmware/base/secret.h"

enum status mailbox_new(void (*wake)(void *arg), void *arg, struct mailbox **out)
{
    struct mailbox *m = calloc(1, sizeof *m);

    if (m == NULL)
        return ST_NO_MEMORY;
    pthread_mutex_init(&m->lock, NULL);
    m->refs = 1;
    m->wake = wake;
    m->arg = arg;
    m->last = &m->first;
    *out = m;
    return ST_OK;
}

struct mailbox *mailbox_ref(struct mailbox *m)
{
    pthread_mutex_lock(&m->lock);
    m->refs++;
    pthread_mutex_unlock(&m->lock);
    return m;
}

void mailbox_unref(struct mailbox *m)
{
    struct late_answer *a;
    bool last;

    pthread_mutex_lock(&m->lock);
    last = --m->refs == 0;
    pthread_mutex_unlock(&m->lock);
    if (!last)
        return;
    while ((a = mailbox_take(m)) != NULL)
        late_answer_free(a);
    pthread_mutex_destroy(&m->lock);
    free(m);
}

struct late_answer *late_answer_new(size_t len)
{
    struct late_answer *a = calloc(1, sizeof *a + len);

    if (a != NULL)
        a->message.body = span_of(a->body, len);
    return a;
}

void late_answer_free(struct late_answer *a)
{
    if (a == NULL)
        return;
    secret_wipe(a->body, a->message.body.len);
    free(a);
}

void mailbox_put(struct mailbox *m, struct late_answer *a)
{
    pthread_mutex_lock(&m->lock);
    *m->last = a;
    m->last = &a->next;
    if (!m->closed)
        m->wake(m->arg); /* under the lock: after mailbox_close() nobody is inside */
    pthread_mutex_unlock(&m->lock);
}

struct late_answer *mailbox_take(struct mailbox *m)
{
    struct late_answer *a;

    pthread_mutex_lock(&m->lock);
    if ((a = m->first) != NULL && (m->first = a->next) == NULL)
        m->last = &m->first;
    pthread_mutex_unlock(&m->lock);
    return a;
}

void mailbox_close(struct mailbox *m)
{
    pthread_mutex_lock(&m->lock);
    m->closed = true;
    pthread_mutex_unlock(&m->lock);
}

bool mailbox_is_closed(struct mailbox *m)
{
    bool closed;

    pthread_mutex_lock(&m->lock);
    closed = m->closed;
    pthread_mutex_unlock(&m->lock);
    return closed;
}
