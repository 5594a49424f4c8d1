/* vault_admin.h - the life of vaults: made, changed, soft-deleted, recovered, purged (spec: management-plane.md 2.1 to
 * 2.3). Works on the management store alone, in the caller's thread, which may have to wait for the disk. Whether the
 * caller may is decided before.
 *
 * Every change is a conditional write over what it was decided on. A PUT that finds the vault changed underneath is
 * refused (ADMIN_FAULT_CONFLICT); a PATCH and a change of policies, which say only what differs, are done over again.
 */
#ifndef STRONGROOM_VAULT_VAULT_ADMIN_H
#define STRONGROOM_VAULT_VAULT_ADMIN_H

#include "service/vault/vault_change.h"

struct vault_admin {
    struct store *store;
    struct guid tenant_id;
    const char *location;
    int64_t (*now)(void); /* unix seconds; NULL: clock_unix_s */
};

/* Where a request says the vault is. Borrowed, any case. */
struct vault_place {
    struct guid subscription_id;
    struct span group, name;
};

/* Create, update or recover. `rbac_by_default`: of a new vault that does not say (api-versions from 2026-02-01). *out
 * is the vault as it is now, referenced. Recovering takes nothing else from the change. */
bool vault_put(const struct vault_admin *a, const struct vault_place *at, const struct vault_change *c,
               bool rbac_by_default, const struct principal *who, const struct vault **out, struct admin_fault *f);
bool vault_patch(const struct vault_admin *a, const struct vault_place *at, const struct vault_change *c,
                 const struct principal *who, const struct vault **out, struct admin_fault *f);
enum policies_change { POLICIES_ADD, POLICIES_REPLACE, POLICIES_REMOVE };
/* Add: permissions come on top of what the identity has. Replace: that identity's are these. Remove: these go, and an
 * identity left without any goes, too. */
bool vault_change_policies(const struct vault_admin *a, const struct vault_place *at, enum policies_change change,
                           const struct access_policy *entries, size_t count, const struct principal *who,
                           const struct vault **out, struct admin_fault *f);
/* Soft-delete, with its role assignments. *found: was there one? (Neither is an error.) */
bool vault_delete(const struct vault_admin *a, const struct vault_place *at, const struct principal *who, bool *found,
                  struct admin_fault *f);
/* Remove a soft-deleted vault for good. Its keys follow: vaultd watches. */
bool vault_purge(const struct vault_admin *a, const struct guid *subscription, struct span location, struct span name,
                 struct admin_fault *f);
/* Remove this deleted vault because its time has come, purge protection or not. ST_CONFLICT: it has changed since. */
MUST_CHECK enum status vault_purge_due(const struct vault_admin *a, const struct vault *v);
/* Is the name free? If not f->code says why: ADMIN_FAULT_VAULT_NAME or ADMIN_FAULT_VAULT_EXISTS. */
bool vault_name_free(const struct vault_admin *a, struct span name, struct admin_fault *f);

#endif
