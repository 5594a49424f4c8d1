/* memory.c - an engine that forgets, for tests: a sorted array of records, each shared by count so that a snapshot can
 * be read without the lock. */
#include <pthread.h>
#include <stdatomic.h>

#include "service/store/engines.h"

struct record {
    _Atomic unsigned refs;
    uint64_t revision;
    bool deleted; /* a mark */
    size_t key_len, value_len;
    uint8_t bytes[]; /* the key, then the value */
};

struct memory_engine {
    struct store_engine base;
    pthread_rwlock_t lock;
    struct record **records;
    size_t count, room;
    uint64_t revision;
    size_t marks;
    uint64_t forgotten; /* the newest revision of a mark that was dropped */
};

/* Records taken out under the lock, to be visited without it. */
struct snapshot {
    struct record **records;
    size_t count;
};

static struct memory_engine *engine_of(struct store_engine *e)
{
    return (struct memory_engine *)e;
}

static struct span record_key(const struct record *r)
{
    return span_of(r->bytes, r->key_len);
}

static struct span record_value(const struct record *r)
{
    return span_of(r->deleted ? NULL : r->bytes + r->key_len, r->value_len);
}

static struct record *record_new(const struct store_write *w, uint64_t revision)
{
    struct record *r = malloc(sizeof *r + w->key.len + w->value.len);

    if (r == NULL)
        return NULL;
    *r = (struct record){ .refs = 1, .revision = revision, .deleted = w->value.p == NULL };
    r->key_len = w->key.len;
    r->value_len = w->value.len;
    memcpy(r->bytes, w->key.p, w->key.len);
    if (w->value.len > 0)
        memcpy(r->bytes + w->key.len, w->value.p, w->value.len);
    return r;
}

static void record_unref(struct record *r)
{
    if (r != NULL && atomic_fetch_sub(&r->refs, 1) == 1)
        free(r);
}

static int compare_keys(struct span a, struct span b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = shorter > 0 ? memcmp(a.p, b.p, shorter) : 0;

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* The place of the first record whose key is not less than `key`. */
static size_t lower_bound(const struct memory_engine *m, struct span key)
{
    size_t low = 0, high = m->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compare_keys(record_key(m->records[middle]), key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct record *find(const struct memory_engine *m, struct span key)
{
    size_t at = lower_bound(m, key);

    return at < m->count && span_equal(record_key(m->records[at]), key) ? m->records[at] : NULL;
}

static enum status memory_get(struct store_engine *e, struct span key, struct bytes *value, uint64_t *revision)
{
    struct memory_engine *m = engine_of(e);
    enum status st = ST_NOT_FOUND;
    struct record *r;

    pthread_rwlock_rdlock(&m->lock);
    if ((r = find(m, key)) != NULL && !r->deleted) {
        st = bytes_set(value, record_value(r));
        *revision = r->revision;
    }
    pthread_rwlock_unlock(&m->lock);
    return st;
}

/* Share records[from..to) for which `wanted` holds. */
static enum status take_snapshot(const struct memory_engine *m, size_t from, size_t to, uint64_t since, bool marks,
                                 struct snapshot *out)
{
    *out = (struct snapshot){ 0 };
    if (to > from && (out->records = malloc((to - from) * sizeof *out->records)) == NULL)
        return ST_NO_MEMORY;
    for (size_t i = from; i < to; i++) {
        struct record *r = m->records[i];

        if (r->revision > since && (marks || !r->deleted)) {
            atomic_fetch_add(&r->refs, 1);
            out->records[out->count++] = r;
        }
    }
    return ST_OK;
}

static void snapshot_clear(struct snapshot *s)
{
    for (size_t i = 0; i < s->count; i++)
        record_unref(s->records[i]);
    free(s->records);
}

/* Visits up to `limit`; returns how many were visited. */
static size_t visit_snapshot(const struct snapshot *s, size_t limit, store_visitor *visit, void *arg)
{
    size_t i = 0;

    while (i < s->count && i < limit) {
        const struct record *r = s->records[i++];
        struct store_record seen = { record_key(r), record_value(r), r->revision };

        if (!visit(&seen, arg))
            break;
    }
    return i;
}

static enum status memory_range(struct store_engine *e, struct span prefix, struct span after, size_t limit,
                                store_visitor *visit, void *arg, bool *more)
{
    struct memory_engine *m = engine_of(e);
    bool from_prefix = compare_keys(after, prefix) < 0 || after.len == 0;
    struct snapshot s;
    enum status st;
    size_t from, to;

    pthread_rwlock_rdlock(&m->lock);
    from = lower_bound(m, from_prefix ? prefix : after);
    if (!from_prefix && from < m->count && span_equal(record_key(m->records[from]), after))
        from++;
    for (to = from; to < m->count && span_starts_with(record_key(m->records[to]), prefix); to++)
        ;
    st = take_snapshot(m, from, to, 0, false, &s);
    pthread_rwlock_unlock(&m->lock);
    if (st == ST_OK)
        *more = visit_snapshot(&s, limit, visit, arg) < s.count;
    snapshot_clear(&s);
    return st;
}

static bool condition_holds(const struct memory_engine *m, const struct store_write *w)
{
    const struct record *r = find(m, w->key);

    return w->expected == STORE_ANY || w->expected == (r != NULL && !r->deleted ? r->revision : STORE_ABSENT);
}

static enum status make_room(struct memory_engine *m, size_t more)
{
    size_t room = m->room;
    struct record **p;

    while (room < m->count + more)
        room = room > 0 ? room * 2 : 64;
    if (room == m->room)
        return ST_OK;
    if ((p = realloc(m->records, room * sizeof *p)) == NULL)
        return ST_NO_MEMORY;
    m->records = p;
    m->room = room;
    return ST_OK;
}

static void put_record(struct memory_engine *m, struct record *r)
{
    size_t at = lower_bound(m, record_key(r));
    struct record *old = at < m->count && span_equal(record_key(m->records[at]), record_key(r)) ? m->records[at] : NULL;

    if (r->deleted && (old == NULL || old->deleted)) { /* there is nothing to delete */
        record_unref(r);
        return;
    }
    m->marks += (size_t)r->deleted - (old != NULL && old->deleted);
    if (old == NULL) {
        memmove(m->records + at + 1, m->records + at, (m->count - at) * sizeof *m->records);
        m->count++;
    }
    record_unref(old);
    m->records[at] = r;
}

/* Memory for every record first, so that what follows cannot fail half way. */
static enum status make_records(const struct store_commit *c, uint64_t revision, struct record **records)
{
    for (size_t i = 0; i < c->count; i++)
        if ((records[i] = record_new(&c->writes[i], revision)) == NULL) {
            while (i > 0)
                record_unref(records[--i]);
            return ST_NO_MEMORY;
        }
    return ST_OK;
}

static enum status memory_apply(struct store_engine *e, struct store_commit *c)
{
    struct memory_engine *m = engine_of(e);
    struct record *records[STORE_WRITES_MAX];
    uint64_t revision = m->revision + 1;

    for (size_t i = 0; i < c->count; i++) /* only this thread writes: no lock is needed to read */
        if (!condition_holds(m, &c->writes[i])) {
            c->status = ST_CONFLICT;
            return ST_OK;
        }
    if ((c->status = make_records(c, revision, records)) != ST_OK)
        return ST_OK;
    pthread_rwlock_wrlock(&m->lock);
    if ((c->status = make_room(m, c->count)) == ST_OK) {
        for (size_t i = 0; i < c->count; i++)
            put_record(m, records[i]);
        m->revision = c->revision = revision;
    } else
        for (size_t i = 0; i < c->count; i++)
            record_unref(records[i]);
    pthread_rwlock_unlock(&m->lock);
    return ST_OK;
}

static void drop_marks(struct memory_engine *m)
{
    size_t kept = 0;

    for (size_t i = 0; i < m->count; i++)
        if (m->records[i]->deleted)
            record_unref(m->records[i]);
        else
            m->records[kept++] = m->records[i];
    m->count = kept;
    m->marks = 0;
    m->forgotten = m->revision;
}

/* Every watcher was told of the last group before this one, so all marks may go at once. */
static enum status memory_begin(struct store_engine *e)
{
    struct memory_engine *m = engine_of(e);

    if (m->marks > STORE_MARKS_MAX) {
        pthread_rwlock_wrlock(&m->lock);
        drop_marks(m);
        pthread_rwlock_unlock(&m->lock);
    }
    return ST_OK;
}

static enum status memory_publish(struct store_engine *e)
{
    (void)e;
    return ST_OK;
}

static void memory_undo(struct store_engine *e)
{
    (void)e; /* nothing of a group fails as a whole */
}

static enum status memory_newest(struct store_engine *e, uint64_t *revision)
{
    struct memory_engine *m = engine_of(e);

    pthread_rwlock_rdlock(&m->lock);
    *revision = m->revision;
    pthread_rwlock_unlock(&m->lock);
    return ST_OK;
}

static int compare_revisions(const void *a, const void *b)
{
    const struct record *const *x = a, *const *y = b;

    return ((*x)->revision > (*y)->revision) - ((*x)->revision < (*y)->revision);
}

static enum status memory_changes(struct store_engine *e, uint64_t since, store_visitor *visit, void *arg,
                                  uint64_t *seen, bool *lost)
{
    struct memory_engine *m = engine_of(e);
    struct snapshot s;
    enum status st;

    pthread_rwlock_rdlock(&m->lock);
    st = take_snapshot(m, 0, m->count, since, true, &s);
    *seen = m->revision;
    *lost = m->forgotten > since;
    pthread_rwlock_unlock(&m->lock);
    if (s.count > 0) {
        qsort(s.records, s.count, sizeof *s.records, compare_revisions);
        visit_snapshot(&s, s.count, visit, arg);
    }
    snapshot_clear(&s);
    return st;
}

static void memory_close(struct store_engine *e)
{
    struct memory_engine *m = engine_of(e);

    for (size_t i = 0; i < m->count; i++)
        record_unref(m->records[i]);
    free(m->records);
    pthread_rwlock_destroy(&m->lock);
    free(m);
}

enum status memory_engine_open(struct store_engine **out)
{
    static const struct store_engine_ops ops = {
        .close = memory_close,
        .get = memory_get,
        .range = memory_range,
        .begin = memory_begin,
        .apply = memory_apply,
        .publish = memory_publish,
        .undo = memory_undo,
        .newest = memory_newest,
        .changes = memory_changes,
    };
    struct memory_engine *m = calloc(1, sizeof *m);
    pthread_rwlockattr_t fair;

    if (m == NULL)
        return ST_NO_MEMORY;
    m->base.ops = &ops;
    pthread_rwlockattr_init(&fair);
    pthread_rwlockattr_setkind_np(&fair, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP); /* readers never starve it */
    pthread_rwlock_init(&m->lock, &fair);
    pthread_rwlockattr_destroy(&fair);
    *out = &m->base;
    return ST_OK;
}
