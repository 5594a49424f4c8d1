#include "service/http/conn.h"

#include <errno.h>
#include <openssl/err.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "firmware/base/secret.h"
#include "service/http/tls.h"

#define READS_PER_TURN 8 /* then others have theirs */
#define LINGER_MAX     (256u * 1024)

static const unsigned may_follow[] = {
    [CONN_HANDSHAKE] = BIT(CONN_OPEN) | BIT(CONN_CLOSED),
    [CONN_OPEN] = BIT(CONN_LINGER) | BIT(CONN_CLOSED),
    [CONN_LINGER] = BIT(CONN_CLOSED),
    [CONN_CLOSED] = 0,
};

static void enter(struct conn *c, enum conn_state next)
{
    INVARIANT((may_follow[c->state] & BIT(next)) != 0);
    c->state = next;
    c->since_us = *c->env.now_us;
}

/* Close without a word, at the end of the batch. */
static void drop(struct conn *c)
{
    if (c->state != CONN_CLOSED)
        enter(c, CONN_CLOSED);
}

enum status conn_open(struct conn *c, int fd, SSL_CTX *tls)
{
    if ((c->ssl = SSL_new(tls)) == NULL || SSL_set_fd(c->ssl, fd) != 1) {
        SSL_free(c->ssl);
        c->ssl = NULL;
        return ST_NO_MEMORY;
    }
    SSL_set_accept_state(c->ssl);
    c->fd = fd;
    c->env.connection = c->id;
    c->env.peer = c->peer;
    c->state = CONN_HANDSHAKE;
    c->since_us = *c->env.now_us;
    return ST_OK;
}

static void unsent_clear(struct conn *c)
{
    if (c->unsent.p != NULL)
        secret_wipe(c->unsent.p, c->unsent.len);
    bytes_clear(&c->unsent);
    c->unsent_at = 0;
}

void conn_close(struct conn *c)
{
    protocol_free(c->protocol);
    c->protocol = NULL;
    unsent_clear(c);
    SSL_free(c->ssl);
    c->ssl = NULL;
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
}

/* All is said: close_notify, then the end of our side; the peer's end is awaited, its bytes are not looked at. */
static void finish(struct conn *c)
{
    ERR_clear_error();
    if (SSL_shutdown(c->ssl) < 0)
        ERR_clear_error(); /* a peer that takes no more gets no close_notify */
    if (c->input_ended || shutdown(c->fd, SHUT_WR) != 0)
        drop(c);
    else
        enter(c, CONN_LINGER);
}

static void linger(struct conn *c)
{
    uint8_t thrown[4096];
    ssize_t n = 0;

    while (c->lingered < LINGER_MAX && (n = read(c->fd, thrown, sizeof thrown)) > 0)
        c->lingered += (size_t)n;
    if (c->lingered >= LINGER_MAX || n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        drop(c);
}

/* Returns whether all of it was taken. */
static bool write_some(struct conn *c, const uint8_t *p, size_t len, size_t *taken)
{
    int n;

    *taken = 0;
    while (*taken < len) {
        ERR_clear_error();
        if ((n = SSL_write(c->ssl, p + *taken, (int)(len - *taken))) <= 0) {
            int e = SSL_get_error(c->ssl, n);

            if (e != SSL_ERROR_WANT_WRITE && e != SSL_ERROR_WANT_READ)
                drop(c);
            return false;
        }
        *taken += (size_t)n;
        c->since_us = *c->env.now_us;
    }
    return true;
}

static bool write_unsent(struct conn *c)
{
    size_t taken;
    bool all;

    if (c->unsent.len == 0)
        return true;
    all = write_some(c, c->unsent.p + c->unsent_at, c->unsent.len - c->unsent_at, &taken);
    c->unsent_at += taken;
    if (all)
        unsent_clear(c);
    return all;
}

/* One record after the other until the protocol has no more or the socket takes no more. */
static void push(struct conn *c)
{
    struct bytes *out = c->scratch;
    size_t taken, made;

    do {
        if (!write_unsent(c))
            return;
        bytes_reset(out);
        protocol_produce(c->protocol, out, HTTP_RECORD_MAX);
        made = out->len;
        if (bytes_status(out) != ST_OK) {
            drop(c);
            return;
        }
        if (made > 0) {
            if (!write_some(c, out->p, made, &taken) && c->state == CONN_OPEN) {
                c->since_us = *c->env.now_us;
                bytes_append(&c->unsent, out->p + taken, made - taken);
                if (bytes_status(&c->unsent) != ST_OK)
                    drop(c);
            }
            secret_wipe(out->p, made);
        }
    } while (made > 0 && c->state == CONN_OPEN && c->unsent.len == 0);
}

static void on_input_end(struct conn *c, int n)
{
    switch (SSL_get_error(c->ssl, n)) {
    case SSL_ERROR_WANT_READ:
        return;
    case SSL_ERROR_ZERO_RETURN: /* close_notify */
        c->input_ended = true;
        protocol_end_of_input(c->protocol);
        return;
    default: /* also a key update that finds the socket full: such a peer reads nothing */
        drop(c);
    }
}

static bool wants_input(const struct conn *c)
{
    return c->state == CONN_OPEN && !c->input_ended && (protocol_wants(c->protocol) & PROTOCOL_READ) != 0;
}

static void pull(struct conn *c)
{
    uint8_t *space = (uint8_t *)(uintptr_t)c->read_space.p;
    int n;

    c->more_input = false;
    for (int i = 0; i < READS_PER_TURN && wants_input(c); i++) {
        ERR_clear_error();
        if ((n = SSL_read(c->ssl, space, (int)c->read_space.len)) <= 0) {
            on_input_end(c, n);
            return;
        }
        protocol_receive(c->protocol, span_of(space, (size_t)n));
        secret_wipe(space, (size_t)n);
        if (SSL_has_pending(c->ssl) == 0)
            return; /* the socket will tell of more; asking it costs a system call */
    }
    c->more_input = c->state == CONN_OPEN && !c->input_ended;
}

static void shake_hands(struct conn *c)
{
    enum status st;
    int n;

    ERR_clear_error();
    if ((n = SSL_accept(c->ssl)) != 1) {
        int e = SSL_get_error(c->ssl, n);

        if (e != SSL_ERROR_WANT_READ && e != SSL_ERROR_WANT_WRITE)
            drop(c); /* OpenSSL has sent the alert */
        return;
    }
    c->env.tls_version = SSL_get_version(c->ssl);
    st = tls_chose_h2(c->ssl) ? h2_new(&c->env, &c->protocol) : h1_new(&c->env, &c->protocol);
    if (st != ST_OK) {
        drop(c);
        return;
    }
    enter(c, CONN_OPEN);
    if (c->draining)
        protocol_drain(c->protocol);
}

void conn_flush(struct conn *c)
{
    if (c->state != CONN_OPEN)
        return;
    push(c);
    if (c->state == CONN_OPEN && c->unsent.len == 0 && protocol_wants(c->protocol) == 0)
        finish(c);
}

void conn_on_ready(struct conn *c, uint32_t ready)
{
    if (c->state == CONN_LINGER) {
        linger(c);
        return;
    }
    if ((ready & (EPOLLERR | EPOLLHUP)) != 0) {
        drop(c);
        return;
    }
    if (c->state == CONN_HANDSHAKE) {
        shake_hands(c);
        ready = EPOLLIN; /* the first request may have come with the end of the handshake */
    }
    if (c->state == CONN_OPEN && (ready & EPOLLIN) != 0)
        pull(c);
    conn_flush(c);
}

bool conn_wants_turn(const struct conn *c)
{
    return c->more_input && wants_input(c);
}

void conn_turn(struct conn *c)
{
    if (conn_wants_turn(c))
        pull(c);
    conn_flush(c);
}

void conn_tick(struct conn *c)
{
    uint64_t elapsed_us = *c->env.now_us - c->since_us;
    const struct http_limits *limits = c->env.limits;

    switch (c->state) {
    case CONN_HANDSHAKE:
        if (elapsed_us >= limits->handshake_ms * 1000)
            drop(c);
        break;
    case CONN_OPEN:
        if (c->unsent.len > 0 && elapsed_us >= limits->stall_ms * 1000) {
            drop(c);
            break;
        }
        protocol_tick(c->protocol);
        conn_flush(c);
        break;
    case CONN_LINGER:
        if (elapsed_us >= limits->linger_ms * 1000)
            drop(c);
        break;
    case CONN_CLOSED:
        break;
    }
}

void conn_drain(struct conn *c)
{
    c->draining = true;
    if (c->state != CONN_OPEN)
        return;
    protocol_drain(c->protocol);
    conn_flush(c);
}

uint32_t conn_interest(const struct conn *c)
{
    uint32_t events = 0;

    switch (c->state) {
    case CONN_HANDSHAKE:
        return SSL_want_write(c->ssl) ? EPOLLOUT : EPOLLIN;
    case CONN_OPEN:
        if (c->unsent.len > 0)
            events |= EPOLLOUT;
        if (wants_input(c)) /* also then: window updates set answers free, and what else comes is bounded */
            events |= EPOLLIN;
        return events;
    case CONN_LINGER:
        return EPOLLIN;
    case CONN_CLOSED:
        break;
    }
    return 0;
}
