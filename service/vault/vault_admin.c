#include "service/vault/vault_admin.h"

#include "service/vault/doomed.h"
#include "service/vault/purged_vault.h"
#include "service/vault/record.h"
#include "service/vault/vault_attempt.h"

#define SECONDS_PER_DAY 86400

/* What a PUT must say (PATCH may leave it out). */
static bool put_complete(const struct vault_change *c, bool rbac, struct admin_fault *f)
{
    if (c->location.p == NULL)
        return admin_fault_set(f, ADMIN_FAULT_BAD_REQUEST, "The location property is required for this definition.");
    if (!c->has_tenant)
        return admin_fault_set(f, ADMIN_FAULT_BAD_REQUEST, "The parameter tenantId is not specified.");
    if (!c->has_sku)
        return admin_fault_set(f, ADMIN_FAULT_BAD_REQUEST, "The parameter sku is not specified.");
    if (!c->has_policies && !rbac)
        return admin_fault_set(f, ADMIN_FAULT_BAD_REQUEST, "The parameter accessPolicies is not specified.");
    return true;
}

static bool update_allowed(const struct vault *v, const struct vault_change *c, struct admin_fault *f)
{
    if (c->has_retention && c->retention_days != (int64_t)v->retention_days)
        return admin_fault_set(f, ADMIN_FAULT_BAD_REQUEST,
                               "The property \"softDeleteRetentionInDays\" has been set already and it can't be "
                               "modified.");
    return true;
}

static bool create(struct attempt *t, const struct vault_change *c, bool rbac_by_default, struct resource_group *group)
{
    bool rbac = c->rbac == UNSAID ? rbac_by_default : c->rbac == SAID_YES;
    struct vault *v;
    enum status st;

    INVARIANT(strlen(t->admin->location) <= LOCATION_MAX); /* main() has checked it */
    if (!put_complete(c, rbac, t->fault) || !attempt_need_group(t, group))
        return false;
    if ((v = t->vault = vault_new()) == NULL)
        return attempt_trouble(t, ST_NO_MEMORY);
    v->id = guid_random();
    memcpy(v->name, t->at->name.p, t->at->name.len); /* its length has been checked */
    v->subscription_id = t->at->subscription_id;
    memcpy(v->resource_group, group->name, sizeof group->name);
    memcpy(v->location, t->admin->location, strlen(t->admin->location) + 1);
    v->tenant_id = t->admin->tenant_id;
    v->rbac = rbac;
    v->rbac_set = rbac_by_default;
    v->retention_days = VAULT_RETENTION_MAX;
    v->network_bypass_azure = true;
    v->created_at = attempt_now(t->admin);
    attempt_sign(t, v->created_by, &v->created_by_user);
    if ((st = vault_set_tags(v, "{}")) != ST_OK || (st = vault_change_apply(c, v)) != ST_OK)
        return attempt_trouble(t, st);
    return attempt_commit(t);
}

/* A PUT says all of: sku, tags, the flags and the policies. What guards a vault and was not mentioned stays as it is:
 * the firewall, purge protection, and which of the two models of access holds. */
static bool replace(struct attempt *t, const struct vault_change *c)
{
    struct vault_change whole = *c;
    bool rbac = c->rbac == UNSAID ? t->vault->rbac : c->rbac == SAID_YES;
    static char no_tags[] = "{}";
    enum status st;

    if (!put_complete(c, rbac, t->fault) || !update_allowed(t->vault, c, t->fault))
        return false;
    whole.for_deployment = c->for_deployment == UNSAID ? SAID_NO : c->for_deployment;
    whole.for_disk_encryption = c->for_disk_encryption == UNSAID ? SAID_NO : c->for_disk_encryption;
    whole.for_template_deployment = c->for_template_deployment == UNSAID ? SAID_NO : c->for_template_deployment;
    whole.tags_json = c->tags_json != NULL ? c->tags_json : no_tags;
    if ((st = vault_change_apply(&whole, t->vault)) != ST_OK)
        return attempt_trouble(t, st);
    return attempt_commit(t);
}

/* Only where it was: whoever may create vaults elsewhere must not draw somebody's deleted vault over to himself. */
static bool recover(struct attempt *t, struct resource_group *group)
{
    if (t->vault == NULL || (t->vault->deleted_at != 0 && !attempt_at_place(t)))
        return admin_fault_set(t->fault, ADMIN_FAULT_DELETED_VAULT_NOT_FOUND,
                               "A deleted vault with the name '%.*s' does not exist in this resource group.",
                               (int)t->at->name.len, (const char *)t->at->name.p);
    if (t->vault->deleted_at == 0)
        return vault_name_taken(t->fault, t->at->name);
    if (!attempt_need_group(t, group))
        return false;
    t->vault->deleted_at = t->vault->purge_at = 0;
    return attempt_commit(t);
}

/* *again: worth another try, because only the name or the group was in the way. */
static bool put_once(struct attempt *t, const struct vault_change *c, bool rbac_by_default, bool *again)
{
    struct resource_group group = { 0 };
    bool ok;

    if (!attempt_read(t))
        return false;
    *again = t->vault == NULL || c->recover;
    if (*again) {
        ok = c->recover ? recover(t, &group) : create(t, c, rbac_by_default, &group);
        resource_group_clear(&group);
        return ok;
    }
    if (t->vault->deleted_at != 0 || !attempt_at_place(t))
        return vault_name_taken(t->fault, t->at->name);
    return replace(t, c);
}

bool vault_put(const struct vault_admin *a, const struct vault_place *at, const struct vault_change *c,
               bool rbac_by_default, const struct principal *who, const struct vault **out, struct admin_fault *f)
{
    bool ok = false, again = true;

    *out = NULL;
    if (!vault_name_valid(at->name))
        return admin_fault_set(f, ADMIN_FAULT_VAULT_NAME,
                               "The vault name '%.*s' is invalid. A vault's name must be between 3-24 alphanumeric "
                               "characters. The name must begin with a letter, end with a letter or digit, and not "
                               "contain consecutive hyphens.",
                               (int)(at->name.len < 64 ? at->name.len : 64), (const char *)at->name.p);
    if (!vault_change_valid(c, &a->tenant_id, a->location, f))
        return false;
    for (unsigned n = 0; !ok && again && n < ANCHOR_TRIES; n++) {
        struct attempt t = { .admin = a, .at = at, .who = who, .fault = f };

        again = false;
        f->code = ADMIN_FAULT_NONE;
        if ((ok = put_once(&t, c, rbac_by_default, &again)))
            attempt_take(&t, out);
        again = again && f->code == ADMIN_FAULT_CONFLICT;
        attempt_clear(&t);
    }
    return ok;
}

static bool edit_patch(struct attempt *t, const void *arg)
{
    const struct vault_change *c = arg;
    enum status st;

    if (!update_allowed(t->vault, c, t->fault))
        return false;
    return (st = vault_change_apply(c, t->vault)) == ST_OK || attempt_trouble(t, st);
}

bool vault_patch(const struct vault_admin *a, const struct vault_place *at, const struct vault_change *c,
                 const struct principal *who, const struct vault **out, struct admin_fault *f)
{
    *out = NULL;
    return vault_change_valid(c, &a->tenant_id, a->location, f) && vault_edit(a, at, who, edit_patch, c, out, f);
}

/* With its assignments, in one commit: whoever makes an assignment on it at this moment has written the vault's record
 * again, so one of the two commits fails. */
static bool delete_once(struct attempt *t)
{
    struct doomed doomed = { 0 };
    struct bytes record = { 0 };
    struct vault *v = t->vault;
    enum status st;

    v->deleted_at = v->updated_at = attempt_now(t->admin);
    v->purge_at = v->deleted_at + (int64_t)v->retention_days * SECONDS_PER_DAY;
    attempt_sign(t, v->updated_by, &v->updated_by_user);
    if ((st = vault_pack(v, &record)) == ST_OK &&
        (st = doomed_assignments(t->admin->store, v->resource_id, &doomed)) == ST_OK)
        st = doomed_commit(t->admin->store, &doomed,
                           &(struct store_write){ bytes_span(&t->key), bytes_span(&record), v->revision });
    doomed_clear(&doomed);
    bytes_clear(&record);
    if (st == ST_CONFLICT)
        return admin_fault_set(t->fault, ADMIN_FAULT_CONFLICT, "A conflict occurred: the vault is being changed.");
    return st == ST_OK || attempt_trouble(t, st);
}

bool vault_delete(const struct vault_admin *a, const struct vault_place *at, const struct principal *who, bool *found,
                  struct admin_fault *f)
{
    bool ok = false;

    f->code = ADMIN_FAULT_CONFLICT;
    for (unsigned n = 0; !ok && f->code == ADMIN_FAULT_CONFLICT && n < ANCHOR_TRIES; n++) {
        struct attempt t = { .admin = a, .at = at, .who = who, .fault = f };

        ok = attempt_find(&t) && delete_once(&t);
        attempt_clear(&t);
    }
    *found = ok;
    return ok || f->code == ADMIN_FAULT_VAULT_NOT_FOUND;
}

enum status vault_purge_due(const struct vault_admin *a, const struct vault *v)
{
    struct bytes key = { 0 }, mark_key = { 0 }, mark = { 0 };
    struct store_write writes[2];
    struct store_commit commit = { .writes = writes, .count = ARRAY_LEN(writes) };
    enum status st;

    vault_path(&key, span_text(v->name));
    purged_vault_path(&mark_key, &v->id);
    st = purged_vault_pack(attempt_now(a), &mark);
    writes[0] = (struct store_write){ bytes_span(&key), { 0 }, v->revision };
    writes[1] = (struct store_write){ bytes_span(&mark_key), bytes_span(&mark), STORE_ANY };
    if (st == ST_OK && (st = bytes_status(&key)) == ST_OK && (st = bytes_status(&mark_key)) == ST_OK)
        st = store_commit(a->store, &commit);
    bytes_clear(&key);
    bytes_clear(&mark_key);
    bytes_clear(&mark);
    return st;
}

static bool purge_once(const struct vault_admin *a, struct vault *v, const struct guid *subscription, struct span name,
                       struct admin_fault *f)
{
    enum status st;

    if (v == NULL || v->deleted_at == 0 || !guid_equal(&v->subscription_id, subscription))
        return admin_fault_set(f, ADMIN_FAULT_DELETED_VAULT_NOT_FOUND,
                               "The specified deleted vault '%.*s' does not exist.", (int)name.len,
                               (const char *)name.p);
    if (v->purge_protection)
        return admin_fault_set(f, ADMIN_FAULT_PURGE_PROTECTED,
                               "Operation is not allowed: purge protection is enabled for the vault '%s'; it will be "
                               "purged when its retention ends.",
                               v->name);
    if ((st = vault_purge_due(a, v)) == ST_CONFLICT)
        return admin_fault_set(f, ADMIN_FAULT_CONFLICT, "A conflict occurred: the vault is being changed.");
    return st == ST_OK || admin_fault_trouble(f, st);
}

bool vault_purge(const struct vault_admin *a, const struct guid *subscription, struct span location, struct span name,
                 struct admin_fault *f)
{
    struct bytes key = { 0 };
    struct vault *v = NULL;
    enum status st = ST_NOT_FOUND;
    bool ok;

    if (vault_name_valid(name) && location_equal(location, a->location)) {
        vault_path(&key, name);
        if ((st = bytes_status(&key)) == ST_OK)
            st = vault_read_record(a->store, bytes_span(&key), &v);
    }
    ok = st == ST_OK || st == ST_NOT_FOUND ? purge_once(a, v, subscription, name, f) : admin_fault_trouble(f, st);
    vault_unref(v);
    bytes_clear(&key);
    return ok;
}

bool vault_name_free(const struct vault_admin *a, struct span name, struct admin_fault *f)
{
    struct bytes key = { 0 };
    enum status st;

    if (!vault_name_valid(name))
        return admin_fault_set(
            f, ADMIN_FAULT_VAULT_NAME,
            "The vault name is invalid. A vault's name must be between 3-24 alphanumeric characters. "
            "The name must begin with a letter, end with a letter or digit, and not contain "
            "consecutive hyphens.");
    vault_path(&key, name);
    if ((st = bytes_status(&key)) == ST_OK)
        st = store_get(a->store, bytes_span(&key), NULL, NULL);
    bytes_clear(&key);
    if (st == ST_OK)
        return vault_name_taken(f, name);
    return st == ST_NOT_FOUND || admin_fault_trouble(f, st);
}
