/* vault_change.h - what a caller wants a vault to be: a PUT's or PATCH's body without its JSON. What was not said is
 * told apart from every value. */
#ifndef STRONGROOM_VAULT_VAULT_CHANGE_H
#define STRONGROOM_VAULT_VAULT_CHANGE_H

#include "service/policy/policy.h"
#include "service/vault/admin_fault.h"
#include "service/vault/catalog.h"

enum said { UNSAID = 0, SAID_NO, SAID_YES };
enum public_access { PUBLIC_ACCESS_UNSAID = 0, PUBLIC_ACCESS_ENABLED, PUBLIC_ACCESS_DISABLED, PUBLIC_ACCESS_PERIMETER };

struct vault_change {
    struct span location; /* p == NULL: unsaid; spans borrow from the body */
    bool has_tenant;
    struct guid tenant_id;
    bool has_sku, premium;
    enum said for_deployment, for_disk_encryption, for_template_deployment;
    enum said soft_delete, purge_protection, rbac;
    bool has_retention;
    int64_t retention_days;
    bool recover; /* createMode */
    enum public_access public_access;

    bool has_network; /* networkAcls; of its members, too, those not said keep their value */
    enum said network_bypass_azure, network_deny;
    bool has_ip_rules, has_virtual_networks;
    struct span *ip_rules; /* owned array */
    size_t ip_rule_count;
    struct virtual_network_rule *virtual_networks; /* owned, with their texts */
    size_t virtual_network_count;

    bool has_policies;
    struct access_policy *policies; /* owned */
    size_t policy_count;
    char *tags_json; /* owned; NULL: unsaid */
};

void vault_change_clear(struct vault_change *c);
/* The rules that need no vault: tenant, location, lists and their lengths, retention, what may only be switched on. */
bool vault_change_valid(const struct vault_change *c, const struct guid *tenant, const char *location,
                        struct admin_fault *f);
/* Lists of access policies: of this tenant, at most 1024, each (objectId, applicationId) once. */
bool vault_policies_valid(const struct access_policy *policies, size_t count, const struct guid *tenant,
                          struct admin_fault *f);
/* Put into `v` what was said. The caller has checked what may change. Errors: ST_NO_MEMORY. */
MUST_CHECK enum status vault_change_apply(const struct vault_change *c, struct vault *v);
/* "West US" and "westus" are one place. */
bool location_equal(struct span a, const char *b);

#endif
