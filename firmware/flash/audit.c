#include "firmware/flash/audit.h"

#include <openssl/crypto.h>
#include <pthread.h>

#include "firmware/base/clock.h"
#include "firmware/base/log.h"
#include "firmware/flash/audit_ring.h"
#include "firmware/base/big_endian.h"

#define PENDING_MAX 512

/* `lock` guards everything. `syncing` is held, before it, by whoever waits for the flash, so that other threads append
 * and write meanwhile: a login that must be durable does not hold up the signatures of others. */
struct audit {
    pthread_mutex_t lock, syncing;
    struct audit_ring ring;
    uint8_t *pending; /* records that were not written yet: the newest ones */
    size_t pending_count, pending_max;
    uint64_t covered;  /* number up to which a sync has ended or is running */
    uint64_t durable;  /* has ended */
    uint64_t since_ms; /* the oldest record behind `covered` was written */
    uint8_t written_hash[AUDIT_HASH_LEN];
    int64_t clock_ms; /* on top of the board's time */
    bool failed;
};

static uint64_t written(const struct audit *a)
{
    return a->ring.newest - a->pending_count;
}

static enum status fail(struct audit *a)
{
    log_error("the audit's flash fails: every request is refused from now on");
    a->failed = true; /* until the next start: after a failed write or sync nobody knows what the flash holds */
    return ST_UNAVAILABLE;
}

/* The records up to `upto`, whose hash is `hash`, have become durable. Their head becomes so with the next sync. */
static enum status name_durable(struct audit *a, uint64_t upto, const uint8_t hash[AUDIT_HASH_LEN])
{
    if (a->durable >= upto)
        return ST_OK;
    a->durable = upto;
    if (a->covered < upto)
        a->covered = upto;
    return audit_ring_write_head(&a->ring, upto, hash);
}

static enum status write_pending(struct audit *a)
{
    const struct hal *hal = a->ring.hal;

    if (a->failed)
        return ST_UNAVAILABLE;
    if (a->pending_count == 0)
        return ST_OK;
    if (a->ring.newest - a->durable > a->ring.slack) { /* what a power cut can tear is bounded: audit_ring.h */
        if (hal->flash_sync(hal->self, HAL_REGION_AUDIT) != ST_OK ||
            name_durable(a, written(a), a->written_hash) != ST_OK)
            return fail(a);
    }
    if (audit_ring_write(&a->ring, written(a) + 1, a->pending, a->pending_count) != ST_OK)
        return fail(a);
    if (written(a) == a->covered)
        a->since_ms = clock_monotonic_ms();
    a->pending_count = 0;
    memcpy(a->written_hash, a->ring.hash, sizeof a->written_hash);
    if (a->ring.newest - a->ring.oldest >= a->ring.places)
        a->ring.oldest = a->ring.newest + 1 - a->ring.places;
    return ST_OK;
}

static bool sync_is_due(const struct audit *a)
{
    uint64_t waiting = written(a) - a->covered;

    return waiting > 0 &&
           (waiting >= a->ring.slack / 2 || clock_monotonic_ms() - a->since_ms >= (uint64_t)AUDIT_SYNC_MS);
}

/* With `syncing` held. */
static enum status sync_written(struct audit *a, uint64_t wanted)
{
    const struct hal *hal = a->ring.hal;
    uint8_t hash[AUDIT_HASH_LEN];
    enum status st = ST_OK;
    uint64_t upto;

    pthread_mutex_lock(&a->lock);
    upto = written(a);
    memcpy(hash, a->written_hash, sizeof hash);
    if (a->failed || a->durable >= wanted) { /* another thread's sync took ours along */
        st = a->failed ? ST_UNAVAILABLE : ST_OK;
        pthread_mutex_unlock(&a->lock);
        return st;
    }
    a->covered = upto;
    pthread_mutex_unlock(&a->lock);
    st = hal->flash_sync(hal->self, HAL_REGION_AUDIT);
    pthread_mutex_lock(&a->lock);
    if (st != ST_OK || name_durable(a, upto, hash) != ST_OK)
        st = fail(a);
    pthread_mutex_unlock(&a->lock);
    return st;
}

enum status audit_flush(struct audit *a, bool sync)
{
    enum status st;
    uint64_t wanted;

    pthread_mutex_lock(&a->lock);
    st = write_pending(a);
    wanted = written(a);
    sync = sync || sync_is_due(a);
    pthread_mutex_unlock(&a->lock);
    if (st != ST_OK || !sync)
        return st;
    pthread_mutex_lock(&a->syncing);
    st = sync_written(a, wanted);
    pthread_mutex_unlock(&a->syncing);
    return st;
}

static void encode(const struct audit_entry *e, uint64_t sequence, uint64_t time_ms, uint8_t *p)
{
    p = be_put(p, sequence, 8);
    p = be_put(p, time_ms, 8);
    p = be_put(p, e->kind, 2);
    p = be_put(p, e->role, 1);
    p = be_put(p, e->partition, 4);
    p = be_put(p, e->result, 4);
    p = be_put(p, e->mechanism, 8);
    memcpy(p, e->object, sizeof e->object);
    p += sizeof e->object;
    memcpy(p, e->peer, sizeof e->peer);
    p = be_put(p + sizeof e->peer, e->detail, 8);
    memset(p, 0, AUDIT_HASH_AT - AUDIT_HASHED_LEN);
}

static enum status append(struct audit *a, const struct audit_entry *e)
{
    uint8_t *record;
    enum status st;

    if (a->failed)
        return ST_UNAVAILABLE;
    if (a->pending_count == a->pending_max && (st = write_pending(a)) != ST_OK)
        return st;
    record = a->pending + a->pending_count * AUDIT_RECORD_LEN;
    encode(e, a->ring.newest + 1, a->ring.hal->time_unix_ms(a->ring.hal->self) + (uint64_t)a->clock_ms, record);
    if (audit_ring_hash(&a->ring, a->ring.hash, record, record + AUDIT_HASH_AT) != ST_OK)
        return fail(a);
    memcpy(a->ring.hash, record + AUDIT_HASH_AT, AUDIT_HASH_LEN);
    a->ring.newest++;
    a->pending_count++;
    return ST_OK;
}

enum status audit_append(struct audit *a, const struct audit_entry *e)
{
    enum status st;

    pthread_mutex_lock(&a->lock);
    st = append(a, e);
    pthread_mutex_unlock(&a->lock);
    return st;
}

enum status audit_read(struct audit *a, uint64_t from, unsigned max, struct bytes *out, uint64_t *next)
{
    uint64_t count = 0;
    enum status st;

    pthread_mutex_lock(&a->lock);
    if ((st = write_pending(a)) != ST_OK)
        goto done;
    if (from < a->ring.oldest)
        from = a->ring.oldest;
    if (from <= a->ring.newest)
        count = a->ring.newest - from + 1 < max ? a->ring.newest - from + 1 : max;
    if ((st = bytes_reserve(out, (size_t)count * AUDIT_RECORD_LEN)) != ST_OK ||
        (count > 0 && (st = audit_ring_read(&a->ring, from, out->p + out->len, (size_t)count)) != ST_OK))
        goto done;
    out->len += (size_t)count * AUDIT_RECORD_LEN;
    *next = count > 0 ? from + count : a->ring.newest + 1;
done:
    pthread_mutex_unlock(&a->lock);
    return st;
}

void audit_set_clock(struct audit *a, int64_t offset_ms)
{
    pthread_mutex_lock(&a->lock);
    a->clock_ms = offset_ms;
    pthread_mutex_unlock(&a->lock);
}

void audit_head(struct audit *a, uint64_t *sequence, uint8_t hash[AUDIT_HASH_LEN])
{
    pthread_mutex_lock(&a->lock);
    *sequence = a->ring.newest;
    memcpy(hash, a->ring.hash, AUDIT_HASH_LEN);
    pthread_mutex_unlock(&a->lock);
}

/* Opening and closing */

static void audit_free(struct audit *a)
{
    audit_ring_clear(&a->ring);
    free(a->pending);
    pthread_mutex_destroy(&a->lock);
    pthread_mutex_destroy(&a->syncing);
    OPENSSL_secure_clear_free(a, sizeof *a);
}

/* A chain that is broken goes on as a new one, and says so in its first record. */
static enum status restart(struct audit *a)
{
    struct audit_entry e = { .kind = AUDIT_EVENT_ROLLBACK };
    enum status st;

    e.detail = a->ring.newest; /* the last number that is known of the old chain */
    if ((st = audit_ring_restart(&a->ring)) != ST_OK)
        return st;
    a->covered = a->durable = a->ring.newest;
    return append(a, &e) == ST_OK && write_pending(a) == ST_OK && sync_written(a, a->ring.newest) == ST_OK ? ST_OK
                                                                                                           : ST_IO;
}

enum status audit_open(const struct hal *hal, const uint8_t mac_key[32], struct audit **out)
{
    struct audit *a = OPENSSL_secure_zalloc(sizeof *a);
    enum status st, restarted = ST_OK;

    *out = NULL;
    if (a == NULL)
        return ST_NO_MEMORY;
    pthread_mutex_init(&a->lock, NULL);
    pthread_mutex_init(&a->syncing, NULL);
    st = audit_ring_open(&a->ring, hal, mac_key);
    memcpy(a->written_hash, a->ring.hash, sizeof a->written_hash);
    a->pending_max = a->ring.slack / 2 < PENDING_MAX ? a->ring.slack / 2 : PENDING_MAX;
    if ((a->pending = malloc(a->pending_max * AUDIT_RECORD_LEN + 1)) == NULL)
        st = ST_NO_MEMORY;
    else if (st == ST_CORRUPT && (restarted = restart(a)) != ST_OK)
        st = restarted;
    if (st == ST_OK || st == ST_CORRUPT)
        *out = a;
    else
        audit_free(a);
    return st;
}

void audit_close(struct audit *a)
{
    if (a == NULL)
        return;
    /* the second sync is for the head that the first one has written */
    if (audit_flush(a, true) == ST_OK && a->ring.hal->flash_sync(a->ring.hal->self, HAL_REGION_AUDIT) != ST_OK)
        log_error("the audit could not be synced");
    audit_free(a);
}
