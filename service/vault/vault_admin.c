#include "service/vault/vault_admin.h"

#include "firmware/base/clock.h"
#include "service/vault/anchor.h"
#include "service/vault/doomed.h"
#include "service/vault/record.h"
#include "service/vault/resource_group.h"
#include "service/vault/vault.h"

#define SECONDS_PER_DAY 86400

/* One try at a change: what it was decided on, and what it makes of it. */
struct attempt {
    const struct vault_admin *admin;
    const struct vault_place *at;
    const struct principal *who;
    struct bytes key;
    struct vault *vault; /* ours alone until committed; NULL: there is no such record */
    struct anchor group; /* key.len == 0: not needed */
    struct admin_fault *fault;
};

static int64_t now_of(const struct vault_admin *a)
{
    return a->now != NULL ? a->now() : clock_unix_s();
}

static bool trouble(struct attempt *t, enum status st)
{
    return admin_fault_trouble(t->fault, st);
}

static bool missing(struct attempt *t)
{
    return admin_fault_set(t->fault, ADMIN_FAULT_VAULT_NOT_FOUND,
                           "The Resource 'Microsoft.KeyVault/vaults/%.*s' under resource group '%.*s' was not found.",
                           (int)t->at->name.len, (const char *)t->at->name.p, (int)t->at->group.len,
                           (const char *)t->at->group.p);
}

/* The same words whoever has it: live, deleted, here or in a subscription the caller knows nothing of. */
static bool name_taken(struct admin_fault *f, struct span name)
{
    return admin_fault_set(f, ADMIN_FAULT_VAULT_EXISTS,
                           "The vault name '%.*s' is already in use. Vault names are unique on this appliance, so the "
                           "name may be taken by somebody else, or by a vault that was deleted but not purged. If it "
                           "is yours you can recover or purge it, or choose another name.",
                           (int)name.len, (const char *)name.p);
}

static void attempt_clear(struct attempt *t)
{
    bytes_clear(&t->key);
    vault_unref(t->vault);
    t->vault = NULL;
    anchor_clear(&t->group);
}

static enum status read_vault(struct store *s, struct span key, struct vault **out)
{
    struct bytes record = { 0 };
    uint64_t revision = 0;
    enum status st;

    *out = NULL;
    if ((st = store_get(s, key, &record, &revision)) == ST_OK)
        st = vault_unpack(bytes_span(&record), revision, out);
    bytes_clear(&record);
    return st;
}

/* t->vault, or NULL when the name is free. */
static bool attempt_read(struct attempt *t)
{
    enum status st;

    vault_path(&t->key, t->at->name);
    if ((st = bytes_status(&t->key)) == ST_OK)
        st = read_vault(t->admin->store, bytes_span(&t->key), &t->vault);
    return st == ST_OK || st == ST_NOT_FOUND || trouble(t, st);
}

static bool at_place(const struct attempt *t)
{
    return guid_equal(&t->vault->subscription_id, &t->at->subscription_id) &&
           span_is_nocase(t->at->group, t->vault->resource_group);
}

/* The group must be there, and still be there when the vault comes into it. */
static bool attempt_need_group(struct attempt *t)
{
    enum status st = ST_NOT_FOUND;

    if (group_name_valid(t->at->group)) {
        group_path(&t->group.key, &t->at->subscription_id, t->at->group);
        st = anchor_read(t->admin->store, &t->group);
    }
    if (st == ST_NOT_FOUND)
        return admin_fault_set(t->fault, ADMIN_FAULT_GROUP_NOT_FOUND, "Resource group '%.*s' could not be found.",
                               (int)t->at->group.len, (const char *)t->at->group.p);
    return st == ST_OK || trouble(t, st);
}

static void sign_off(char by[GUID_LEN + 1], bool *by_user, const struct principal *who)
{
    const struct guid *id = who->kind == PRINCIPAL_APPLICATION ? &who->application_id : &who->object_id;

    memcpy(by, id->text, GUID_LEN + 1);
    *by_user = who->kind != PRINCIPAL_APPLICATION;
}

/* Write t->vault over what was read. false with ADMIN_FAULT_CONFLICT when somebody else was faster. */
static bool attempt_commit(struct attempt *t)
{
    struct store_write writes[2];
    struct store_commit commit = { .writes = writes, .count = 1 };
    struct bytes record = { 0 };
    enum status st;

    t->vault->updated_at = now_of(t->admin);
    sign_off(t->vault->updated_by, &t->vault->updated_by_user, t->who);
    if ((st = vault_complete(t->vault)) == ST_OK && (st = vault_pack(t->vault, &record)) == ST_OK) {
        writes[0] = (struct store_write){ bytes_span(&t->key), bytes_span(&record), t->vault->revision };
        if (t->group.key.len > 0)
            writes[commit.count++] = anchor_touch(&t->group);
        st = store_commit(t->admin->store, &commit);
    }
    bytes_clear(&record);
    if (st == ST_OK)
        t->vault->revision = commit.revision;
    if (st == ST_CONFLICT)
        return admin_fault_set(t->fault, ADMIN_FAULT_CONFLICT,
                               "A conflict occurred: the vault '%.*s' was changed by another request at the same time.",
                               (int)t->at->name.len, (const char *)t->at->name.p);
    return st == ST_OK || trouble(t, st);
}

static void attempt_take(struct attempt *t, const struct vault **out)
{
    *out = t->vault;
    t->vault = NULL;
}

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

static bool create(struct attempt *t, const struct vault_change *c, bool rbac_by_default)
{
    bool rbac = c->rbac == UNSAID ? rbac_by_default : c->rbac == SAID_YES;
    struct vault *v;
    enum status st;

    INVARIANT(strlen(t->admin->location) <= LOCATION_MAX); /* main() has checked it */
    if (!put_complete(c, rbac, t->fault) || !attempt_need_group(t))
        return false;
    if ((v = t->vault = vault_new()) == NULL)
        return trouble(t, ST_NO_MEMORY);
    v->id = guid_random();
    memcpy(v->name, t->at->name.p, t->at->name.len); /* both names' lengths have been checked */
    v->subscription_id = t->at->subscription_id;
    memcpy(v->resource_group, t->at->group.p, t->at->group.len);
    memcpy(v->location, t->admin->location, strlen(t->admin->location) + 1);
    v->tenant_id = t->admin->tenant_id;
    v->rbac = rbac;
    v->rbac_set = rbac_by_default;
    v->retention_days = VAULT_RETENTION_MAX;
    v->network_bypass_azure = true;
    v->created_at = now_of(t->admin);
    sign_off(v->created_by, &v->created_by_user, t->who);
    if ((st = vault_set_tags(v, "{}")) != ST_OK || (st = vault_change_apply(c, v)) != ST_OK)
        return trouble(t, st);
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
        return trouble(t, st);
    return attempt_commit(t);
}

/* Only where it was: whoever may create vaults elsewhere must not draw somebody's deleted vault over to himself. */
static bool recover(struct attempt *t)
{
    if (t->vault == NULL || (t->vault->deleted_at != 0 && !at_place(t)))
        return admin_fault_set(t->fault, ADMIN_FAULT_DELETED_VAULT_NOT_FOUND,
                               "A deleted vault with the name '%.*s' does not exist in this resource group.",
                               (int)t->at->name.len, (const char *)t->at->name.p);
    if (t->vault->deleted_at == 0)
        return name_taken(t->fault, t->at->name);
    if (!attempt_need_group(t))
        return false;
    t->vault->deleted_at = t->vault->purge_at = 0;
    return attempt_commit(t);
}

/* *again: worth another try, because only the name or the group was in the way. */
static bool put_once(struct attempt *t, const struct vault_change *c, bool rbac_by_default, bool *again)
{
    if (!attempt_read(t))
        return false;
    *again = t->vault == NULL || c->recover;
    if (c->recover)
        return recover(t);
    if (t->vault == NULL)
        return create(t, c, rbac_by_default);
    if (t->vault->deleted_at != 0 || !at_place(t))
        return name_taken(t->fault, t->at->name);
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

/* The live vault at its place, or the fault. */
static bool attempt_find(struct attempt *t)
{
    if (!vault_name_valid(t->at->name))
        return missing(t);
    if (!attempt_read(t))
        return false;
    return (t->vault != NULL && t->vault->deleted_at == 0 && at_place(t)) || missing(t);
}

typedef bool editor(struct attempt *t, const void *arg);

/* Find the vault, edit it, commit; from the start again when somebody else has changed it meanwhile. */
static bool change(const struct vault_admin *a, const struct vault_place *at, const struct principal *who, editor *edit,
                   const void *arg, const struct vault **out, struct admin_fault *f)
{
    bool ok = false;

    *out = NULL;
    f->code = ADMIN_FAULT_CONFLICT;
    for (unsigned n = 0; !ok && f->code == ADMIN_FAULT_CONFLICT && n < ANCHOR_TRIES; n++) {
        struct attempt t = { .admin = a, .at = at, .who = who, .fault = f };

        if ((ok = attempt_find(&t) && edit(&t, arg) && attempt_commit(&t)))
            attempt_take(&t, out);
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
    return (st = vault_change_apply(c, t->vault)) == ST_OK || trouble(t, st);
}

bool vault_patch(const struct vault_admin *a, const struct vault_place *at, const struct vault_change *c,
                 const struct principal *who, const struct vault **out, struct admin_fault *f)
{
    *out = NULL;
    return vault_change_valid(c, &a->tenant_id, a->location, f) && change(a, at, who, edit_patch, c, out, f);
}

struct policies_edit {
    enum policies_change change;
    const struct access_policy *entries;
    size_t count;
};

static bool same_identity(const struct access_policy *a, const struct access_policy *b)
{
    return guid_equal(&a->object_id, &b->object_id) && a->has_application_id == b->has_application_id &&
           (!a->has_application_id || guid_equal(&a->application_id, &b->application_id));
}

static bool grants_nothing(const struct access_policy *p)
{
    uint32_t any = 0;

    for (unsigned kind = 0; kind < PERMISSION_KIND_COUNT; kind++)
        any |= p->permissions[kind];
    return any == 0;
}

static void merge(struct access_policy *to, const struct access_policy *from, enum policies_change change)
{
    for (unsigned kind = 0; kind < PERMISSION_KIND_COUNT; kind++)
        switch (change) {
        case POLICIES_ADD:
            to->permissions[kind] |= from->permissions[kind];
            break;
        case POLICIES_REPLACE:
            to->permissions[kind] = from->permissions[kind];
            break;
        case POLICIES_REMOVE:
            to->permissions[kind] &= ~from->permissions[kind];
            break;
        }
}

/* Change `list`, which has room for all, and return how many there are then. */
static size_t edit_list(struct access_policy *list, size_t count, const struct policies_edit *e)
{
    for (size_t i = 0; i < e->count; i++) {
        size_t at = 0;

        while (at < count && !same_identity(&list[at], &e->entries[i]))
            at++;
        if (at < count)
            merge(&list[at], &e->entries[i], e->change);
        else if (e->change != POLICIES_REMOVE)
            list[count++] = e->entries[i];
        if (e->change == POLICIES_REMOVE && at < count && grants_nothing(&list[at])) {
            memmove(&list[at], &list[at + 1], (count - at - 1) * sizeof *list);
            count--;
        }
    }
    return count;
}

static bool edit_policies(struct attempt *t, const void *arg)
{
    const struct policies_edit *e = arg;
    size_t count = t->vault->policy_count;
    struct access_policy *list = calloc(count + e->count + 1, sizeof *list);
    enum status st;
    bool ok;

    if (list == NULL)
        return trouble(t, ST_NO_MEMORY);
    if (count > 0)
        memcpy(list, t->vault->policies, count * sizeof *list);
    count = edit_list(list, count, e);
    ok = vault_policies_valid(list, count, &t->admin->tenant_id, t->fault) &&
         ((st = vault_set_policies(t->vault, list, count)) == ST_OK || trouble(t, st));
    free(list);
    return ok;
}

bool vault_change_policies(const struct vault_admin *a, const struct vault_place *at, enum policies_change kind,
                           const struct access_policy *entries, size_t count, const struct principal *who,
                           const struct vault **out, struct admin_fault *f)
{
    struct policies_edit e = { kind, entries, count };

    *out = NULL;
    return vault_policies_valid(entries, count, &a->tenant_id, f) && change(a, at, who, edit_policies, &e, out, f);
}

/* With its assignments, in one commit: whoever makes an assignment on it at this moment has written the vault's record
 * again, so one of the two commits fails. */
static bool delete_once(struct attempt *t)
{
    struct doomed doomed = { 0 };
    struct bytes record = { 0 };
    struct vault *v = t->vault;
    enum status st;

    v->deleted_at = v->updated_at = now_of(t->admin);
    v->purge_at = v->deleted_at + (int64_t)v->retention_days * SECONDS_PER_DAY;
    sign_off(v->updated_by, &v->updated_by_user, t->who);
    if ((st = vault_pack(v, &record)) == ST_OK &&
        (st = doomed_assignments(t->admin->store, v->resource_id, &doomed)) == ST_OK)
        st = doomed_commit(t->admin->store, &doomed,
                           &(struct store_write){ bytes_span(&t->key), bytes_span(&record), v->revision });
    doomed_clear(&doomed);
    bytes_clear(&record);
    if (st == ST_CONFLICT)
        return admin_fault_set(t->fault, ADMIN_FAULT_CONFLICT, "A conflict occurred: the vault is being changed.");
    return st == ST_OK || trouble(t, st);
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
    struct bytes key = { 0 };
    struct store_write write;
    struct store_commit commit = { .writes = &write, .count = 1 };
    enum status st;

    vault_path(&key, span_text(v->name));
    write = (struct store_write){ bytes_span(&key), { 0 }, v->revision };
    if ((st = bytes_status(&key)) == ST_OK)
        st = store_commit(a->store, &commit);
    bytes_clear(&key);
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
            st = read_vault(a->store, bytes_span(&key), &v);
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
        return name_taken(f, name);
    return st == ST_NOT_FOUND || admin_fault_trouble(f, st);
}
