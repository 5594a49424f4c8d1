#include "service/vault/vault_attempt.h"

#include "firmware/base/clock.h"
#include "service/vault/record.h"

int64_t attempt_now(const struct vault_admin *a)
{
    return a->now != NULL ? a->now() : clock_unix_s();
}

bool attempt_trouble(struct attempt *t, enum status st)
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
bool vault_name_taken(struct admin_fault *f, struct span name)
{
    return admin_fault_set(f, ADMIN_FAULT_VAULT_EXISTS,
                           "The vault name '%.*s' is already in use. Vault names are unique on this appliance, so the "
                           "name may be taken by somebody else, or by a vault that was deleted but not purged. If it "
                           "is yours you can recover or purge it, or choose another name.",
                           (int)name.len, (const char *)name.p);
}

void attempt_clear(struct attempt *t)
{
    bytes_clear(&t->key);
    vault_unref(t->vault);
    t->vault = NULL;
    anchor_clear(&t->group);
}

enum status vault_read_record(struct store *s, struct span key, struct vault **out)
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

bool attempt_read(struct attempt *t)
{
    enum status st;

    vault_path(&t->key, t->at->name);
    if ((st = bytes_status(&t->key)) == ST_OK)
        st = vault_read_record(t->admin->store, bytes_span(&t->key), &t->vault);
    return st == ST_OK || st == ST_NOT_FOUND || attempt_trouble(t, st);
}

bool attempt_at_place(const struct attempt *t)
{
    return guid_equal(&t->vault->subscription_id, &t->at->subscription_id) &&
           span_is_nocase(t->at->group, t->vault->resource_group);
}

bool attempt_need_group(struct attempt *t, struct resource_group *out)
{
    enum status st = group_find(t->admin->store, &t->at->subscription_id, t->at->group, out);

    if (st == ST_OK) {
        group_path(&t->group.key, &t->at->subscription_id, t->at->group);
        st = anchor_read(t->admin->store, &t->group);
    }
    if (st == ST_NOT_FOUND)
        return admin_fault_set(t->fault, ADMIN_FAULT_GROUP_NOT_FOUND, "Resource group '%.*s' could not be found.",
                               (int)t->at->group.len, (const char *)t->at->group.p);
    return st == ST_OK || attempt_trouble(t, st);
}

void attempt_sign(const struct attempt *t, char by[GUID_LEN + 1], bool *by_user)
{
    const struct principal *who = t->who;
    const struct guid *id = who->kind == PRINCIPAL_APPLICATION ? &who->application_id : &who->object_id;

    memcpy(by, id->text, GUID_LEN + 1);
    *by_user = who->kind != PRINCIPAL_APPLICATION;
}

bool attempt_commit(struct attempt *t)
{
    struct store_write writes[2];
    struct store_commit commit = { .writes = writes, .count = 1 };
    struct bytes record = { 0 };
    enum status st;

    t->vault->updated_at = attempt_now(t->admin);
    attempt_sign(t, t->vault->updated_by, &t->vault->updated_by_user);
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
    return st == ST_OK || attempt_trouble(t, st);
}

void attempt_take(struct attempt *t, const struct vault **out)
{
    *out = t->vault;
    t->vault = NULL;
}

bool attempt_find(struct attempt *t)
{
    if (!vault_name_valid(t->at->name))
        return missing(t);
    if (!attempt_read(t))
        return false;
    return (t->vault != NULL && t->vault->deleted_at == 0 && attempt_at_place(t)) || missing(t);
}

bool vault_edit(const struct vault_admin *a, const struct vault_place *at, const struct principal *who,
                vault_editor *edit, const void *arg, const struct vault **out, struct admin_fault *f)
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
