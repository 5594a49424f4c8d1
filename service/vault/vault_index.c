#include "service/vault/vault_index.h"

#include <pthread.h>

#include "firmware/base/log.h"
#include "service/vault/read_section.h"
#include "service/vault/record.h"
#include "service/vault/vault_table.h"

struct vault_index {
    struct read_sections sections;
    _Atomic(struct vault_table *) vaults;
    struct store *store;
    struct store_watch *watch;
    pthread_mutex_t write_lock;      /* one maker of tables at a time */
    bool stale;                      /* a change could not be taken in: all must be read again */
    pthread_mutex_t subscriber_lock; /* held while the subscriber is told */
    catalog_on_change *on_change;
    void *on_change_arg;
};

/* Readers */

static struct vault_table *current_vaults(struct vault_index *c)
{
    atomic_uint *section = read_enter(&c->sections);
    struct vault_table *t = vault_table_ref(atomic_load(&c->vaults));

    read_leave(section);
    return t;
}

const struct vault *vault_index_find(struct vault_index *c, struct span name)
{
    atomic_uint *section = read_enter(&c->sections);
    const struct vault *v = vault_table_find(atomic_load(&c->vaults), name);

    if (v != NULL)
        vault_ref(v);
    read_leave(section);
    return v;
}

void vault_index_visit(struct vault_index *c, struct span after, vault_visitor *visit, void *arg)
{
    struct vault_table *t = current_vaults(c);
    struct vault_entry key;
    size_t count;
    const struct vault_entry *entries = vault_table_entries(t, &count);

    for (size_t i = vault_entry_key(&key, after) ? vault_table_position(t, &key, true) : 0; i < count; i++)
        if (!visit(entries[i].vault, arg))
            break;
    vault_table_unref(t);
}

/* The writer */

static void publish_vaults(struct vault_index *c, struct vault_table *next)
{
    struct vault_table *old = atomic_exchange(&c->vaults, next);

    read_sections_wait(&c->sections);
    vault_table_unref(old);
}

/* The vault of a record, which must stand under its own name. Says what is wrong in the log. */
static enum status read_vault(const struct store_record *r, struct vault **out)
{
    struct vault_entry key;
    size_t prefix = strlen(VAULT_PREFIX);
    enum status st = vault_unpack(r->value, r->revision, out);

    if (st == ST_OK && (!vault_entry_key(&key, span_text((*out)->name)) ||
                        !span_equal(span_of(key.key, key.key_len), span_of(r->key.p + prefix, r->key.len - prefix)))) {
        vault_unref(*out);
        *out = NULL;
        st = ST_CORRUPT;
    }
    if (st != ST_OK)
        log_error("the record %.*s: %s", (int)r->key.len, (const char *)r->key.p, status_name(st));
    return st;
}

/* Loading everything. `strict`: a record that cannot be read is an error; else it is as if it were not there, so that
 * what stands in it grants nothing. */
struct loading {
    struct vault_entry *entries;
    size_t count, room;
    bool strict;
    enum status status;
};

static bool load_vault(const struct store_record *r, void *arg)
{
    struct loading *l = arg;
    struct vault *v;

    if ((l->status = read_vault(r, &v)) != ST_OK) {
        if (l->status == ST_CORRUPT && !l->strict)
            l->status = ST_OK;
        return l->status == ST_OK;
    }
    if (l->count == l->room) {
        size_t room = l->room > 0 ? l->room * 2 : 64;
        struct vault_entry *grown = realloc(l->entries, room * sizeof *grown);

        if (grown == NULL) {
            vault_unref(v);
            l->status = ST_NO_MEMORY;
            return false;
        }
        l->entries = grown;
        l->room = room;
    }
    vault_entry_key(&l->entries[l->count], span_text(v->name));
    l->entries[l->count++].vault = v;
    return true;
}

static enum status load_vaults(struct vault_index *c, bool strict)
{
    struct loading l = { .strict = strict };
    struct vault_table *t = NULL;
    enum status st = store_range(c->store, span_text(VAULT_PREFIX), (struct span){ 0 }, SIZE_MAX, load_vault, &l, NULL);

    if (st == ST_OK)
        st = l.status;
    if (st == ST_OK && (t = vault_table_new(l.entries, l.count)) == NULL)
        st = ST_NO_MEMORY;
    for (size_t i = 0; i < l.count; i++)
        vault_unref(l.entries[i].vault); /* the table has its own references */
    free(l.entries);
    if (t != NULL)
        publish_vaults(c, t);
    return st;
}

static void tell(struct vault_index *c, const struct vault *v, bool purged)
{
    pthread_mutex_lock(&c->subscriber_lock);
    if (c->on_change != NULL)
        c->on_change(v, purged, c->on_change_arg);
    pthread_mutex_unlock(&c->subscriber_lock);
}

/* After loading anew: what is gone or other than in the table from before. */
static void tell_differences(struct vault_index *c, struct vault_table *before, struct vault_table *after)
{
    size_t count;
    const struct vault_entry *e = vault_table_entries(before, &count);

    for (size_t i = 0; i < count; i++) {
        const struct vault *now = vault_table_find(after, span_of(e[i].key, e[i].key_len));

        if (now == NULL || !guid_equal(&now->id, &e[i].vault->id))
            tell(c, e[i].vault, true);
    }
    e = vault_table_entries(after, &count);
    for (size_t i = 0; i < count; i++) {
        const struct vault *was = vault_table_find(before, span_of(e[i].key, e[i].key_len));

        if (was == NULL || was->revision != e[i].vault->revision)
            tell(c, e[i].vault, false);
    }
}

/* Nothing can be believed any more: no vault and no assignment until everything has been read again, at the next
 * change. If not even an empty table can be had, memory is gone, and with it this process. */
static void forget_vaults(struct vault_index *c)
{
    struct vault_table *empty = vault_table_new(NULL, 0);

    log_error("the vaults could not be read; none is served until they can be");
    INVARIANT(empty != NULL);
    publish_vaults(c, empty);
    c->stale = true;
}

static void reload_vaults(struct vault_index *c)
{
    struct vault_table *before = current_vaults(c), *after;
    bool was_stale = c->stale;

    c->stale = load_vaults(c, false) != ST_OK;
    if (c->stale) {
        forget_vaults(c);
    } else if (!was_stale) {
        after = current_vaults(c);
        tell_differences(c, before, after);
        vault_table_unref(after);
    }
    vault_table_unref(before);
}

/* One vault as the store has it now. The record may be older than what is known: a change that a load has seen already
 * is told all the same. */
static void take_vault(struct vault_index *c, const struct store_record *r)
{
    struct vault_table *before = atomic_load(&c->vaults), *next;
    struct vault_entry key;
    size_t prefix = strlen(VAULT_PREFIX);
    struct vault *v = NULL;
    const struct vault *old;
    enum status st = ST_OK;

    if (r->key.len <= prefix || !vault_entry_key(&key, span_of(r->key.p + prefix, r->key.len - prefix)))
        return;
    old = vault_table_find(before, span_of(key.key, key.key_len));
    if ((old != NULL && old->revision >= r->revision) || (old == NULL && r->value.p == NULL))
        return;
    if (r->value.p != NULL)
        st = read_vault(r, &v);
    if (st != ST_OK && st != ST_CORRUPT)
        next = NULL;
    else
        next = vault_table_with(before, &key, v);
    if (next == NULL) {
        forget_vaults(c);
        vault_unref(v);
        return;
    }
    if (old != NULL)
        vault_ref(old);
    publish_vaults(c, next);
    if (v != NULL) {
        if (old != NULL && !guid_equal(&old->id, &v->id)) /* purged and made again since we last looked */
            tell(c, old, true);
        tell(c, v, false);
    } else if (st == ST_OK) { /* a record that cannot be read is no purge */
        tell(c, old, true);
    }
    vault_unref(old);
    vault_unref(v);
}

static void on_record(const struct store_record *r, void *arg)
{
    struct vault_index *c = arg;

    pthread_mutex_lock(&c->write_lock);
    if (r->key.len == 0 || c->stale)
        reload_vaults(c);
    else
        take_vault(c, r);
    pthread_mutex_unlock(&c->write_lock);
}

void vault_index_subscribe(struct vault_index *c, catalog_on_change *on_change, void *arg)
{
    pthread_mutex_lock(&c->subscriber_lock);
    c->on_change = on_change;
    c->on_change_arg = arg;
    pthread_mutex_unlock(&c->subscriber_lock);
}

static enum status index_new(struct store *store, struct vault_index **out)
{
    struct vault_index *c = aligned_alloc(_Alignof(struct vault_index), sizeof *c);

    *out = c;
    if (c == NULL)
        return ST_NO_MEMORY;
    memset(c, 0, sizeof *c);
    read_sections_init(&c->sections);
    c->store = store;
    pthread_mutex_init(&c->write_lock, NULL);
    pthread_mutex_init(&c->subscriber_lock, NULL);
    atomic_init(&c->vaults, vault_table_new(NULL, 0));
    return atomic_load(&c->vaults) != NULL ? ST_OK : ST_NO_MEMORY;
}

/* First the watch, then all that is there: what changes in between is told, and what both tell is told apart by its
 * revision. The lock is not held while watching (store.h), and a change that comes during the load waits for its end.
 */
enum status vault_index_open(struct store *store, struct vault_index **out)
{
    struct vault_index *c = NULL;
    enum status st;

    *out = NULL;
    if ((st = index_new(store, &c)) == ST_OK &&
        (st = store_watch(store, span_text(VAULT_PREFIX), on_record, c, &c->watch)) == ST_OK) {
        pthread_mutex_lock(&c->write_lock);
        st = load_vaults(c, true);
        pthread_mutex_unlock(&c->write_lock);
    }
    if (st == ST_OK)
        *out = c;
    else
        vault_index_close(c);
    return st;
}

void vault_index_close(struct vault_index *c)
{
    if (c == NULL)
        return;
    store_unwatch(c->store, c->watch);
    vault_table_unref(atomic_load(&c->vaults));
    pthread_mutex_destroy(&c->write_lock);
    pthread_mutex_destroy(&c->subscriber_lock);
    free(c);
}
