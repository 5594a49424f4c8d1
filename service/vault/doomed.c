#include "service/vault/doomed.h"

#include "service/vault/record.h"
#include "service/vault/role_store.h"

struct collecting {
    const char *scope;
    struct doomed *doomed;
    size_t room;
    enum status status;
};

static enum status add(struct collecting *c, const struct store_record *r)
{
    struct doomed *d = c->doomed;
    uint8_t *key;

    if (d->count + 1 == STORE_WRITES_MAX)
        return ST_TOO_LARGE;
    if (d->count == c->room) {
        size_t room = c->room > 0 ? c->room * 2 : 16;
        struct store_write *grown = realloc(d->writes, (room + 1) * sizeof *grown);

        if (grown == NULL)
            return ST_NO_MEMORY;
        d->writes = grown;
        c->room = room;
    }
    if ((key = malloc(r->key.len)) == NULL)
        return ST_NO_MEMORY;
    memcpy(key, r->key.p, r->key.len);
    d->writes[++d->count] = (struct store_write){ span_of(key, r->key.len), { 0 }, STORE_ANY };
    return ST_OK;
}

static bool collect(const struct store_record *r, void *arg)
{
    struct collecting *c = arg;
    struct assignment a;

    if ((c->status = assignment_unpack(r->value, r->revision, &a)) == ST_OK &&
        assignment_scope_within(a.scope, c->scope))
        c->status = add(c, r);
    return c->status == ST_OK;
}

enum status doomed_assignments(struct store *s, const char *scope, struct doomed *out)
{
    struct collecting c = { .scope = scope, .doomed = out };
    enum status st;

    *out = (struct doomed){ 0 };
    st = store_range(s, span_text(ASSIGNMENT_PREFIX), (struct span){ 0 }, SIZE_MAX, collect, &c, NULL);
    return st == ST_OK ? c.status : st;
}

enum status doomed_commit(struct store *s, struct doomed *d, const struct store_write *thing)
{
    struct store_commit commit = { .writes = thing, .count = 1 };

    if (d->count > 0) {
        d->writes[0] = *thing;
        commit.writes = d->writes;
        commit.count = d->count + 1;
    }
    return store_commit(s, &commit);
}

void doomed_clear(struct doomed *d)
{
    for (size_t i = 1; i <= d->count; i++)
        free((void *)(uintptr_t)d->writes[i].key.p);
    free(d->writes);
    *d = (struct doomed){ 0 };
}
