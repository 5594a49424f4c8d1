#include "board/sim/loop.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "board/sim/conn.h"
#include "firmware/base/clock.h"
#include "firmware/base/log.h"

#define READ_MAX    (64u * 1024)
#define EVENTS_MAX  64
#define STACK_BYTES (1024u * 1024)

struct loop {
    struct loops *all;
    pthread_t thread;
    int epoll, bell; /* the bell: an eventfd that others ring when something waits under the lock */
    struct conn *conns, *closed;
    uint64_t earliest_ms; /* no deadline of a connection is before it; 0: none has one */
    _Atomic unsigned count;
    pthread_mutex_t lock;
    struct conn *woken;     /* under the lock: answers of slow workers wait */
    int arrived[PEERS_MAX]; /* under the lock: descriptors of new links */
    unsigned arrived_count; /* under the lock */
    uint8_t buffer[READ_MAX];
};

struct loops {
    struct keystore *ks;
    int listener;
    unsigned count, started;
    _Atomic bool stopping;
    _Atomic unsigned peers;
    struct loop *loops;
};

/* What an event is about, where it is no connection. */
static char listener_event, bell_event;

static bool watch(int epoll, int fd, uint32_t events, void *what)
{
    struct epoll_event e = { .events = events, .data.ptr = what };

    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) == 0;
}

static void ring(struct loop *lp)
{
    uint64_t one = 1;
    ssize_t ignored = write(lp->bell, &one, sizeof one); /* it can only be full, and then it rings */

    (void)ignored;
}

/* From any thread: the firmware has answers for the connection. */
static void on_wake(void *arg)
{
    struct conn *c = arg;
    struct loop *lp = c->loop;
    bool first = false;

    pthread_mutex_lock(&lp->lock);
    if (!c->woken) {
        first = lp->woken == NULL;
        c->woken = true;
        c->next_woken = lp->woken;
        lp->woken = c;
    }
    pthread_mutex_unlock(&lp->lock);
    if (first)
        ring(lp);
}

static struct loop *least_busy(struct loops *l)
{
    struct loop *best = &l->loops[0];

    for (unsigned i = 1; i < l->count; i++)
        if (atomic_load(&l->loops[i].count) < atomic_load(&best->count))
            best = &l->loops[i];
    return best;
}

static void hand_over(struct loops *l, int fd)
{
    struct loop *to = least_busy(l);
    bool taken;

    pthread_mutex_lock(&to->lock);
    taken = to->arrived_count < PEERS_MAX && atomic_load(&l->peers) < PEERS_MAX;
    if (taken) {
        to->arrived[to->arrived_count++] = fd;
        atomic_fetch_add(&l->peers, 1);
        atomic_fetch_add(&to->count, 1);
    }
    pthread_mutex_unlock(&to->lock);
    if (taken)
        ring(to);
    else
        close(fd);
}

static void accept_all(struct loops *l)
{
    int fd;

    while ((fd = accept4(l->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
        hand_over(l, fd);
}

static void forget(struct loop *lp)
{
    atomic_fetch_sub(&lp->count, 1);
    atomic_fetch_sub(&lp->all->peers, 1);
}

static void note_deadline(struct loop *lp, const struct conn *c)
{
    if (c->deadline_ms != 0 && (lp->earliest_ms == 0 || c->deadline_ms < lp->earliest_ms))
        lp->earliest_ms = c->deadline_ms;
}

/* Put aside, since this batch of events may name it again. */
static void end(struct loop *lp, struct conn *c)
{
    if (c->closed)
        return;
    c->closed = true;
    if (c->next != NULL)
        c->next->previous = c->previous;
    if (c->previous != NULL)
        c->previous->next = c->next;
    else
        lp->conns = c->next;
    c->next = lp->closed;
    lp->closed = c;
}

static void begin(struct loop *lp, int fd)
{
    struct conn *c;

    if (conn_new(lp->all->ks, lp, fd, on_wake, &c) != ST_OK) {
        close(fd);
        forget(lp);
        return;
    }
    c->watched = EPOLLIN;
    note_deadline(lp, c);
    if ((c->next = lp->conns) != NULL)
        c->next->previous = c;
    lp->conns = c;
    if (!watch(lp->epoll, fd, c->watched, c)) {
        log_error("a link cannot be watched: %s", strerror(errno));
        end(lp, c);
    }
}

static void take_off_woken(struct loop *lp, struct conn *c)
{
    pthread_mutex_lock(&lp->lock);
    for (struct conn **at = &lp->woken; *at != NULL; at = &(*at)->next_woken)
        if (*at == c) {
            *at = c->next_woken;
            break;
        }
    pthread_mutex_unlock(&lp->lock);
}

static void free_closed(struct loop *lp)
{
    while (lp->closed != NULL) {
        struct conn *c = lp->closed;

        lp->closed = c->next;
        conn_disown(c);
        take_off_woken(lp, c);
        conn_free(c);
        forget(lp);
    }
}

static void after_service(struct loop *lp, struct conn *c, bool goes_on)
{
    struct epoll_event e = { .data.ptr = c };

    if (goes_on && (e.events = conn_interest(c)) != c->watched) {
        c->watched = e.events;
        goes_on = epoll_ctl(lp->epoll, EPOLL_CTL_MOD, c->fd, &e) == 0;
    }
    if (goes_on)
        note_deadline(lp, c);
    else
        end(lp, c);
}

static bool take_arrived(struct loop *lp, int *fd)
{
    bool any;

    pthread_mutex_lock(&lp->lock);
    if ((any = lp->arrived_count > 0))
        *fd = lp->arrived[--lp->arrived_count];
    pthread_mutex_unlock(&lp->lock);
    return any;
}

static struct conn *take_woken(struct loop *lp)
{
    struct conn *c;

    pthread_mutex_lock(&lp->lock);
    if ((c = lp->woken) != NULL) {
        lp->woken = c->next_woken;
        c->woken = false;
    }
    pthread_mutex_unlock(&lp->lock);
    return c;
}

static void answer_bell(struct loop *lp)
{
    uint64_t rung;
    ssize_t ignored = read(lp->bell, &rung, sizeof rung);
    struct conn *c;
    int fd;

    (void)ignored;
    while (take_arrived(lp, &fd))
        begin(lp, fd);
    while ((c = take_woken(lp)) != NULL)
        if (!c->closed)
            after_service(lp, c, conn_work(c));
}

static void end_stalled(struct loop *lp)
{
    uint64_t now = clock_monotonic_ms();

    if (lp->earliest_ms == 0 || now < lp->earliest_ms)
        return;
    lp->earliest_ms = 0;
    for (struct conn *c = lp->conns, *next; c != NULL; c = next) {
        next = c->next;
        if (c->deadline_ms != 0 && c->deadline_ms <= now)
            end(lp, c);
        else
            note_deadline(lp, c);
    }
}

static int wait_ms(const struct loop *lp)
{
    uint64_t now;

    if (lp->earliest_ms == 0)
        return -1;
    now = clock_monotonic_ms();
    return lp->earliest_ms > now ? (int)(lp->earliest_ms - now) : 0;
}

static void on_event(struct loop *lp, const struct epoll_event *e)
{
    struct conn *c = e->data.ptr;

    if (e->data.ptr == &listener_event)
        accept_all(lp->all);
    else if (e->data.ptr == &bell_event)
        answer_bell(lp);
    else if (!c->closed)
        after_service(lp, c, conn_serve(c, e->events, lp->buffer, sizeof lp->buffer));
}

static void *run(void *arg)
{
    struct epoll_event events[EVENTS_MAX];
    struct loop *lp = arg;
    int fd;

    while (!atomic_load(&lp->all->stopping)) {
        int n = epoll_wait(lp->epoll, events, EVENTS_MAX, wait_ms(lp));

        INVARIANT(n >= 0 || errno == EINTR);
        for (int i = 0; i < n; i++)
            on_event(lp, &events[i]);
        end_stalled(lp);
        free_closed(lp);
    }
    while (lp->conns != NULL)
        end(lp, lp->conns);
    free_closed(lp);
    while (take_arrived(lp, &fd))
        close(fd);
    return NULL;
}

static bool prepare(struct loop *lp, struct loops *all)
{
    lp->all = all;
    pthread_mutex_init(&lp->lock, NULL);
    lp->epoll = epoll_create1(EPOLL_CLOEXEC);
    lp->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    /* exclusive: a new link wakes one loop, not all */
    return lp->epoll >= 0 && lp->bell >= 0 && watch(lp->epoll, lp->bell, EPOLLIN, &bell_event) &&
           watch(lp->epoll, all->listener, EPOLLIN | EPOLLEXCLUSIVE, &listener_event);
}

enum status loops_start(struct keystore *ks, int listener, unsigned count, struct loops **out)
{
    struct loops *l = calloc(1, sizeof *l);
    pthread_attr_t attributes;
    bool ok = l != NULL && (l->loops = calloc(count, sizeof *l->loops)) != NULL;

    *out = NULL;
    if (!ok) {
        free(l);
        return ST_NO_MEMORY;
    }
    l->ks = ks;
    l->listener = listener;
    l->count = count;
    for (unsigned i = 0; i < count; i++)
        ok = prepare(&l->loops[i], l) && ok;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    while (ok && l->started < count &&
           (ok = pthread_create(&l->loops[l->started].thread, &attributes, run, &l->loops[l->started]) == 0))
        l->started++;
    pthread_attr_destroy(&attributes);
    if (!ok) {
        loops_stop(l);
        return ST_IO;
    }
    *out = l;
    return ST_OK;
}

void loops_stop(struct loops *l)
{
    if (l == NULL)
        return;
    atomic_store(&l->stopping, true);
    for (unsigned i = 0; i < l->started; i++)
        ring(&l->loops[i]);
    for (unsigned i = 0; i < l->started; i++)
        pthread_join(l->loops[i].thread, NULL);
    for (unsigned i = 0; i < l->count; i++) {
        close(l->loops[i].epoll);
        close(l->loops[i].bell);
        pthread_mutex_destroy(&l->loops[i].lock);
    }
    free(l->loops);
    free(l);
}
