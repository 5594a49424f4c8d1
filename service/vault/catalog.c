/* Two immutable tables, published by pointer. Readers enter a section, load the pointer, take what they need and leave
 * (read_section.h); the watcher makes the next table, publishes it and frees the old one when its readers are gone.
 * A table is copied for each change: changes of vaults are rare, look-ups are each request's. */
#include "service/vault/catalog.h"

#include <pthread.h>

#include "firmware/base/log.h"
#include "service/vault/grant_table.h"
#include "service/vault/read_section.h"
#include "service/vault/record.h"
#include "service/vault/vault_table.h"

struct catalog {
    struct read_sections sections;
    _Atomic(struct vault_table *) vaults;
    _Atomic(struct grant_table *) grants;
    struct store *store;
    struct store_watch *watch_vaults, *watch_grants;
    pthread_mutex_t write_lock;      /* one maker of tables at a time */
    bool vaults_stale, grants_stale; /* a change could not be taken in: all must be read again */
    pthread_mutex_t subscriber_lock; /* held while the subscriber is told */
    catalog_on_change *on_change;
    void *on_change_arg;
};

/* Readers */

static struct vault_table *current_vaults(struct catalog *c)
{
    atomic_uint *section = read_enter(&c->sections);
    struct vault_table *t = vault_table_ref(atomic_load(&c->vaults));

    read_leave(section);
    return t;
}

const struct vault *catalog_find_any(struct catalog *c, struct span name)
{
    atomic_uint *section = read_enter(&c->sections);
    const struct vault *v = vault_table_find(atomic_load(&c->vaults), name);

    if (v != NULL)
        vault_ref(v);
    read_leave(section);
    return v;
}

const struct vault *catalog_find(struct catalog *c, struct span name)
{
    atomic_uint *section = read_enter(&c->sections);
    const struct vault *v = vault_table_find(atomic_load(&c->vaults), name);

    v = v != NULL && v->deleted_at == 0 ? vault_ref(v) : NULL;
    read_leave(section);
    return v;
}

static void visit_from(struct vault_table *t, size_t from, vault_visitor *visit, void *arg)
{
    size_t count;
    const struct vault_entry *entries = vault_table_entries(t, &count);

    for (size_t i = from; i < count; i++)
        if (!visit(entries[i].vault, arg))
            break;
}

void catalog_visit(struct catalog *c, vault_visitor *visit, void *arg)
{
    struct vault_table *t = current_vaults(c);

    visit_from(t, 0, visit, arg);
    vault_table_unref(t);
}

void catalog_visit_after(struct catalog *c, struct span name, vault_visitor *visit, void *arg)
{
    struct vault_table *t = current_vaults(c);
    struct vault_entry key;

    visit_from(t, vault_entry_key(&key, name) ? vault_table_position(t, &key, true) : 0, visit, arg);
    vault_table_unref(t);
}

struct question {
    const struct principal *who;
    const char *action, *scope;
    const struct guid *role;
};

static bool ask_grants(struct catalog *c, const struct question *q, grant_question *ask)
{
    atomic_uint *section = read_enter(&c->sections);
    bool yes = grant_table_any(atomic_load(&c->grants), q->who, ask, q);

    read_leave(section);
    return yes;
}

static bool control_question(const struct role_assignment *assignments, size_t count, const void *arg)
{
    const struct question *q = arg;

    return policy_control_allows(assignments, count, q->who, q->action, q->scope);
}

static bool data_question(const struct role_assignment *assignments, size_t count, const void *arg)
{
    const struct question *q = arg;

    return policy_data_allows(assignments, count, q->who, q->action, q->scope);
}

static bool assignment_question(const struct role_assignment *assignments, size_t count, const void *arg)
{
    const struct question *q = arg;

    return policy_assignment_allows(assignments, count, q->who, q->action, q->scope, q->role);
}

static bool any_role_question(const struct role_assignment *assignments, size_t count, const void *arg)
{
    const struct question *q = arg;

    for (size_t i = 0; i < count; i++)
        if (assignment_scope_within(assignments[i].scope, q->scope) ||
            assignment_scope_within(q->scope, assignments[i].scope))
            return true;
    return false;
}

bool catalog_control_allows(struct catalog *c, const struct principal *who, const char *action, const char *scope)
{
    return ask_grants(c, &(struct question){ who, action, scope, NULL }, control_question);
}

bool catalog_data_allows(struct catalog *c, const struct principal *who, const char *data_action, const char *scope)
{
    return ask_grants(c, &(struct question){ who, data_action, scope, NULL }, data_question);
}

bool catalog_assignment_allows(struct catalog *c, const struct principal *who, const char *action, const char *scope,
                               const struct guid *assigned_role)
{
    return ask_grants(c, &(struct question){ who, action, scope, assigned_role }, assignment_question);
}

bool catalog_has_role(struct catalog *c, const struct principal *who, const char *scope)
{
    return who->kind != PRINCIPAL_APPLICATION_USER &&
           ask_grants(c, &(struct question){ who, NULL, scope, NULL }, any_role_question);
}

/* The writer */

static void publish_vaults(struct catalog *c, struct vault_table *next)
{
    struct vault_table *old = atomic_exchange(&c->vaults, next);

    read_sections_wait(&c->sections);
    vault_table_unref(old);
}

static void publish_grants(struct catalog *c, struct grant_table *next)
{
    struct grant_table *old = atomic_exchange(&c->grants, next);

    read_sections_wait(&c->sections);
    grant_table_free(old);
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

static enum status read_grant(const struct store_record *r, struct assignment *a)
{
    size_t prefix = strlen(ASSIGNMENT_PREFIX);
    enum status st = assignment_unpack(r->value, r->revision, a);

    if (st == ST_OK && !span_is(span_of(r->key.p + prefix, r->key.len - prefix), a->id.text))
        st = ST_CORRUPT;
    if (st != ST_OK)
        log_error("the record %.*s: %s", (int)r->key.len, (const char *)r->key.p, status_name(st));
    return st;
}

/* Loading everything. `strict`: a record that cannot be read is an error; else it is as if it were not there, so that
 * what stands in it grants nothing. */
struct loading {
    struct vault_entry *entries;
    struct grant *grants;
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

static bool load_grant(const struct store_record *r, void *arg)
{
    struct loading *l = arg;
    struct assignment a;
    struct grant *g;

    if ((l->status = read_grant(r, &a)) != ST_OK) {
        if (!l->strict)
            l->status = ST_OK;
        return l->status == ST_OK;
    }
    if (l->count == l->room) {
        size_t room = l->room > 0 ? l->room * 2 : 64;

        if ((g = realloc(l->grants, room * sizeof *g)) == NULL) {
            l->status = ST_NO_MEMORY;
            return false;
        }
        l->grants = g;
        l->room = room;
    }
    g = &l->grants[l->count];
    *g = (struct grant){ a.id, r->revision, { a.principal_id, a.role_id, span_dup_text(span_text(a.scope)) } };
    if (g->assignment.scope == NULL) {
        l->status = ST_NO_MEMORY;
        return false;
    }
    l->count++;
    return true;
}

static enum status load_vaults(struct catalog *c, bool strict)
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

static enum status load_grants(struct catalog *c, bool strict)
{
    struct loading l = { .strict = strict };
    struct grant_table *t = NULL;
    enum status st =
        store_range(c->store, span_text(ASSIGNMENT_PREFIX), (struct span){ 0 }, SIZE_MAX, load_grant, &l, NULL);

    if (st == ST_OK)
        st = l.status;
    if (st == ST_OK && (t = grant_table_new(l.grants, l.count)) == NULL)
        st = ST_NO_MEMORY;
    for (size_t i = 0; i < l.count; i++)
        free((char *)(uintptr_t)l.grants[i].assignment.scope);
    free(l.grants);
    if (t != NULL)
        publish_grants(c, t);
    return st;
}

static void tell(struct catalog *c, const struct vault *v, bool purged)
{
    pthread_mutex_lock(&c->subscriber_lock);
    if (c->on_change != NULL)
        c->on_change(v, purged, c->on_change_arg);
    pthread_mutex_unlock(&c->subscriber_lock);
}

/* After loading anew: what is gone or other than in the table from before. */
static void tell_differences(struct catalog *c, struct vault_table *before, struct vault_table *after)
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
static void forget_vaults(struct catalog *c)
{
    struct vault_table *empty = vault_table_new(NULL, 0);

    log_error("the vaults could not be read; none is served until they can be");
    INVARIANT(empty != NULL);
    publish_vaults(c, empty);
    c->vaults_stale = true;
}

static void forget_grants(struct catalog *c)
{
    struct grant_table *empty = grant_table_new(NULL, 0);

    log_error("the role assignments could not be read; none holds until they can be");
    INVARIANT(empty != NULL);
    publish_grants(c, empty);
    c->grants_stale = true;
}

static void reload_vaults(struct catalog *c)
{
    struct vault_table *before = current_vaults(c), *after;
    bool was_stale = c->vaults_stale;

    c->vaults_stale = load_vaults(c, false) != ST_OK;
    if (c->vaults_stale) {
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
static void take_vault(struct catalog *c, const struct store_record *r)
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

static void on_vault_record(const struct store_record *r, void *arg)
{
    struct catalog *c = arg;

    pthread_mutex_lock(&c->write_lock);
    if (r->key.len == 0 || c->vaults_stale)
        reload_vaults(c);
    else
        take_vault(c, r);
    pthread_mutex_unlock(&c->write_lock);
}

static void reload_grants(struct catalog *c)
{
    c->grants_stale = load_grants(c, false) != ST_OK;
    if (c->grants_stale)
        forget_grants(c);
}

static void take_grant(struct catalog *c, const struct store_record *r)
{
    struct grant_table *before = atomic_load(&c->grants), *next;
    size_t prefix = strlen(ASSIGNMENT_PREFIX);
    struct grant g = { .revision = r->revision };
    struct assignment a;

    if (r->key.len <= prefix || guid_parse(&g.id, span_of(r->key.p + prefix, r->key.len - prefix)) != ST_OK ||
        grant_table_revision(before, &g.id) >= r->revision)
        return;
    if (r->value.p != NULL && read_grant(r, &a) == ST_OK)
        g.assignment = (struct role_assignment){ a.principal_id, a.role_id, a.scope };
    if ((next = grant_table_with(before, &g)) != NULL)
        publish_grants(c, next);
    else
        forget_grants(c);
}

static void on_grant_record(const struct store_record *r, void *arg)
{
    struct catalog *c = arg;

    pthread_mutex_lock(&c->write_lock);
    if (r->key.len == 0 || c->grants_stale)
        reload_grants(c);
    else
        take_grant(c, r);
    pthread_mutex_unlock(&c->write_lock);
}

void catalog_subscribe(struct catalog *c, catalog_on_change *on_change, void *arg)
{
    pthread_mutex_lock(&c->subscriber_lock);
    c->on_change = on_change;
    c->on_change_arg = arg;
    pthread_mutex_unlock(&c->subscriber_lock);
}

static enum status catalog_new(struct store *store, struct catalog **out)
{
    struct catalog *c = aligned_alloc(_Alignof(struct catalog), sizeof *c);

    if (c == NULL)
        return ST_NO_MEMORY;
    memset(c, 0, sizeof *c);
    read_sections_init(&c->sections);
    c->store = store;
    pthread_mutex_init(&c->write_lock, NULL);
    pthread_mutex_init(&c->subscriber_lock, NULL);
    atomic_init(&c->vaults, vault_table_new(NULL, 0));
    atomic_init(&c->grants, grant_table_new(NULL, 0));
    *out = c;
    return atomic_load(&c->vaults) != NULL && atomic_load(&c->grants) != NULL ? ST_OK : ST_NO_MEMORY;
}

/* First the watches, then all that is there: what changes in between is told, and what both tell is told apart by its
 * revision. The lock is not held while watching (store.h), and a change that comes during the load waits for its end.
 */
enum status catalog_open(struct store *management_store, struct catalog **out)
{
    struct catalog *c = NULL;
    enum status st;

    *out = NULL;
    if ((st = catalog_new(management_store, &c)) != ST_OK ||
        (st = store_watch(c->store, span_text(VAULT_PREFIX), on_vault_record, c, &c->watch_vaults)) != ST_OK ||
        (st = store_watch(c->store, span_text(ASSIGNMENT_PREFIX), on_grant_record, c, &c->watch_grants)) != ST_OK)
        goto failed;
    pthread_mutex_lock(&c->write_lock);
    if ((st = load_vaults(c, true)) == ST_OK)
        st = load_grants(c, true);
    pthread_mutex_unlock(&c->write_lock);
    if (st != ST_OK)
        goto failed;
    *out = c;
    return ST_OK;
failed:
    catalog_close(c);
    return st;
}

void catalog_close(struct catalog *c)
{
    if (c == NULL)
        return;
    store_unwatch(c->store, c->watch_vaults);
    store_unwatch(c->store, c->watch_grants);
    vault_table_unref(atomic_load(&c->vaults));
    grant_table_free(atomic_load(&c->grants));
    pthread_mutex_destroy(&c->write_lock);
    pthread_mutex_destroy(&c->subscriber_lock);
    free(c);
}
