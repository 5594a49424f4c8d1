/* policy.h - may this principal do that here? Pure decisions over plain data: no I/O, no clock of its own, no lock.
 * Access policies, Azure RBAC (control and data actions of the built-in roles). The tables are those of the Azure Key
 * Vault documentation: operation, access-policy permission, data action. */
#ifndef STRONGROOM_POLICY_POLICY_H
#define STRONGROOM_POLICY_POLICY_H

#include "service/policy/principal.h"

/* Key permissions of an access policy; bit numbers are stored: never renumber. */
enum key_permission {
    KEY_PERMISSION_GET = 0,
    KEY_PERMISSION_LIST,
    KEY_PERMISSION_CREATE,
    KEY_PERMISSION_UPDATE,
    KEY_PERMISSION_IMPORT,
    KEY_PERMISSION_DELETE,
    KEY_PERMISSION_BACKUP,
    KEY_PERMISSION_RESTORE,
    KEY_PERMISSION_RECOVER,
    KEY_PERMISSION_PURGE,
    KEY_PERMISSION_ENCRYPT,
    KEY_PERMISSION_DECRYPT,
    KEY_PERMISSION_WRAP_KEY,
    KEY_PERMISSION_UNWRAP_KEY,
    KEY_PERMISSION_SIGN,
    KEY_PERMISSION_VERIFY,
    KEY_PERMISSION_RELEASE,
    KEY_PERMISSION_ROTATE,
    KEY_PERMISSION_GET_ROTATION_POLICY,
    KEY_PERMISSION_SET_ROTATION_POLICY,
    KEY_PERMISSION_COUNT
};
enum secret_permission {
    SECRET_PERMISSION_GET = 0,
    SECRET_PERMISSION_LIST,
    SECRET_PERMISSION_SET,
    SECRET_PERMISSION_DELETE,
    SECRET_PERMISSION_BACKUP,
    SECRET_PERMISSION_RESTORE,
    SECRET_PERMISSION_RECOVER,
    SECRET_PERMISSION_PURGE,
    SECRET_PERMISSION_COUNT
};
enum certificate_permission {
    CERTIFICATE_PERMISSION_GET = 0,
    CERTIFICATE_PERMISSION_LIST,
    CERTIFICATE_PERMISSION_DELETE,
    CERTIFICATE_PERMISSION_CREATE,
    CERTIFICATE_PERMISSION_IMPORT,
    CERTIFICATE_PERMISSION_UPDATE,
    CERTIFICATE_PERMISSION_MANAGE_CONTACTS,
    CERTIFICATE_PERMISSION_GET_ISSUERS,
    CERTIFICATE_PERMISSION_LIST_ISSUERS,
    CERTIFICATE_PERMISSION_SET_ISSUERS,
    CERTIFICATE_PERMISSION_DELETE_ISSUERS,
    CERTIFICATE_PERMISSION_MANAGE_ISSUERS,
    CERTIFICATE_PERMISSION_RECOVER,
    CERTIFICATE_PERMISSION_PURGE,
    CERTIFICATE_PERMISSION_BACKUP,
    CERTIFICATE_PERMISSION_RESTORE,
    CERTIFICATE_PERMISSION_COUNT
};
/* Storage permissions are kept and returned, and grant nothing here. */
enum permission_kind {
    PERMISSION_KEYS,
    PERMISSION_SECRETS,
    PERMISSION_CERTIFICATES,
    PERMISSION_STORAGE,
    PERMISSION_KIND_COUNT
};

/* The documented spelling ("wrapKey"), and the bit of a name of any case; "all" gives every bit but purge's.
 * permission_by_name: false when unknown. */
const char *permission_name(enum permission_kind kind, unsigned bit);
bool permission_by_name(enum permission_kind kind, struct span name, uint32_t *bits);

struct access_policy {
    struct guid tenant_id;
    struct guid object_id;
    bool has_application_id;
    struct guid application_id;
    uint32_t permissions[PERMISSION_KIND_COUNT]; /* bits */
};
/* Does any entry grant this one bit (manageissuers grants the four issuer bits too)? tenant: the vault's; a principal
 * of another one gets nothing. Compound principals match only entries with both ids; entries with an application id
 * match only compound principals. */
bool policy_access_allows(const struct access_policy *entries, size_t count, const struct guid *tenant,
                          const struct principal *who, enum permission_kind kind, unsigned bit);

/* RBAC. */
struct role_assignment {
    struct guid principal_id;
    struct guid role_id; /* of a built-in role */
    const char *scope;   /* "/subscriptions/../resourceGroups/..", compared by segments without regard to case */
};
/* `action`: "Microsoft.KeyVault/vaults/write" (control) or "Microsoft.KeyVault/vaults/keys/sign/action" (data).
 * `scope`: the resource's own id; lists are asked at the vault's. A group of the principal counts as the principal.
 * Compound principals get nothing. That principal and vault are of one tenant is for the caller to see to: assignments
 * carry no tenant. policy_control_allows says no to changes of role assignments by whoever holds only a role that is
 * limited in what it assigns: ask policy_assignment_allows for those. */
bool policy_control_allows(const struct role_assignment *assignments, size_t count, const struct principal *who,
                           const char *action, const char *scope);
bool policy_data_allows(const struct role_assignment *assignments, size_t count, const struct principal *who,
                        const char *data_action, const char *scope);
/* May `who` write or delete (`action`) an assignment of `assigned_role` at `scope`? False for unknown roles. */
bool policy_assignment_allows(const struct role_assignment *assignments, size_t count, const struct principal *who,
                              const char *action, const char *scope, const struct guid *assigned_role);
/* "Microsoft.KeyVault/vaults/keys/sign/action" for KEY_PERMISSION_SIGN. */
const char *policy_key_data_action(enum key_permission permission);

/* Built-in roles. Lists end with NULL; a list that is NULL is empty. */
struct role {
    const char *id; /* a GUID's text */
    const char *name, *description;
    bool for_vaults;               /* one of the eight that a Data Access Administrator may assign */
    bool assigns_vault_roles_only; /* is that administrator: the condition of the documented role */
    const char *const *actions, *const *not_actions, *const *data_actions;
};
const struct role *role_table(size_t *count);
const struct role *role_by_id(const struct guid *role_id); /* NULL when unknown */
/* Name by id and id by name (any case); NULL / false when unknown. */
const char *role_name(const struct guid *role_id);
bool role_by_name(struct span name, struct guid *out);

/* Network rules (spec: management-plane.md 2.4). Rules are IPv4 or IPv6 addresses or CIDR texts, checked when stored.
 */
struct network_rules {
    bool public_access_disabled;
    bool deny_by_default;
    const char *const *ip_rules;
    size_t ip_rule_count;
};
bool policy_network_allows(const struct network_rules *rules, const char *address);
/* Is `text` an address or a CIDR that can be a rule? Private ranges are accepted: an appliance lives in them. */
bool network_rule_valid(struct span text);

#endif
