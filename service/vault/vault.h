/* vault.h - making snapshots of vaults: for the catalog, which publishes them, and for vault_admin, which changes them.
 * A struct vault (catalog.h) may be written by whoever made it until somebody else can see it. */
#ifndef STRONGROOM_VAULT_VAULT_H
#define STRONGROOM_VAULT_VAULT_H

#include "service/vault/catalog.h"

#define VAULT_NAME_MIN       3
#define VAULT_NAME_MAX       24
#define VAULT_POLICIES_MAX   1024
#define VAULT_IP_RULES_MAX   1000
#define VAULT_NETWORKS_MAX   400
#define VAULT_NETWORK_ID_MAX 1024
#define VAULT_TAGS_JSON_MAX  (48u * 1024)
#define VAULT_RETENTION_MIN  7
#define VAULT_RETENTION_MAX  90

/* 3..24 letters, digits and hyphens; begins with a letter, ends with a letter or digit, no two hyphens in a row. */
bool vault_name_valid(struct span name);

/* Empty, with one reference. NULL when out of memory. */
struct vault *vault_new(void);
const struct vault *vault_ref(const struct vault *v);

/* Each replaces what was there by a copy. Errors: ST_NO_MEMORY. */
MUST_CHECK enum status vault_set_tags(struct vault *v, const char *tags_json);
MUST_CHECK enum status vault_set_policies(struct vault *v, const struct access_policy *policies, size_t count);
/* The texts become the vault's own; network_json is written anew from all of them and from the flags. */
MUST_CHECK enum status vault_set_ip_rules(struct vault *v, const struct span *rules, size_t count);
MUST_CHECK enum status vault_add_virtual_network(struct vault *v, struct span id, bool ignore_missing_endpoint);
void vault_clear_virtual_networks(struct vault *v);
/* Once subscription, group and name, and everything about networks is set: resource_id and network_json. */
MUST_CHECK enum status vault_complete(struct vault *v);

/* Records. Errors: ST_NO_MEMORY; (unpack) ST_CORRUPT. */
MUST_CHECK enum status vault_pack(const struct vault *v, struct bytes *out);
MUST_CHECK enum status vault_unpack(struct span record, uint64_t revision, struct vault **out);

#endif
