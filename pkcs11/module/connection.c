#include "pkcs11/module/connection.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "firmware/base/clock.h"
#include "pkcs11/module/guard.h"

#define CONNECTION_INPUT (32u * 1024)
#define CONNECT_RETRY_MS 5

static CK_RV break_off(struct connection *c, CK_RV rv)
{
    c->broken = true;
    return rv;
}

static unsigned left_ms(uint64_t deadline_ms)
{
    uint64_t now = clock_monotonic_ms();

    return now < deadline_ms ? (unsigned)(deadline_ms - now) : 0;
}

static CK_RV status_to_rv(enum status st)
{
    return st == ST_OK ? CKR_OK : st == ST_NO_MEMORY ? CKR_HOST_MEMORY : CKR_DEVICE_ERROR;
}

/* Send all that the link has ready. Blocking; the socket's own time-out bounds each step. */
static CK_RV send_output(struct connection *c, uint64_t deadline_ms)
{
    struct span out;

    while ((out = link_output(c->link)).len > 0) {
        ssize_t n = send(c->fd, out.p, out.len, MSG_NOSIGNAL);

        if (n > 0)
            link_output_taken(c->link, (size_t)n);
        else if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
            return break_off(c, CKR_DEVICE_REMOVED);
        else if (n < 0 && errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK)
            return break_off(c, CKR_DEVICE_ERROR);
        else if (left_ms(deadline_ms) == 0)
            return break_off(c, CKR_DEVICE_ERROR); /* half a message is out: the link is of no more use */
    }
    return CKR_OK;
}

/* One read into the link. The first of an answer just reads: the socket's time-out bounds it, so that a call costs one
 * system call; further ones look at the clock. */
static CK_RV receive_input(struct connection *c, uint64_t deadline_ms, bool first)
{
    enum status st;
    struct guard g;
    ssize_t n;

    if (!first) {
        struct pollfd p = { .fd = c->fd, .events = POLLIN };
        unsigned left = left_ms(deadline_ms);

        if (left == 0)
            return CKR_DEVICE_ERROR;
        if (poll(&p, 1, (int)left) <= 0)
            return CKR_OK; /* the deadline or a signal: the next turn tells */
    }
    n = recv(c->fd, c->in, CONNECTION_INPUT, 0);
    if (n == 0 || (n < 0 && errno == ECONNRESET))
        return break_off(c, CKR_DEVICE_REMOVED);
    if (n < 0)
        return errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK ? CKR_OK : break_off(c, CKR_DEVICE_ERROR);
    if (!guard_enter(&g))
        return break_off(c, CKR_DEVICE_ERROR);
    st = link_feed(c->link, span_of(c->in, (size_t)n));
    guard_leave(&g);
    return st == ST_OK ? CKR_OK : break_off(c, status_to_rv(st));
}

static CK_RV connect_socket(struct connection *c, const char *path, uint64_t deadline_ms)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    struct timeval wait = { .tv_sec = CALL_MS / 1000, .tv_usec = CALL_MS % 1000 * 1000 };

    if (strlen(path) >= sizeof to.sun_path)
        return CKR_GENERAL_ERROR;
    memcpy(to.sun_path, path, strlen(path));
    if ((c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0)
        return CKR_HOST_MEMORY;
    if (setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) != 0 ||
        setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait) != 0)
        return CKR_GENERAL_ERROR;
    /* SO_SNDTIMEO also ends a connect() that waits while the keystore's queue of new connections is full (EAGAIN). */
    while (connect(c->fd, (struct sockaddr *)&to, sizeof to) != 0) {
        if (errno == EISCONN)
            return CKR_OK;
        if (errno != EINTR && errno != EAGAIN)
            return CKR_DEVICE_REMOVED;
        if (left_ms(deadline_ms) == 0)
            return CKR_DEVICE_ERROR;
        poll(NULL, 0, CONNECT_RETRY_MS);
    }
    return CKR_OK;
}

static CK_RV shake_hands(struct connection *c, uint64_t deadline_ms)
{
    CK_RV rv = CKR_OK;

    while (rv == CKR_OK && !link_is_open(c->link))
        if ((rv = send_output(c, deadline_ms)) == CKR_OK && !link_is_open(c->link))
            rv = receive_input(c, deadline_ms, false);
    return rv == CKR_OK ? send_output(c, deadline_ms) : rv;
}

CK_RV connection_open(const struct link_identity *id, const char *path, struct connection **out)
{
    uint64_t deadline_ms = clock_monotonic_ms() + CALL_MS;
    struct connection *c = calloc(1, sizeof *c);
    CK_RV rv = CKR_HOST_MEMORY;
    struct guard g;

    *out = NULL;
    if (c == NULL)
        return rv;
    c->fd = -1;
    if ((c->in = malloc(CONNECTION_INPUT)) == NULL || (c->block = malloc(BUDGET_SIZE)) == NULL)
        goto done;
    budget_init(&c->budget, c->block, BUDGET_SIZE);
    if ((rv = connect_socket(c, path, deadline_ms)) != CKR_OK)
        goto done;
    if (!guard_enter(&g)) {
        rv = CKR_DEVICE_ERROR;
        goto done;
    }
    rv = status_to_rv(link_new_client(id, LINK_FRAMING_LENGTH, &c->link));
    guard_leave(&g);
    if (rv == CKR_OK)
        rv = shake_hands(c, deadline_ms);
done:
    if (rv != CKR_OK) {
        connection_free(c);
        return rv;
    }
    *out = c;
    return CKR_OK;
}

void connection_free(struct connection *c)
{
    struct guard g;

    if (c == NULL)
        return;
    if (c->fd >= 0)
        close(c->fd);
    if (c->block != NULL)
        budget_reset(&c->budget);
    if (c->link != NULL && guard_enter(&g)) {
        link_free(c->link);
        guard_leave(&g);
    }
    free(c->block);
    free(c->in);
    free(c);
}

void connection_forget(struct connection *c)
{
    budget_reset(&c->budget);
}

static CK_RV send_request(struct connection *c, uint32_t id, uint16_t kind, const ProtobufCMessage *request,
                          unsigned timeout_ms)
{
    enum status st;
    struct guard g;

    if (!guard_enter(&g))
        return break_off(c, CKR_DEVICE_ERROR);
    if ((st = message_send(c->link, id, kind, false, timeout_ms, request)) == ST_OK)
        st = link_flush(c->link);
    guard_leave(&g);
    if (st == ST_TOO_LARGE)
        return CKR_DATA_LEN_RANGE; /* nothing was queued */
    return st == ST_OK ? CKR_OK : break_off(c, status_to_rv(st));
}

/* True once the link has given the answer to request `id`; answers that came too late for their own are dropped. */
static bool next_answer(struct connection *c, uint32_t id, struct message *m, enum status *st)
{
    *st = ST_OK;
    while (link_next(c->link, m, st)) {
        if (*st != ST_OK)
            return false;
        if (m->answer && m->id == id)
            return true;
    }
    return false;
}

static CK_RV take_answer(struct connection *c, uint16_t kind, const struct message *m, CK_RV *result,
                         ProtobufCMessage **answer)
{
    *result = m->word;
    if (m->kind != kind)
        return break_off(c, CKR_DEVICE_ERROR);
    if (*result != CKR_OK)
        return CKR_OK;
    if (message_unpack(kind, true, m->body, &c->budget, answer) != ST_OK)
        return break_off(c, CKR_DEVICE_ERROR);
    return CKR_OK;
}

CK_RV connection_exchange(struct connection *c, uint16_t kind, const ProtobufCMessage *request, unsigned timeout_ms,
                          CK_RV *result, ProtobufCMessage **answer)
{
    uint64_t deadline_ms = clock_monotonic_ms() + timeout_ms;
    uint32_t id = ++c->last_id != 0 ? c->last_id : ++c->last_id;
    struct message m;
    enum status st;
    CK_RV rv;

    *answer = NULL;
    *result = CKR_GENERAL_ERROR;
    budget_reset(&c->budget);
    if ((rv = send_request(c, id, kind, request, timeout_ms)) != CKR_OK)
        return rv;
    if ((rv = send_output(c, deadline_ms)) != CKR_OK) {
        c->stale = rv == CKR_DEVICE_REMOVED;
        return rv;
    }
    for (bool first = true; rv == CKR_OK; first = false) {
        if (next_answer(c, id, &m, &st))
            return take_answer(c, kind, &m, result, answer);
        if (st != ST_OK)
            return break_off(c, status_to_rv(st));
        if (!first && left_ms(deadline_ms) == 0)
            return CKR_DEVICE_ERROR;
        rv = receive_input(c, deadline_ms, first && timeout_ms >= CALL_MS);
    }
    return rv;
}

bool connection_is_dead(const struct connection *c)
{
    uint8_t byte;
    ssize_t n = recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

    return n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}
