#include "board/sim/conn.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "firmware/base/clock.h"
#include "firmware/wire/limits.h"

enum status conn_new(struct keystore *ks, struct loop *loop, int fd, void (*wake)(void *conn), struct conn **out)
{
    struct conn *c = calloc(1, sizeof *c);
    enum status st;

    *out = NULL;
    if (c == NULL)
        return ST_NO_MEMORY;
    c->loop = loop;
    c->fd = fd;
    c->deadline_ms = clock_monotonic_ms() + LINK_STALL_MS; /* for the handshake */
    if ((st = peer_new(ks, LINK_FRAMING_LENGTH, wake, c, &c->peer)) != ST_OK) {
        free(c);
        return st;
    }
    *out = c;
    return ST_OK;
}

void conn_disown(struct conn *c)
{
    peer_free(c->peer);
    c->peer = NULL;
}

void conn_free(struct conn *c)
{
    close(c->fd);
    free(c);
}

/* Send what there is; what the socket does not take stays for EPOLLOUT. */
static bool flush(struct conn *c, bool *sent)
{
    struct span out;

    while ((out = peer_output(c->peer)).len > 0) {
        ssize_t n = write(c->fd, out.p, out.len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN;
        peer_output_taken(c->peer, (size_t)n);
        *sent = true;
    }
    return true;
}

/* A frame that has begun, a handshake, an answer nobody reads: each gets LINK_STALL_MS. It starts anew when an answer
 * went out, or when more came in than one frame can hold, for then the one that was open has ended. A link that always
 * has half a frame in flight is a busy one, not a stalled one. */
static void set_deadline(struct conn *c, size_t came_in, bool sent)
{
    if (!peer_is_mid_frame(c->peer) && peer_output(c->peer).len == 0) {
        c->deadline_ms = 0;
        c->since = 0;
        return;
    }
    c->since += came_in;
    if (c->deadline_ms != 0 && !sent && c->since <= LINK_FRAME_MAX)
        return;
    c->deadline_ms = clock_monotonic_ms() + LINK_STALL_MS;
    c->since = 0;
}

/* Send, and let the peer go on with requests that it held back for want of room, until neither moves. */
static bool settle(struct conn *c, enum status st, size_t came_in)
{
    bool sent = false, again;

    do {
        c->held_back = c->held_back || !peer_wants_input(c->peer);
        if (!flush(c, &sent))
            return false;
        again = st == ST_OK && c->held_back && peer_wants_input(c->peer);
        if (again) {
            c->held_back = false;
            st = peer_work(c->peer);
        }
    } while (again);
    set_deadline(c, came_in, sent);
    return st == ST_OK;
}

bool conn_serve(struct conn *c, uint32_t ready, uint8_t *buffer, size_t size)
{
    enum status st = ST_OK;
    size_t came_in = 0;

    if ((ready & (EPOLLHUP | EPOLLERR)) != 0 && (ready & EPOLLIN) == 0)
        return false;
    if ((ready & EPOLLIN) != 0) {
        ssize_t n = read(c->fd, buffer, size);

        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
            return false;
        if (n > 0) {
            came_in = (size_t)n;
            st = peer_feed(c->peer, span_of(buffer, came_in));
        }
    }
    return settle(c, st, came_in);
}

bool conn_work(struct conn *c)
{
    return settle(c, peer_work(c->peer), 0);
}

uint32_t conn_interest(const struct conn *c)
{
    return (peer_wants_input(c->peer) ? (uint32_t)EPOLLIN : 0) |
           (peer_output(c->peer).len > 0 ? (uint32_t)EPOLLOUT : 0);
}
