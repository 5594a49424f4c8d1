#include "service/vault/keys_internal.h"

#include "firmware/base/log.h"
#include "service/vault/purged_vault.h"

#define SCAN_MAX 1000 /* records looked at for one page: many deleted keys must not make a page endless */

/* "key/<vault>/<name>" and "keyversion/<vault>/<name>/<version>": drop what the cache has of it. */
static void on_change(const struct store_record *r, void *arg)
{
    struct keys *k = arg;
    const uint8_t *slash = r->key.len > 0 ? memchr(r->key.p, '/', r->key.len) : NULL, *end = r->key.p + r->key.len;
    struct guid vault_id;
    struct span name, version = { 0 };

    if (r->key.len == 0) /* the watch has fallen behind and some deletes are lost */
        key_cache_clear(k->cache);
    if (slash == NULL || end - slash < GUID_LEN + 3 || guid_parse(&vault_id, span_of(slash + 1, GUID_LEN)) != ST_OK)
        return;
    name = span_of(slash + GUID_LEN + 2, (size_t)(end - (slash + GUID_LEN + 2)));
    if ((slash = memchr(name.p, '/', name.len)) != NULL) {
        version = span_of(slash + 1, (size_t)(end - (slash + 1)));
        name.len = (size_t)(slash - name.p);
        key_cache_drop(k->cache, &vault_id, name, version);
    }
    key_cache_drop(k->cache, &vault_id, name, (struct span){ 0 });
}

static void on_purged(const struct store_record *r, void *arg)
{
    struct keys *k = arg;

    (void)r;
    key_reaper_wake(k->reaper);
}

enum status keys_open(struct store *store, struct token *token, struct store *management, struct keys **out)
{
    struct keys *k = calloc(1, sizeof *k);
    enum status st;

    *out = NULL;
    if (k == NULL)
        return ST_NO_MEMORY;
    k->store = store;
    k->token = token;
    k->management = management;
    pthread_mutex_init(&k->lock, NULL);
    pthread_cond_init(&k->idle, NULL);
    if ((st = key_cache_new(KEYS_CACHE_LIMIT, &k->cache)) != ST_OK ||
        (st = store_watch(store, span_text("key/"), on_change, k, &k->watch_heads)) != ST_OK ||
        (st = store_watch(store, span_text("keyversion/"), on_change, k, &k->watch_versions)) != ST_OK ||
        (st = key_reaper_start(k, &k->reaper)) != ST_OK ||
        (st = store_watch(management, span_text(PURGED_VAULT_PREFIX), on_purged, k, &k->watch_purged)) != ST_OK) {
        keys_close(k);
        return st;
    }
    *out = k;
    return ST_OK;
}

void keys_close(struct keys *k)
{
    if (k == NULL)
        return;
    if (k->watch_purged != NULL)
        store_unwatch(k->management, k->watch_purged);
    pthread_mutex_lock(&k->lock);
    while (k->busy > 0)
        pthread_cond_wait(&k->idle, &k->lock);
    pthread_mutex_unlock(&k->lock);
    key_reaper_stop(k->reaper);
    if (k->watch_heads != NULL)
        store_unwatch(k->store, k->watch_heads);
    if (k->watch_versions != NULL)
        store_unwatch(k->store, k->watch_versions);
    key_cache_free(k->cache);
    pthread_cond_destroy(&k->idle);
    pthread_mutex_destroy(&k->lock);
    free(k);
}

void keys_enter(struct keys *k)
{
    pthread_mutex_lock(&k->lock);
    k->busy++;
    pthread_mutex_unlock(&k->lock);
}

void keys_leave(struct keys *k)
{
    pthread_mutex_lock(&k->lock);
    if (--k->busy == 0)
        pthread_cond_signal(&k->idle);
    pthread_mutex_unlock(&k->lock);
}

static enum status report(enum status st, const struct bytes *path)
{
    if (st == ST_CORRUPT)
        log_error("the record %s is corrupt", bytes_text(path));
    return st;
}

enum status keys_read_head(struct keys *k, const struct guid *vault_id, struct span name, struct key_head *out)
{
    struct bytes path = { 0 }, record = { 0 };
    uint64_t revision = 0;
    enum status st;

    *out = (struct key_head){ 0 };
    key_head_path(&path, vault_id, name);
    if ((st = bytes_status(&path)) == ST_OK &&
        (st = store_get(k->store, bytes_span(&path), &record, &revision)) == ST_OK)
        st = report(key_head_unpack(bytes_span(&record), revision, out), &path);
    bytes_clear(&path);
    bytes_clear(&record);
    return st;
}

enum status keys_read_version(struct keys *k, const struct guid *vault_id, struct span name, struct span version,
                              struct key_version **out)
{
    struct bytes path = { 0 }, record = { 0 };
    uint64_t revision = 0;
    enum status st;

    *out = NULL;
    key_version_path(&path, vault_id, name, version);
    if ((st = bytes_status(&path)) == ST_OK &&
        (st = store_get(k->store, bytes_span(&path), &record, &revision)) == ST_OK)
        st = report(key_version_unpack(vault_id, bytes_span(&record), revision, out), &path);
    /* A record moved to another name would open under that name's metadata: the seal binds the name, so it must match.
     */
    if (st == ST_OK && (!span_equal_nocase(span_text((*out)->name), name) || !span_is(version, (*out)->version))) {
        key_version_unref(*out);
        *out = NULL;
        st = report(ST_CORRUPT, &path);
    }
    bytes_clear(&path);
    bytes_clear(&record);
    return st;
}

/* The newest version of a live key. */
static enum status find_newest(struct keys *k, const struct vault *vault, struct span name,
                               const struct key_version **out)
{
    struct key_version *read = NULL;
    struct key_head head;
    uint64_t epoch = 0;
    enum status st;

    if ((*out = key_cache_get(k->cache, &vault->id, name, (struct span){ 0 }, &epoch)) != NULL)
        return ST_OK;
    if ((st = keys_read_head(k, &vault->id, name, &head)) != ST_OK)
        return st;
    if (head.deleted_at != 0)
        return ST_NOT_FOUND;
    if ((st = keys_read_version(k, &vault->id, name, span_text(head.newest), &read)) != ST_OK)
        return st;
    key_cache_put(k->cache, &vault->id, name, (struct span){ 0 }, read, epoch);
    *out = read;
    return ST_OK;
}

enum status keys_find(struct keys *k, const struct vault *vault, struct span name, struct span version,
                      const struct key_version **out)
{
    struct key_version *read = NULL;
    uint64_t epoch = 0;
    enum status st;

    /* The newest first, always: it is what knows whether the key is live. */
    *out = NULL;
    if ((st = find_newest(k, vault, name, out)) != ST_OK || version.len == 0 || span_is(version, (*out)->version))
        return st;
    key_version_unref(*out);
    if ((*out = key_cache_get(k->cache, &vault->id, name, version, &epoch)) != NULL)
        return ST_OK;
    if ((st = keys_read_version(k, &vault->id, name, version, &read)) != ST_OK)
        return st;
    key_cache_put(k->cache, &vault->id, name, version, read, epoch);
    *out = read;
    return ST_OK;
}

enum status keys_find_deleted(struct keys *k, const struct vault *vault, struct span name,
                              const struct key_version **out, struct key_head *head)
{
    struct key_version *read = NULL;
    enum status st;

    *out = NULL;
    if ((st = keys_read_head(k, &vault->id, name, head)) != ST_OK)
        return st;
    if (head->deleted_at == 0)
        return ST_NOT_FOUND;
    st = keys_read_version(k, &vault->id, name, span_text(head->newest), &read);
    *out = read;
    return st;
}

/* A page under way: what the store's visitor found, to be looked up once the visit is over. */
struct page {
    size_t prefix_len;
    size_t limit, count, scanned;
    bool all_names;    /* take every record (versions, the index of deleted keys), not only live heads */
    struct bytes last; /* the last record looked at, without the prefix */
    struct bytes found[KEYS_PAGE_MAX];
    bool failed;
};

static bool collect(const struct store_record *r, void *arg)
{
    struct page *p = arg;
    struct span rest = span_of(r->key.p + p->prefix_len, r->key.len - p->prefix_len);
    struct key_head head;

    p->scanned++;
    p->failed |= bytes_set(&p->last, rest) != ST_OK;
    if (p->all_names || (key_head_unpack(r->value, r->revision, &head) == ST_OK && head.deleted_at == 0))
        p->failed |= bytes_set(&p->found[p->count++], rest) != ST_OK;
    return !p->failed && p->count < p->limit && p->scanned < SCAN_MAX;
}

/* Fill a page from the records behind `prefix`. */
static enum status read_page(struct keys *k, struct bytes *prefix, struct span after, struct page *p,
                             struct bytes *next)
{
    struct bytes from = { 0 };
    bool more = false;
    enum status st;

    p->prefix_len = prefix->len;
    if (after.len > 0) {
        bytes_append_span(&from, bytes_span(prefix));
        bytes_append_span(&from, after);
    }
    bytes_reset(next);
    if ((st = bytes_status(prefix)) == ST_OK && (st = bytes_status(&from)) == ST_OK &&
        (st = store_range(k->store, bytes_span(prefix), bytes_span(&from), SCAN_MAX, collect, p, &more)) == ST_OK) {
        if (p->failed)
            st = ST_NO_MEMORY;
        else if (more)
            st = bytes_set(next, bytes_span(&p->last));
    }
    bytes_clear(&from);
    bytes_clear(prefix);
    return st;
}

static void page_clear(struct page *p)
{
    for (size_t i = 0; i < KEYS_PAGE_MAX; i++)
        bytes_clear(&p->found[i]);
    bytes_clear(&p->last);
}

enum status keys_list(struct keys *k, const struct vault *vault, bool deleted, struct span after, size_t limit,
                      keys_visitor *visit, void *arg, struct bytes *next)
{
    struct page p = { .limit = limit < KEYS_PAGE_MAX ? limit : KEYS_PAGE_MAX, .all_names = deleted };
    struct bytes prefix = { 0 };
    enum status st;

    (deleted ? key_deleted_path : key_head_path)(&prefix, &vault->id, (struct span){ 0 });
    st = read_page(k, &prefix, after, &p, next);
    for (size_t i = 0; i < p.count && st == ST_OK; i++) {
        const struct key_version *v = NULL;
        struct key_head head;

        st = deleted ? keys_find_deleted(k, vault, bytes_span(&p.found[i]), &v, &head)
                     : keys_find(k, vault, bytes_span(&p.found[i]), (struct span){ 0 }, &v);
        if (st == ST_OK)
            visit(v, deleted ? &head : NULL, arg);
        else if (st == ST_NOT_FOUND)
            st = ST_OK; /* gone since the page was read */
        key_version_unref(v);
    }
    page_clear(&p);
    return st;
}

enum status keys_list_versions(struct keys *k, const struct vault *vault, struct span name, struct span after,
                               size_t limit, keys_visitor *visit, void *arg, struct bytes *next)
{
    struct page p = { .limit = limit < KEYS_PAGE_MAX ? limit : KEYS_PAGE_MAX, .all_names = true };
    const struct key_version *newest = NULL;
    struct bytes prefix = { 0 };
    enum status st;

    if ((st = find_newest(k, vault, name, &newest)) != ST_OK)
        return st;
    key_version_unref(newest);
    key_version_path(&prefix, &vault->id, name, (struct span){ 0 });
    st = read_page(k, &prefix, after, &p, next);
    for (size_t i = 0; i < p.count && st == ST_OK; i++) {
        const struct key_version *v = NULL;

        if ((st = keys_find(k, vault, name, bytes_span(&p.found[i]), &v)) == ST_OK)
            visit(v, NULL, arg);
        else if (st == ST_NOT_FOUND)
            st = ST_OK;
        key_version_unref(v);
    }
    page_clear(&p);
    return st;
}
