#include "service/audit/audit.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "firmware/base/clock.h"
#include "firmware/base/log.h"
#include "service/audit/checkpoint.h"
#include "service/audit/signer.h"
#include "service/audit/trail.h"

#define SEGMENT_BYTES (64u * 1024 * 1024)
#define SEGMENT_MAX   (1ull << 40)
#define QUEUE_LIMIT   16384u
#define BATCH_BYTES   (1024u * 1024) /* written and flushed at once */
#define INTERVAL_MS   1000u          /* between checkpoints, and between tries to write again */
#define GATHER_US     4000u          /* how long a record may wait for others to become durable with it */
#define GATHER_FROM   4u             /* so many requests must be under way before their records are waited for */

struct audit {
    struct span source;
    char source_text[CHAIN_SOURCE_MAX + 1];
    uint64_t segment_bytes;
    unsigned queue_limit;
    uint64_t gather_us;
    struct signer *signer;
    pthread_t thread;
    _Atomic bool up;
    atomic_uint announced; /* records that will come */

    pthread_mutex_t lock; /* guards the queue */
    pthread_cond_t wake;  /* something is queued or signed, or the end has come */
    struct audit_entry *first, **last;
    unsigned waiting;
    unsigned wake_at; /* so many waiting wake the audit thread; 0: it is awake */
    bool sign_ready, closing;

    /* the audit thread alone */
    struct trail trail;
    struct bytes buffer; /* of a batch; kept, so that a record takes no memory */
    bool is_unsigned;    /* records stand behind the last checkpoint asked for */
    bool signing;        /* a checkpoint is under way */
    bool recovered;      /* the next checkpoint is the first after a crash */
    bool sign_failing;
    uint64_t next_sign_ms; /* no checkpoint is asked for before */
    uint64_t next_try_ms;  /* while down */
    uint64_t refused;      /* entries failed since the trail could last be written */
};

/* Writing */

/* The trail's own lines are not a record of a request: {"trail":"<event>","time":..,"<what>":<number>,...}. */
static enum status append_event(struct audit *a, struct chain_point *end, const char *event, const char *what,
                                uint64_t number)
{
    char text[128], time[CLOCK_RFC3339_LEN + 1];
    int n;

    clock_format_rfc3339(time, clock_unix_100ns());
    n = snprintf(text, sizeof text, "\"trail\":\"%s\",\"time\":\"%s\",\"%s\":%llu", event, time, what,
                 (unsigned long long)number);
    INVARIANT(n > 0 && (size_t)n < sizeof text);
    return chain_append(&a->trail.hasher, &a->buffer, end, span_of(text, (size_t)n), a->source);
}

static void went_up(struct audit *a)
{
    if (atomic_exchange(&a->up, true))
        return;
    log_notice("audit: the trail is written again; %llu records were refused", (unsigned long long)a->refused);
    a->refused = 0;
}

static void went_down(struct audit *a)
{
    a->next_try_ms = clock_monotonic_ms() + INTERVAL_MS;
    if (atomic_exchange(&a->up, false))
        log_error("audit: the trail cannot be written: %s; operations are refused", strerror(errno));
}

/* Begin a batch. The first after a failure says how many entries failed. */
static enum status begin_batch(struct audit *a, struct chain_point *end)
{
    bytes_reset(&a->buffer);
    *end = a->trail.at;
    if (atomic_load(&a->up))
        return ST_OK;
    a->is_unsigned = true;
    return append_event(a, end, "resumed", "refused", a->refused);
}

static enum status write_batch(struct audit *a, const struct chain_point *end)
{
    enum status st = trail_append(&a->trail, bytes_span(&a->buffer), end);

    if (st == ST_OK)
        went_up(a);
    else
        went_down(a);
    return st;
}

static enum status check(const struct audit_entry *e)
{
    if (bytes_status(&e->record) != ST_OK)
        return ST_NO_MEMORY;
    if (e->record.len > AUDIT_RECORD_MAX)
        return ST_TOO_LARGE;
    return chain_is_record(bytes_span(&e->record)) ? ST_OK : ST_BAD_REQUEST;
}

/* How much one write may add: up to where the segment is full, and then, while its last checkpoint is being signed, up
 * to twice its size. */
static uint64_t batch_bound(const struct audit *a)
{
    uint64_t size = a->trail.segment_size;
    uint64_t end = size < a->segment_bytes ? a->segment_bytes : 2 * a->segment_bytes;
    uint64_t room = end > size ? end - size : 0;

    return room < BATCH_BYTES ? room : BATCH_BYTES;
}

/* Lines for the first entries of a list, as many as go into one write; returns the first that does not. */
static struct audit_entry *append_entries(struct audit *a, struct audit_entry *first, struct chain_point *end)
{
    uint64_t bound = batch_bound(a);
    struct audit_entry *e = first;

    for (; e != NULL && (e == first || a->buffer.len < bound); e = e->next)
        if ((e->status = check(e)) == ST_OK)
            e->status = chain_append(&a->trail.hasher, &a->buffer, end, bytes_span(&e->record), a->source);
    return e;
}

/* The entries up to `end` are durable, or failed as `st` says. */
static void finish_entries(struct audit *a, struct audit_entry *first, struct audit_entry *end, enum status st)
{
    struct audit_entry *next;

    for (struct audit_entry *e = first; e != end; e = next) {
        next = e->next; /* done() may free the entry */
        if (e->status == ST_OK)
            e->status = st;
        a->refused += e->status == ST_IO;
        bytes_clear(&e->record);
        e->done(e);
    }
}

static struct audit_entry *write_entries(struct audit *a, struct audit_entry *first)
{
    struct chain_point end;
    struct audit_entry *rest;
    enum status st = begin_batch(a, &end);

    rest = append_entries(a, first, &end);
    if (st == ST_OK && a->buffer.len > 0 && (st = write_batch(a, &end)) == ST_OK)
        a->is_unsigned = true;
    finish_entries(a, first, rest, st == ST_OK ? ST_OK : ST_IO);
    return rest;
}

/* While down and nobody asks for anything: see whether it works again, so that health can say so. */
static void try_again(struct audit *a)
{
    struct chain_point end;

    if (!atomic_load(&a->up) && clock_monotonic_ms() >= a->next_try_ms && begin_batch(a, &end) == ST_OK)
        a->is_unsigned = write_batch(a, &end) == ST_OK || a->is_unsigned;
}

/* Checkpoints */

static void end_segment(struct audit *a)
{
    if (trail_end_segment(&a->trail) != ST_OK)
        log_error("audit: a segment cannot be ended: %s", strerror(errno));
}

static void write_checkpoint(struct audit *a, const struct signed_checkpoint *c)
{
    struct chain_point end;

    if (begin_batch(a, &end) != ST_OK ||
        chain_append(&a->trail.hasher, &a->buffer, &end, bytes_span(&c->record), a->source) != ST_OK ||
        write_batch(a, &end) != ST_OK) {
        a->is_unsigned = true;
        return;
    }
    a->trail.closed = c->reason == CHECKPOINT_CLOSE;
    a->recovered = a->recovered && c->reason != CHECKPOINT_RECOVERED;
    if (c->reason == CHECKPOINT_SEGMENT)
        end_segment(a);
}

static void signing_failed(struct audit *a, enum status st)
{
    if (!a->sign_failing)
        log_error("audit: checkpoints cannot be signed: %s; records go on, tried again each second", status_name(st));
    a->sign_failing = true;
    a->is_unsigned = true;
}

/* Put a signed checkpoint into the chain, if there is one. A verifier remembers so many hashes and no more, so one that
 * speaks for a line further back (a token that took that long) counts as not signed. */
static void take_checkpoint(struct audit *a, bool wait)
{
    struct signed_checkpoint c;

    if (!signer_take(a->signer, wait, &c))
        return;
    a->signing = false;
    if (c.status == ST_OK && a->trail.at.seq - c.at.seq >= CHECKPOINT_REACH - 2) /* its own line, one "resumed" */
        c.status = ST_TIMEOUT;
    if (c.status != ST_OK)
        signing_failed(a, c.status);
    else {
        if (a->sign_failing)
            log_notice("audit: checkpoints are signed again");
        a->sign_failing = false;
        write_checkpoint(a, &c);
    }
    bytes_clear(&c.record);
}

static bool ask_checkpoint(struct audit *a, enum checkpoint_reason reason)
{
    if (!signer_ask(a->signer, &a->trail.at, reason))
        return false;
    a->next_sign_ms = clock_monotonic_ms() + INTERVAL_MS;
    a->signing = true;
    a->is_unsigned = false;
    return true;
}

/* A segment that is full ends with a checkpoint. That one is asked for at once, unless signing fails, and records do
 * not wait for it; a segment that has grown to twice its size ends without. */
static void ask_when_due(struct audit *a)
{
    bool full = a->trail.segment_fd >= 0 && a->trail.segment_size >= a->segment_bytes;
    bool due = clock_monotonic_ms() >= a->next_sign_ms;

    if (full && a->trail.segment_size >= 2 * a->segment_bytes) {
        end_segment(a);
        full = false;
    }
    if (!atomic_load(&a->up))
        return; /* there is nowhere to put it */
    if (full && (due || !a->sign_failing))
        ask_checkpoint(a, CHECKPOINT_SEGMENT);
    else if (a->is_unsigned && due)
        ask_checkpoint(a, a->recovered ? CHECKPOINT_RECOVERED : CHECKPOINT_INTERVAL);
}

static void close_trail(struct audit *a)
{
    take_checkpoint(a, true);
    a->next_try_ms = 0;
    try_again(a); /* now, so that nothing comes between the last line and the checkpoint that speaks for it */
    if (a->trail.at.seq == 0 || a->trail.closed || !atomic_load(&a->up))
        return;
    if (ask_checkpoint(a, CHECKPOINT_CLOSE))
        take_checkpoint(a, true);
}

/* The thread */

static struct timespec to_timespec(uint64_t us)
{
    return (struct timespec){ (time_t)(us / 1000000), (long)(us % 1000000) * 1000 };
}

static struct timespec deadline(const struct audit *a)
{
    uint64_t now = clock_monotonic_ms(), at = now + INTERVAL_MS;

    if (a->is_unsigned && !a->signing && a->next_sign_ms < at)
        at = a->next_sign_ms;
    if (!atomic_load(&a->up) && a->next_try_ms < at)
        at = a->next_try_ms;
    return to_timespec(at * 1000);
}

/* Sleep until `count` records wait, something else is to be done, or the time has come (NULL: it never does). */
static void sleep_until(struct audit *a, unsigned count, const struct timespec *until)
{
    int rc = 0;

    a->wake_at = count;
    while (a->waiting < count && !a->sign_ready && !a->closing && rc == 0)
        rc = until == NULL ? pthread_cond_wait(&a->wake, &a->lock) : pthread_cond_timedwait(&a->wake, &a->lock, until);
    a->wake_at = 0;
}

/* A flush takes as much of the processor for one record as for a hundred: as much as two P-256 signatures. So while
 * many requests are under way, wait until half of them are here: one half becomes durable while the other is worked on.
 * Who is alone, or one of a few, is not kept waiting, and nobody is for longer than gather_us. */
static void gather(struct audit *a)
{
    unsigned announced = atomic_load_explicit(&a->announced, memory_order_relaxed);
    struct timespec until;

    if (announced < GATHER_FROM || a->waiting >= announced)
        return;
    until = to_timespec(clock_monotonic_us() + a->gather_us);
    sleep_until(a, (announced + a->waiting + 1) / 2, &until);
}

/* Everything that is queued; NULL when something else is to be done. *closing: the queue was closed, and this is the
 * last. */
static struct audit_entry *take_all(struct audit *a, bool *closing)
{
    bool idle = atomic_load(&a->up) && (!a->is_unsigned || a->signing);
    struct timespec until = deadline(a);
    struct audit_entry *all;

    pthread_mutex_lock(&a->lock);
    sleep_until(a, 1, idle ? NULL : &until);
    if (a->waiting > 0)
        gather(a);
    all = a->first;
    a->first = NULL;
    a->last = &a->first;
    a->waiting = 0;
    a->sign_ready = false;
    *closing = a->closing;
    pthread_mutex_unlock(&a->lock);
    return all;
}

static void *writer(void *arg)
{
    struct audit *a = arg;
    bool closing = false;

    while (!closing) {
        struct audit_entry *e = take_all(a, &closing);

        while (e != NULL) {
            e = write_entries(a, e);
            take_checkpoint(a, false);
            ask_when_due(a);
        }
        try_again(a);
        take_checkpoint(a, false);
        ask_when_due(a);
    }
    close_trail(a);
    return NULL;
}

static void on_signed(void *arg)
{
    struct audit *a = arg;

    pthread_mutex_lock(&a->lock);
    a->sign_ready = true;
    pthread_cond_signal(&a->wake);
    pthread_mutex_unlock(&a->lock);
}

/* Opening, closing, submitting */

static void init_queue(struct audit *a)
{
    pthread_condattr_t monotonic;

    a->last = &a->first;
    pthread_mutex_init(&a->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&a->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

/* What a crash left was set aside: the chain says so before anything else is written. */
static enum status tell_recovery(struct audit *a)
{
    struct chain_point end = a->trail.at;
    enum status st;

    a->recovered = a->trail.at.seq > 0 && !a->trail.closed;
    a->is_unsigned = a->recovered;
    if (a->trail.set_aside == 0)
        return ST_OK;
    a->recovered = a->is_unsigned = true;
    if ((st = append_event(a, &end, "recovered", "discarded", a->trail.set_aside)) != ST_OK)
        return st;
    return trail_append(&a->trail, bytes_span(&a->buffer), &end);
}

static enum status start(struct audit *a, const struct audit_config *config)
{
    enum status st;

    if ((st = bytes_reserve(&a->buffer, BATCH_BYTES + 2 * AUDIT_LINE_MAX)) != ST_OK ||
        (st = trail_open(config->directory, &a->trail)) != ST_OK)
        return st;
    if ((st = tell_recovery(a)) == ST_OK &&
        (st = signer_start(config->signing_key, on_signed, a, &a->signer)) == ST_OK &&
        pthread_create(&a->thread, NULL, writer, a) != 0) {
        signer_stop(a->signer);
        st = ST_UNAVAILABLE;
    }
    if (st != ST_OK)
        trail_close(&a->trail);
    return st;
}

static void audit_free(struct audit *a)
{
    bytes_clear(&a->buffer);
    pthread_cond_destroy(&a->wake);
    pthread_mutex_destroy(&a->lock);
    free(a);
}

enum status audit_open(const struct audit_config *config, struct audit **out)
{
    struct span source = span_text(config->source);
    struct audit *a;
    enum status st;

    *out = NULL;
    if (!chain_is_source(source))
        return ST_BAD_REQUEST;
    if ((a = calloc(1, sizeof *a)) == NULL)
        return ST_NO_MEMORY;
    memcpy(a->source_text, source.p, source.len);
    a->source = span_text(a->source_text);
    a->segment_bytes = config->segment_bytes > 0 ? config->segment_bytes : SEGMENT_BYTES;
    if (a->segment_bytes > SEGMENT_MAX)
        a->segment_bytes = SEGMENT_MAX;
    a->queue_limit = config->queue_limit > 0 ? config->queue_limit : QUEUE_LIMIT;
    a->gather_us = config->gather_us > 0 ? config->gather_us : GATHER_US;
    atomic_init(&a->up, true);
    atomic_init(&a->announced, 0);
    init_queue(a);
    if ((st = start(a, config)) != ST_OK) {
        audit_free(a);
        return st;
    }
    *out = a;
    return ST_OK;
}

void audit_close(struct audit *a)
{
    if (a == NULL)
        return;
    pthread_mutex_lock(&a->lock);
    a->closing = true;
    pthread_cond_signal(&a->wake);
    pthread_mutex_unlock(&a->lock);
    pthread_join(a->thread, NULL);
    signer_stop(a->signer);
    trail_close(&a->trail);
    audit_free(a);
}

void audit_announce(struct audit *a, struct audit_entry *e)
{
    INVARIANT(!e->announced);
    e->announced = true;
    atomic_fetch_add_explicit(&a->announced, 1, memory_order_relaxed);
}

enum status audit_submit(struct audit *a, struct audit_entry *e)
{
    enum status st = ST_OK;

    if (e->announced)
        atomic_fetch_sub_explicit(&a->announced, 1, memory_order_relaxed);
    e->announced = false;
    e->next = NULL;
    pthread_mutex_lock(&a->lock);
    if (a->closing)
        st = ST_CLOSED;
    else if (a->waiting >= a->queue_limit)
        st = ST_BUSY;
    else {
        *a->last = e;
        a->last = &e->next;
        if (++a->waiting == a->wake_at)
            pthread_cond_signal(&a->wake);
    }
    pthread_mutex_unlock(&a->lock);
    return st;
}

bool audit_is_up(const struct audit *a)
{
    return atomic_load(&a->up);
}
