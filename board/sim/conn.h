/* conn.h - one link: a socket and the firmware's peer behind it. Belongs to one loop and is touched by its thread
 * alone. */
#ifndef STRONGROOM_BOARD_CONN_H
#define STRONGROOM_BOARD_CONN_H

#include "firmware/keystore.h"

struct loop;

struct conn {
    struct loop *loop;
    struct peer *peer;
    struct conn *next, *previous; /* of the loop's */
    struct conn *next_woken;      /* under the loop's lock */
    bool woken;                   /* under the loop's lock */
    bool closed;                  /* to be freed when the batch of events is done */
    bool held_back;               /* the peer had no room for answers: it may have requests to go on with */
    int fd;
    uint32_t watched;     /* EPOLLIN, EPOLLOUT */
    uint64_t deadline_ms; /* CLOCK_MONOTONIC: what has begun must have ended by then; 0: nothing has */
    size_t since;         /* bytes that came in since the deadline was set */
};

/* Takes the descriptor on success. `wake` gets the connection. Errors: ST_NO_MEMORY. */
MUST_CHECK enum status conn_new(struct keystore *ks, struct loop *loop, int fd, void (*wake)(void *conn),
                                struct conn **out);
/* The firmware lets go of the link: nobody wakes the connection any more. Then conn_free(). */
void conn_disown(struct conn *c);
void conn_free(struct conn *c);

/* The socket is ready: read what is there, have it worked off, send the answers. `buffer` is scratch space of the loop,
 * for all its connections. False: the link has to end. */
bool conn_serve(struct conn *c, uint32_t ready, uint8_t *buffer, size_t size);
/* Answers of slow workers wait. False: the link has to end. */
bool conn_work(struct conn *c);
/* What to watch the socket for. */
uint32_t conn_interest(const struct conn *c);

#endif
