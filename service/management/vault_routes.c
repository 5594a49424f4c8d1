/* Vaults, one at a time (spec: management-plane.md 2). */
#include "service/management/vault_json.h"
#include "service/vault/vault.h"

static struct vault_place place_of(const struct call *c)
{
    return (struct vault_place){ c->subscription_id, call_capture(c, 1), call_capture(c, 2) };
}

/* 200 with the vault. Synchronous: it is complete, so no client polls (management-plane.md 3). */
static void answer_vault(struct call *c, const struct vault *v)
{
    struct json_writer w;

    call_begin_object(c, &w);
    vault_json_write(&w, c->m->config, v);
    call_end_object(&w);
}

void vault_put_route(struct call *c)
{
    struct vault_place at = place_of(c);
    struct admin_fault f = { 0 };
    struct vault_change change = { 0 };
    const struct vault *v = NULL;
    json_t *body = NULL;

    if (exchange_read_json(c->x, JSON_BODY_MAX, false, &body) != ST_OK)
        return;
    if (vault_json_read(body, &change, &f)) {
        if (change.recover)
            c->x->operation = "VaultRecover";
        vault_put(&c->m->admin, &at, &change, arm_version_rbac_default(c->x->api_version), &c->x->principal, &v, &f);
    }
    if (v != NULL)
        answer_vault(c, v);
    else
        call_refuse(c, &f);
    vault_unref(v);
    vault_change_clear(&change);
    json_decref(body);
}

void vault_patch_route(struct call *c)
{
    struct vault_place at = place_of(c);
    struct admin_fault f = { 0 };
    struct vault_change change = { 0 };
    const struct vault *v = NULL;
    json_t *body = NULL;

    if (exchange_read_json(c->x, JSON_BODY_MAX, false, &body) != ST_OK)
        return;
    if (vault_json_read(body, &change, &f) && vault_patch(&c->m->admin, &at, &change, &c->x->principal, &v, &f))
        answer_vault(c, v);
    else
        call_refuse(c, &f);
    vault_unref(v);
    vault_change_clear(&change);
    json_decref(body);
}

static bool lies_at(const struct vault *v, const struct vault_place *at)
{
    return guid_equal(&v->subscription_id, &at->subscription_id) && span_is_nocase(at->group, v->resource_group);
}

void vault_get_route(struct call *c)
{
    struct vault_place at = place_of(c);
    const struct vault *v = catalog_find(c->m->catalog, at.name);

    if (v != NULL && lies_at(v, &at))
        answer_vault(c, v);
    else
        call_missing(c, "Microsoft.KeyVault/vaults", at.name);
    vault_unref(v);
}

void vault_delete_route(struct call *c)
{
    struct vault_place at = place_of(c);
    struct admin_fault f = { 0 };
    bool found = false;

    if (vault_delete(&c->m->admin, &at, &c->x->principal, &found, &f))
        c->x->status = found ? 200 : 204;
    else
        call_refuse(c, &f);
}

/* Those entries of the vault that the request spoke of. */
static size_t affected(const struct vault *v, const struct vault_change *change, struct access_policy *out)
{
    size_t n = 0;

    for (size_t i = 0; i < v->policy_count; i++)
        for (size_t k = 0; k < change->policy_count; k++)
            if (guid_equal(&v->policies[i].object_id, &change->policies[k].object_id) &&
                v->policies[i].has_application_id == change->policies[k].has_application_id &&
                (!v->policies[i].has_application_id ||
                 guid_equal(&v->policies[i].application_id, &change->policies[k].application_id))) {
                out[n++] = v->policies[i];
                break;
            }
    return n;
}

static void answer_policies(struct call *c, const struct vault *v, const struct vault_change *change)
{
    struct access_policy *entries = calloc(v->policy_count > 0 ? v->policy_count : 1, sizeof *entries);
    struct bytes id = { 0 };
    struct json_writer w;

    if (entries == NULL) {
        exchange_trouble(c->x, ST_NO_MEMORY);
        return;
    }
    bytes_printf(&id, "%s/accessPolicies/", v->resource_id);
    call_begin_object(c, &w);
    json_put_text(&w, "id", bytes_span(&id));
    json_put_text(&w, "type", span_text("Microsoft.KeyVault/vaults/accessPolicies"));
    json_put_text(&w, "location", span_text(v->location));
    json_open_object(&w, "properties");
    vault_json_write_policies(&w, entries, affected(v, change, entries));
    json_close_object(&w);
    call_end_object(&w);
    bytes_clear(&id);
    free(entries);
}

void vault_policies_route(struct call *c)
{
    static const char *const kinds[] = {
        [POLICIES_ADD] = "add",
        [POLICIES_REPLACE] = "replace",
        [POLICIES_REMOVE] = "remove",
    };
    struct vault_place at = place_of(c);
    struct admin_fault f = { 0 };
    struct vault_change change = { 0 };
    const struct vault *v = NULL;
    json_t *body = NULL;
    size_t kind = 0;

    while (kind < ARRAY_LEN(kinds) && !span_is_nocase(call_capture(c, 3), kinds[kind]))
        kind++;
    if (kind == ARRAY_LEN(kinds)) {
        call_bad(c, "The kind of update must be 'add', 'replace' or 'remove'.");
        return;
    }
    if (exchange_read_json(c->x, JSON_BODY_MAX, false, &body) != ST_OK)
        return;
    if (vault_json_read_policies(body, &change, &f) &&
        vault_change_policies(&c->m->admin, &at, (enum policies_change)kind, change.policies, change.policy_count,
                              &c->x->principal, &v, &f))
        answer_policies(c, v, &change);
    else
        call_refuse(c, &f);
    vault_unref(v);
    vault_change_clear(&change);
    json_decref(body);
}

static void answer_name(struct call *c, const struct admin_fault *f)
{
    struct json_writer w;

    if (f->code == ADMIN_FAULT_TROUBLE) {
        call_refuse(c, f);
        return;
    }
    call_begin_object(c, &w);
    json_put_bool(&w, "nameAvailable", f->code == ADMIN_FAULT_NONE);
    if (f->code != ADMIN_FAULT_NONE) {
        json_put_text(&w, "reason",
                      span_text(f->code == ADMIN_FAULT_VAULT_EXISTS ? "AlreadyExists" : "AccountNameInvalid"));
        json_put_text(&w, "message", span_text(f->message));
    }
    call_end_object(&w);
}

void vault_check_name_route(struct call *c)
{
    struct admin_fault f = { 0 };
    struct span name = { 0 }, type = { 0 };
    json_t *body = NULL;

    if (exchange_read_json(c->x, JSON_BODY_MAX, false, &body) != ST_OK)
        return;
    if (json_get_text(body, "name", &name) != ST_OK || json_get_text(body, "type", &type) != ST_OK ||
        !span_is_nocase(type, "Microsoft.KeyVault/vaults")) {
        call_bad(c, "The body must have a name, and the type 'Microsoft.KeyVault/vaults'.");
    } else {
        (void)!vault_name_free(&c->m->admin, name, &f);
        answer_name(c, &f);
    }
    json_decref(body);
}
