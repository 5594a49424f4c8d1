/* mailbox.h - answers of slow workers on their way to a peer, which may be gone by then. Counted; thread-safe. */
#ifndef STRONGROOM_MAILBOX_H
#define STRONGROOM_MAILBOX_H

#include <pthread.h>

#include "firmware/wire/message.h"

struct late_answer {
    struct late_answer *next;
    struct message message; /* the body lies behind */
    size_t cost;            /* what the peer is charged until it has this */
    uint8_t body[];
};

struct mailbox {
    pthread_mutex_t lock;
    unsigned refs;
    bool closed; /* the peer is gone */
    void (*wake)(void *arg);
    void *arg;
    struct late_answer *first, **last;
};

MUST_CHECK enum status mailbox_new(void (*wake)(void *arg), void *arg, struct mailbox **out);
struct mailbox *mailbox_ref(struct mailbox *m);
void mailbox_unref(struct mailbox *m);
/* An answer with room for a body of `len` bytes; NULL: out of memory. */
struct late_answer *late_answer_new(size_t len);
void late_answer_free(struct late_answer *a); /* wipes */
/* Takes the answer, and wakes the peer. */
void mailbox_put(struct mailbox *m, struct late_answer *a);
struct late_answer *mailbox_take(struct mailbox *m); /* NULL: none */
/* Nobody is woken any more; what is put in is never taken. */
void mailbox_close(struct mailbox *m);
bool mailbox_is_closed(struct mailbox *m);

#endif
