#include "service/vault/catalog.h"

#include "service/vault/grant_index.h"
#include "service/vault/vault_index.h"

struct catalog {
    struct vault_index *vaults;
    struct grant_index *grants;
};

enum status catalog_open(struct store *management_store, struct catalog **out)
{
    struct catalog *c = calloc(1, sizeof *c);
    enum status st = ST_NO_MEMORY;

    *out = NULL;
    if (c == NULL)
        return st;
    if ((st = vault_index_open(management_store, &c->vaults)) == ST_OK &&
        (st = grant_index_open(management_store, &c->grants)) == ST_OK)
        *out = c;
    else
        catalog_close(c);
    return st;
}

void catalog_close(struct catalog *c)
{
    if (c == NULL)
        return;
    vault_index_close(c->vaults);
    grant_index_close(c->grants);
    free(c);
}

const struct vault *catalog_find_any(struct catalog *c, struct span name)
{
    return vault_index_find(c->vaults, name);
}

const struct vault *catalog_find(struct catalog *c, struct span name)
{
    const struct vault *v = vault_index_find(c->vaults, name);

    if (v == NULL || v->deleted_at == 0)
        return v;
    vault_unref(v);
    return NULL;
}

void catalog_visit(struct catalog *c, vault_visitor *visit, void *arg)
{
    vault_index_visit(c->vaults, (struct span){ 0 }, visit, arg);
}

void catalog_visit_after(struct catalog *c, struct span name, vault_visitor *visit, void *arg)
{
    vault_index_visit(c->vaults, name, visit, arg);
}

void catalog_subscribe(struct catalog *c, catalog_on_change *on_change, void *arg)
{
    vault_index_subscribe(c->vaults, on_change, arg);
}

/* Roles: a question is put to each run of assignments that are the principal's. */
struct question {
    const struct principal *who;
    const char *action, *scope;
    const struct guid *role;
};

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
    return grant_index_any(c->grants, who, control_question, &(struct question){ who, action, scope, NULL });
}

bool catalog_data_allows(struct catalog *c, const struct principal *who, const char *data_action, const char *scope)
{
    return grant_index_any(c->grants, who, data_question, &(struct question){ who, data_action, scope, NULL });
}

bool catalog_assignment_allows(struct catalog *c, const struct principal *who, const char *action, const char *scope,
                               const struct guid *assigned_role)
{
    return grant_index_any(c->grants, who, assignment_question,
                           &(struct question){ who, action, scope, assigned_role });
}

bool catalog_has_role(struct catalog *c, const struct principal *who, const char *scope)
{
    return who->kind != PRINCIPAL_APPLICATION_USER &&
           grant_index_any(c->grants, who, any_role_question, &(struct question){ who, NULL, scope, NULL });
}
