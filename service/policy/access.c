#include "service/policy/policy.h"

#include "service/policy/match.h"

/* Is the entry about this principal at all? */
static bool applies(const struct access_policy *entry, const struct guid *tenant, const struct principal *who)
{
    /* An entry of another tenant cannot be written; one that got there all the same grants nothing. */
    if (!guid_equal(&entry->tenant_id, tenant) || !principal_is(who, &entry->object_id))
        return false;
    if (who->kind == PRINCIPAL_APPLICATION_USER)
        return entry->has_application_id && guid_equal(&entry->application_id, &who->application_id);
    return !entry->has_application_id;
}

/* The bits of which any one is enough. */
static uint32_t sufficient(enum permission_kind kind, unsigned bit)
{
    if (kind != PERMISSION_CERTIFICATES)
        return BIT(bit);
    switch (bit) {
    case CERTIFICATE_PERMISSION_GET_ISSUERS:
    case CERTIFICATE_PERMISSION_LIST_ISSUERS:
    case CERTIFICATE_PERMISSION_SET_ISSUERS:
    case CERTIFICATE_PERMISSION_DELETE_ISSUERS:
        return BIT(bit) | BIT(CERTIFICATE_PERMISSION_MANAGE_ISSUERS); /* the older, wider name for all four */
    default:
        return BIT(bit);
    }
}

bool policy_access_allows(const struct access_policy *entries, size_t count, const struct guid *tenant,
                          const struct principal *who, enum permission_kind kind, unsigned bit)
{
    uint32_t wanted;

    if (permission_name(kind, bit) == NULL || kind == PERMISSION_STORAGE || !guid_equal(&who->tenant_id, tenant))
        return false;
    wanted = sufficient(kind, bit);
    for (size_t i = 0; i < count; i++)
        if ((entries[i].permissions[kind] & wanted) != 0 && applies(&entries[i], tenant, who))
            return true;
    return false;
}
