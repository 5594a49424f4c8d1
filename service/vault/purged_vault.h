/* purged_vault.h - the mark that a purged vault leaves in the management store: managementd writes it in the commit
 * that removes the vault, vaultd reads it and removes the vault's keys. */
#ifndef STRONGROOM_VAULT_PURGED_VAULT_H
#define STRONGROOM_VAULT_PURGED_VAULT_H

#include "firmware/base/guid.h"

#define PURGED_VAULT_PREFIX "purgedvault/"

void purged_vault_path(struct bytes *out, const struct guid *vault_id);
MUST_CHECK enum status purged_vault_pack(int64_t purged_at, struct bytes *out);
/* The vault of such a path. Errors: ST_CORRUPT. */
MUST_CHECK enum status purged_vault_id(struct span path, struct guid *out);

#endif
