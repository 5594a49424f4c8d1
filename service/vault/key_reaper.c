/* The reaper: a thread that purges soft-deleted keys once their time has come, and all keys of a purged vault. */
#include "firmware/base/clock.h"
#include "firmware/base/log.h"
#include "service/vault/keys_internal.h"
#include "service/vault/purged_vault.h"

#include <errno.h>
#include <time.h>

#define SWEEP_S 60
#define BATCH   64

struct key_reaper {
    struct keys *keys;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stopping, woken;
};

/* Names found by a sweep, to be purged once the visit is over. */
struct due {
    int64_t now; /* 0: everything is due */
    size_t prefix_len;
    size_t count;
    struct {
        struct guid vault_id;
        struct bytes name;
    } keys[BATCH];
    struct bytes last;
};

/* "<vault id>/<name>" behind the prefix. */
static bool visit_record(const struct store_record *r, void *arg)
{
    struct due *d = arg;
    struct span rest = span_of(r->key.p + d->prefix_len, r->key.len - d->prefix_len);
    int64_t purge_at = 0;

    if (bytes_set(&d->last, r->key) != ST_OK)
        return false;
    if (rest.len <= GUID_LEN + 1 || guid_parse(&d->keys[d->count].vault_id, span_of(rest.p, GUID_LEN)) != ST_OK)
        return true;
    if (d->now != 0 && (key_deleted_unpack(r->value, &purge_at) != ST_OK || purge_at > d->now))
        return true;
    if (bytes_set(&d->keys[d->count].name, span_of(rest.p + GUID_LEN + 1, rest.len - GUID_LEN - 1)) != ST_OK)
        return false;
    return ++d->count < BATCH;
}

static void purge_one(struct keys *k, const struct guid *vault_id, struct span name, bool only_deleted)
{
    struct key_change c = { .keys = k };
    struct key_head head;
    enum status st = keys_read_head(k, vault_id, name, &head);

    if (st == ST_OK && only_deleted && (head.deleted_at == 0 || head.purge_at > clock_unix_s()))
        return; /* recovered meanwhile */
    if (st == ST_OK && change_write_purge(&c, vault_id, &head)) {
        c.commit = (struct store_commit){ .writes = c.writes, .count = c.write_count };
        st = store_commit(k->store, &c.commit);
    }
    if (st != ST_OK && st != ST_NOT_FOUND)
        log_warning("purging a key that is due: %s; it is tried again", status_name(st));
    key_change_clear(&c);
}

static void due_clear(struct due *d)
{
    for (size_t i = 0; i < BATCH; i++)
        bytes_clear(&d->keys[i].name);
    bytes_clear(&d->last);
}

/* All records behind `prefix`, a batch at a time. base_len: what stands before "<vault id>/<name>". */
static void sweep(struct keys *k, struct span prefix, size_t base_len, int64_t now)
{
    struct due d = { .now = now, .prefix_len = base_len };
    struct bytes after = { 0 };
    bool more = true;

    while (more) {
        d.count = 0;
        if (bytes_set(&after, bytes_span(&d.last)) != ST_OK ||
            store_range(k->store, prefix, bytes_span(&after), 1024, visit_record, &d, &more) != ST_OK)
            break;
        for (size_t i = 0; i < d.count; i++)
            purge_one(k, &d.keys[i].vault_id, bytes_span(&d.keys[i].name), now != 0);
    }
    bytes_clear(&after);
    due_clear(&d);
}

static void purge_vault(struct keys *k, const struct guid *vault_id)
{
    struct bytes prefix = { 0 };

    key_head_path(&prefix, vault_id, (struct span){ 0 });
    if (bytes_status(&prefix) == ST_OK)
        sweep(k, bytes_span(&prefix), strlen("key/"), 0);
    bytes_clear(&prefix);
}

/* The marks of purged vaults, a page at a time. */
struct marks {
    struct guid vaults[BATCH];
    size_t count;
    struct bytes last;
};

static bool visit_mark(const struct store_record *r, void *arg)
{
    struct marks *m = arg;

    if (bytes_set(&m->last, r->key) != ST_OK)
        return false;
    if (purged_vault_id(r->key, &m->vaults[m->count]) == ST_OK)
        m->count++;
    return m->count < BATCH;
}

/* Of a vault whose keys are gone already this reads one empty range: a few microseconds. */
static void sweep_purged_vaults(struct keys *k)
{
    struct marks m = { .count = 0 };
    struct bytes after = { 0 };
    bool more = true;

    while (more) {
        m.count = 0;
        if (bytes_set(&after, bytes_span(&m.last)) != ST_OK ||
            store_range(k->management, span_text(PURGED_VAULT_PREFIX), bytes_span(&after), BATCH, visit_mark, &m,
                        &more) != ST_OK)
            break;
        for (size_t i = 0; i < m.count; i++)
            purge_vault(k, &m.vaults[i]);
    }
    bytes_clear(&after);
    bytes_clear(&m.last);
}

static void *run(void *arg)
{
    struct key_reaper *r = arg;
    struct timespec until;

    pthread_mutex_lock(&r->lock);
    while (!r->stopping) {
        r->woken = false;
        pthread_mutex_unlock(&r->lock);
        sweep(r->keys, span_text("deletedkey/"), strlen("deletedkey/"), clock_unix_s());
        sweep_purged_vaults(r->keys);
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += SWEEP_S;
        pthread_mutex_lock(&r->lock);
        while (!r->stopping && !r->woken && pthread_cond_timedwait(&r->wake, &r->lock, &until) != ETIMEDOUT)
            ;
    }
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

enum status key_reaper_start(struct keys *k, struct key_reaper **out)
{
    struct key_reaper *r = calloc(1, sizeof *r);

    *out = NULL;
    if (r == NULL)
        return ST_NO_MEMORY;
    r->keys = k;
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->wake, NULL);
    if (pthread_create(&r->thread, NULL, run, r) != 0) {
        free(r);
        return ST_NO_MEMORY;
    }
    *out = r;
    return ST_OK;
}

void key_reaper_stop(struct key_reaper *r)
{
    if (r == NULL)
        return;
    pthread_mutex_lock(&r->lock);
    r->stopping = true;
    pthread_cond_signal(&r->wake);
    pthread_mutex_unlock(&r->lock);
    pthread_join(r->thread, NULL);
    pthread_cond_destroy(&r->wake);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

void key_reaper_wake(struct key_reaper *r)
{
    pthread_mutex_lock(&r->lock);
    r->woken = true;
    pthread_cond_signal(&r->wake);
    pthread_mutex_unlock(&r->lock);
}
