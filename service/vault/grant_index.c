#include "service/vault/grant_index.h"

#include <pthread.h>

#include "firmware/base/log.h"
#include "service/vault/read_section.h"
#include "service/vault/record.h"

struct grant_index {
    struct read_sections sections;
    _Atomic(struct grant_table *) grants;
    struct store *store;
    struct store_watch *watch;
    pthread_mutex_t write_lock; /* one maker of tables at a time */
    bool stale;                 /* a change could not be taken in: all must be read again */
};

bool grant_index_any(struct grant_index *c, const struct principal *who, grant_question *ask, const void *arg)
{
    atomic_uint *section = read_enter(&c->sections);
    bool yes = grant_table_any(atomic_load(&c->grants), who, ask, arg);

    read_leave(section);
    return yes;
}

static void publish_grants(struct grant_index *c, struct grant_table *next)
{
    struct grant_table *old = atomic_exchange(&c->grants, next);

    read_sections_wait(&c->sections);
    grant_table_free(old);
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
    struct grant *grants;
    size_t count, room;
    bool strict;
    enum status status;
};

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

static enum status load_grants(struct grant_index *c, bool strict)
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

/* Nothing can be believed any more: no assignment holds until everything has been read again, at the next
 * change. If not even an empty table can be had, memory is gone, and with it this process. */
static void forget_grants(struct grant_index *c)
{
    struct grant_table *empty = grant_table_new(NULL, 0);

    log_error("the role assignments could not be read; none holds until they can be");
    INVARIANT(empty != NULL);
    publish_grants(c, empty);
    c->stale = true;
}

static void reload_grants(struct grant_index *c)
{
    c->stale = load_grants(c, false) != ST_OK;
    if (c->stale)
        forget_grants(c);
}

static void take_grant(struct grant_index *c, const struct store_record *r)
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

static void on_record(const struct store_record *r, void *arg)
{
    struct grant_index *c = arg;

    pthread_mutex_lock(&c->write_lock);
    if (r->key.len == 0 || c->stale)
        reload_grants(c);
    else
        take_grant(c, r);
    pthread_mutex_unlock(&c->write_lock);
}

static enum status index_new(struct store *store, struct grant_index **out)
{
    struct grant_index *c = aligned_alloc(_Alignof(struct grant_index), sizeof *c);

    *out = c;
    if (c == NULL)
        return ST_NO_MEMORY;
    memset(c, 0, sizeof *c);
    read_sections_init(&c->sections);
    c->store = store;
    pthread_mutex_init(&c->write_lock, NULL);
    atomic_init(&c->grants, grant_table_new(NULL, 0));
    return atomic_load(&c->grants) != NULL ? ST_OK : ST_NO_MEMORY;
}

/* First the watch, then what is there: see vault_index_open(). */
enum status grant_index_open(struct store *store, struct grant_index **out)
{
    struct grant_index *c = NULL;
    enum status st;

    *out = NULL;
    if ((st = index_new(store, &c)) == ST_OK &&
        (st = store_watch(store, span_text(ASSIGNMENT_PREFIX), on_record, c, &c->watch)) == ST_OK) {
        pthread_mutex_lock(&c->write_lock);
        st = load_grants(c, true);
        pthread_mutex_unlock(&c->write_lock);
    }
    if (st == ST_OK)
        *out = c;
    else
        grant_index_close(c);
    return st;
}

void grant_index_close(struct grant_index *c)
{
    if (c == NULL)
        return;
    store_unwatch(c->store, c->watch);
    grant_table_free(atomic_load(&c->grants));
    pthread_mutex_destroy(&c->write_lock);
    free(c);
}
