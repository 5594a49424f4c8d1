/* Access policies of a vault, entry by entry. */
#include "service/vault/vault_attempt.h"

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
        return attempt_trouble(t, ST_NO_MEMORY);
    if (count > 0)
        memcpy(list, t->vault->policies, count * sizeof *list);
    count = edit_list(list, count, e);
    ok = vault_policies_valid(list, count, &t->admin->tenant_id, t->fault) &&
         ((st = vault_set_policies(t->vault, list, count)) == ST_OK || attempt_trouble(t, st));
    free(list);
    return ok;
}

bool vault_change_policies(const struct vault_admin *a, const struct vault_place *at, enum policies_change kind,
                           const struct access_policy *entries, size_t count, const struct principal *who,
                           const struct vault **out, struct admin_fault *f)
{
    struct policies_edit e = { kind, entries, count };

    *out = NULL;
    return vault_policies_valid(entries, count, &a->tenant_id, f) && vault_edit(a, at, who, edit_policies, &e, out, f);
}
