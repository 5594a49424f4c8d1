#include "service/http/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "firmware/base/clock.h"
#include "firmware/base/log.h"
#include "firmware/base/secret.h"
#include "service/http/conn.h"
#include "service/http/mailbox.h"
#include "service/http/response.h"

#define EVENTS_PER_TURN     64
#define ACCEPTS_PER_TURN    16
#define SLOT_BITS           20 /* of a connection's id; the rest is a serial number, so that ids are never used twice */
#define REFUSED_LOG_EVERY_S 10

struct loop {
    struct http_server *server;
    struct mailbox *mailbox;
    pthread_t thread;
    bool started;
    int epoll;
    int listeners[HTTP_ADDRESSES_MAX];
    size_t listener_count;
    int spare; /* a descriptor to give up when there are no others, so that a refusal can still be said */
    uint64_t now_us, tick_us, date_s;
    char date[DATE_LEN + 1];

    struct conn *conns, *dirty, *closed;
    struct conn **slots;
    size_t slot_count, conn_count;
    uint64_t serial;
    size_t running; /* requests with the handler */
    struct request_pool pool;
    struct bytes scratch;
    uint8_t *read_space;

    unsigned refused_all, refused_address, refused_trouble; /* connections, since the last log line */
    uint64_t refused_logged_us;

    atomic_bool stop;
    atomic_uint_fast64_t grace_ms;
    bool draining;
    uint64_t deadline_us;
};

static void look_at_clock(struct loop *l)
{
    uint64_t s;

    l->now_us = clock_monotonic_us();
    s = (uint64_t)clock_unix_s();
    if (s != l->date_s) {
        l->date_s = s;
        response_format_date(l->date, (int64_t)s);
    }
}

/* Connections by id. */

static struct conn *conn_of(struct loop *l, uint64_t id)
{
    size_t slot = id & ((1u << SLOT_BITS) - 1);
    struct conn *c = slot < l->slot_count ? l->slots[slot] : NULL;

    return c != NULL && c->id == id && c->state != CONN_CLOSED ? c : NULL;
}

static enum status take_slot(struct loop *l, struct conn *c)
{
    size_t i = 0, more;
    struct conn **slots;

    while (i < l->slot_count && l->slots[i] != NULL)
        i++;
    if (i == l->slot_count) {
        more = l->slot_count > 0 ? l->slot_count : 64;
        if (l->slot_count + more > 1u << SLOT_BITS ||
            (slots = realloc(l->slots, (l->slot_count + more) * sizeof(struct conn *))) == NULL)
            return ST_NO_MEMORY;
        memset(slots + l->slot_count, 0, more * sizeof *slots);
        l->slots = slots;
        l->slot_count += more;
    }
    l->slots[i] = c;
    c->id = ++l->serial << SLOT_BITS | i;
    return ST_OK;
}

static void mark_dirty(struct loop *l, struct conn *c)
{
    if (c->dirty)
        return;
    c->dirty = true;
    c->dirty_next = l->dirty;
    l->dirty = c;
}

/* After anything has happened to a connection: watch for what it waits for now, or put it aside to be freed. */
static void settle(struct loop *l, struct conn *c)
{
    struct epoll_event e = { .data.ptr = c };

    if (c->state == CONN_CLOSED) {
        if (c->fd < 0)
            return; /* already aside */
        conn_close(c);
        if (c->prev != NULL)
            c->prev->next = c->next;
        else
            l->conns = c->next;
        if (c->next != NULL)
            c->next->prev = c->prev;
        l->slots[c->id & ((1u << SLOT_BITS) - 1)] = NULL;
        l->conn_count--;
        admission_leave(l->server->admission, c->address);
        c->next = l->closed;
        l->closed = c;
        return;
    }
    if (conn_wants_turn(c))
        mark_dirty(l, c);
    e.events = conn_interest(c);
    if (e.events != c->watched && epoll_ctl(l->epoll, EPOLL_CTL_MOD, c->fd, &e) == 0)
        c->watched = e.events;
}

/* Only between batches: an event of the batch may still name it. */
static void free_closed(struct loop *l)
{
    struct conn **at = &l->dirty, *c;

    if (l->closed == NULL)
        return;
    while ((c = *at) != NULL) {
        if (c->state == CONN_CLOSED)
            *at = c->dirty_next;
        else
            at = &c->dirty_next;
    }
    while ((c = l->closed) != NULL) {
        l->closed = c->next;
        free(c);
    }
}

/* Requests on their way to the handler and back. */

static void dispatch(void *arg, struct http_request *rq)
{
    struct loop *l = arg;
    struct http_server *s = l->server;

    l->running++;
    if (atomic_fetch_add_explicit(&s->requests, 1, memory_order_relaxed) >= s->limits.requests) {
        response_refuse(rq, 503);
        mailbox_post(rq->home, rq);
        return;
    }
    s->handler(rq, s->handler_arg);
}

/* An answer has come, from this thread or out of the mailbox. */
static void deliver(void *arg, struct http_request *rq)
{
    struct loop *l = arg;
    struct conn *c = conn_of(l, rq->connection);

    l->running--;
    atomic_fetch_sub_explicit(&l->server->requests, 1, memory_order_relaxed);
    if (c == NULL || c->protocol == NULL) {
        request_free(rq);
        return;
    }
    protocol_respond(c->protocol, rq);
    mark_dirty(l, c);
}

static void take_mail(struct loop *l)
{
    struct http_request *rq = mailbox_take(l->mailbox), *next;

    for (; rq != NULL; rq = next) {
        next = rq->mail_next;
        deliver(l, rq);
    }
}

/* New connections. */

static void note_refused(struct loop *l, enum status st)
{
    l->refused_all += st == ST_BUSY;
    l->refused_address += st == ST_NOT_PERMITTED;
    l->refused_trouble += st != ST_BUSY && st != ST_NOT_PERMITTED;
}

static void log_refused(struct loop *l)
{
    if (l->refused_all + l->refused_address + l->refused_trouble == 0 ||
        (l->refused_logged_us != 0 && l->now_us - l->refused_logged_us < REFUSED_LOG_EVERY_S * UINT64_C(1000000)))
        return;
    log_warning("http: connections refused: %u beyond the limit in all, %u beyond the limit of their address, %u for "
                "want of memory or descriptors",
                l->refused_all, l->refused_address, l->refused_trouble);
    l->refused_all = l->refused_address = l->refused_trouble = 0;
    l->refused_logged_us = l->now_us;
}

static struct conn *new_conn(struct loop *l, const struct sockaddr_storage *from, socklen_t from_len)
{
    struct conn *c = calloc(1, sizeof *c);

    if (c == NULL)
        return NULL;
    c->fd = -1;
    c->scratch = &l->scratch;
    c->read_space = span_of(l->read_space, HTTP_RECORD_MAX);
    c->address = admission_key_of(from);
    c->env = (struct protocol_env){ .limits = &l->server->limits,
                                    .pool = &l->pool,
                                    .home = l->mailbox,
                                    .now_us = &l->now_us,
                                    .date = l->date,
                                    .dispatch = dispatch,
                                    .arg = l };
    if (getnameinfo((const struct sockaddr *)from, from_len, c->peer, sizeof c->peer, NULL, 0, NI_NUMERICHOST) != 0)
        memcpy(c->peer, "?", 2);
    return c;
}

static enum status open_conn(struct loop *l, struct conn *c, int fd)
{
    struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };
    SSL_CTX *tls = server_tls(l->server);
    enum status st = take_slot(l, c);
    int one = 1;

    if (st == ST_OK && (st = conn_open(c, fd, tls)) != ST_OK)
        l->slots[c->id & ((1u << SLOT_BITS) - 1)] = NULL;
    SSL_CTX_free(tls);
    if (st != ST_OK)
        return st;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one); /* we put records together ourselves */
    if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &e) != 0) {
        l->slots[c->id & ((1u << SLOT_BITS) - 1)] = NULL;
        c->fd = -1; /* the caller closes it */
        conn_close(c);
        return ST_NO_MEMORY;
    }
    c->watched = EPOLLIN;
    c->next = l->conns;
    if (c->next != NULL)
        c->next->prev = c;
    l->conns = c;
    l->conn_count++;
    return ST_OK;
}

static void admit(struct loop *l, int fd, const struct sockaddr_storage *from, socklen_t from_len)
{
    struct admission_key key = admission_key_of(from);
    enum status st = admission_enter(l->server->admission, key);
    struct conn *c;

    if (st != ST_OK) {
        note_refused(l, st);
        close(fd);
        return;
    }
    if ((c = new_conn(l, from, from_len)) == NULL || open_conn(l, c, fd) != ST_OK) {
        free(c);
        admission_leave(l->server->admission, key);
        note_refused(l, ST_NO_MEMORY);
        close(fd);
    }
}

/* Out of descriptors: without this the waiting connection would make the socket ready for ever. */
static void refuse_with_spare(struct loop *l, int listener)
{
    int fd;

    note_refused(l, ST_NO_MEMORY);
    if (l->spare < 0)
        return;
    close(l->spare);
    if ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0)
        close(fd);
    l->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* Returns whether there may be more. */
static bool accept_one(struct loop *l, int listener)
{
    struct sockaddr_storage from = { 0 };
    socklen_t from_len = sizeof from;
    int fd = accept4(listener, (struct sockaddr *)&from, &from_len, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd >= 0) {
        admit(l, fd, &from, from_len);
        return true;
    }
    if (errno == EMFILE || errno == ENFILE)
        refuse_with_spare(l, listener);
    return errno == ECONNABORTED || errno == EINTR;
}

static void accept_some(struct loop *l, int listener)
{
    for (int i = 0; i < ACCEPTS_PER_TURN && accept_one(l, listener); i++)
        ;
}

/* The end. */

static void close_listeners(struct loop *l)
{
    for (size_t i = 0; i < l->listener_count; i++)
        close(l->listeners[i]);
    l->listener_count = 0;
}

static void begin_drain(struct loop *l)
{
    struct conn *c, *next;

    l->draining = true;
    l->deadline_us = l->now_us + atomic_load(&l->grace_ms) * 1000;
    for (size_t i = 0; i < l->listener_count; i++)
        while (accept_one(l, l->listeners[i])) /* those that the kernel has already let in are not turned away */
            ;
    close_listeners(l);
    for (c = l->conns; c != NULL; c = next) {
        next = c->next;
        conn_drain(c);
        settle(l, c);
    }
}

static void close_all(struct loop *l)
{
    while (l->conns != NULL) {
        l->conns->state = CONN_CLOSED;
        settle(l, l->conns);
    }
    free_closed(l);
}

/* The loop. */

static void tick(struct loop *l)
{
    struct conn *c, *next;

    if (l->now_us < l->tick_us)
        return;
    l->tick_us = l->now_us + l->server->limits.tick_ms * 1000;
    for (c = l->conns; c != NULL; c = next) {
        next = c->next;
        conn_tick(c);
        settle(l, c);
    }
    log_refused(l);
}

static void turn_dirty(struct loop *l)
{
    struct conn *list = l->dirty, *c;

    l->dirty = NULL;
    while ((c = list) != NULL) {
        list = c->dirty_next;
        c->dirty = false;
        conn_turn(c);
        settle(l, c);
    }
}

static int sleep_ms(struct loop *l)
{
    if (l->dirty != NULL || !mailbox_may_sleep(l->mailbox))
        return 0;
    if (l->conns == NULL && !l->draining && l->refused_all + l->refused_address + l->refused_trouble == 0)
        return -1;
    return l->now_us < l->tick_us ? (int)((l->tick_us - l->now_us + 999) / 1000) : 0;
}

static void on_event(struct loop *l, const struct epoll_event *e)
{
    struct conn *c = e->data.ptr;
    eventfd_t ignored;

    if (e->data.ptr == l) {
        (void)eventfd_read(mailbox_fd(l->mailbox), &ignored);
    } else if (e->data.ptr >= (void *)l->listeners && e->data.ptr < (void *)(l->listeners + HTTP_ADDRESSES_MAX)) {
        if (!l->draining)
            accept_some(l, *(int *)e->data.ptr);
    } else if (c->state != CONN_CLOSED) { /* else closed earlier in this batch */
        conn_on_ready(c, e->events);
        settle(l, c);
    }
}

static void on_events(struct loop *l, const struct epoll_event *events, int n)
{
    struct http_server *s = l->server;

    if (s->batch != NULL && n > 0)
        s->batch(s->handler_arg, true);
    for (int i = 0; i < n; i++)
        on_event(l, &events[i]);
    if (s->batch != NULL && n > 0)
        s->batch(s->handler_arg, false);
}

static void *run(void *arg)
{
    struct epoll_event events[EVENTS_PER_TURN];
    struct loop *l = arg;
    int n;

    mailbox_adopt(l->mailbox);
    look_at_clock(l);
    while (!l->draining || (l->conns != NULL && l->now_us < l->deadline_us)) {
        n = epoll_wait(l->epoll, events, EVENTS_PER_TURN, sleep_ms(l));
        look_at_clock(l);
        on_events(l, events, n);
        take_mail(l);
        turn_dirty(l);
        tick(l);
        if (atomic_load(&l->stop) && !l->draining)
            begin_drain(l);
        free_closed(l);
    }
    close_all(l);
    return NULL;
}

static enum status watch(struct loop *l, int fd, void *what)
{
    struct epoll_event e = { .events = EPOLLIN, .data.ptr = what };

    return epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &e) == 0 ? ST_OK : ST_IO;
}

enum status loop_new(struct http_server *server, const int *listeners, size_t count, struct loop **out)
{
    struct loop *l = calloc(1, sizeof *l);
    enum status st = ST_NO_MEMORY;

    *out = NULL;
    INVARIANT(count <= HTTP_ADDRESSES_MAX);
    if (l == NULL) {
        for (size_t i = 0; i < count; i++)
            close(listeners[i]);
        return ST_NO_MEMORY;
    }
    l->server = server;
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    l->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
    memcpy(l->listeners, listeners, count * sizeof *listeners);
    l->listener_count = count;
    l->read_space = malloc(HTTP_RECORD_MAX);
    if (l->read_space == NULL || (st = bytes_reserve(&l->scratch, 2 * HTTP_RECORD_MAX)) != ST_OK ||
        (st = mailbox_new(deliver, l, &l->mailbox)) != ST_OK || (st = l->epoll >= 0 ? ST_OK : ST_IO) != ST_OK ||
        (st = watch(l, mailbox_fd(l->mailbox), l)) != ST_OK)
        goto done;
    for (size_t i = 0; i < count && st == ST_OK; i++)
        st = watch(l, l->listeners[i], &l->listeners[i]);
done:
    if (st == ST_OK)
        *out = l;
    else
        loop_free(l);
    return st;
}

enum status loop_start(struct loop *l)
{
    sigset_t all, before;
    int rc;

    sigfillset(&all); /* signals are the business of other threads; SIGPIPE is answered by EPIPE here */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&l->thread, NULL, run, l);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    l->started = rc == 0;
    return rc == 0 ? ST_OK : ST_IO;
}

void loop_stop(struct loop *l, uint64_t grace_ms)
{
    atomic_store(&l->grace_ms, grace_ms);
    atomic_store(&l->stop, true);
    mailbox_wake(l->mailbox);
}

void loop_free(struct loop *l)
{
    if (l == NULL)
        return;
    if (l->started)
        pthread_join(l->thread, NULL);
    close_listeners(l);
    if (l->epoll >= 0)
        close(l->epoll);
    if (l->spare >= 0)
        close(l->spare);
    mailbox_close(l->mailbox, l->running);
    request_pool_clear(&l->pool);
    secret_wipe(l->scratch.p, l->scratch.cap);
    bytes_clear(&l->scratch);
    free(l->read_space);
    free(l->slots);
    free(l);
}
