/* vault_reaper.h - purges soft-deleted vaults whose retention is over (spec: management-plane.md 2.3). A thread of its
 * own, which looks once in a while. Each purge is in the audit before it happens; without audit nothing is purged. */
#ifndef STRONGROOM_MANAGEMENT_VAULT_REAPER_H
#define STRONGROOM_MANAGEMENT_VAULT_REAPER_H

#include "service/audit/audit.h"
#include "service/vault/vault_admin.h"

#define VAULT_REAPER_PERIOD_MS 60000

struct vault_reaper;

/* Looks at once, then each `period_ms`. `admin`, `catalog` and `audit` outlive it. Errors: ST_NO_MEMORY;
 * ST_UNAVAILABLE no thread. */
MUST_CHECK enum status vault_reaper_start(const struct vault_admin *admin, struct catalog *catalog, struct audit *audit,
                                          unsigned period_ms, struct vault_reaper **out);
void vault_reaper_stop(struct vault_reaper *r); /* NULL does nothing */

#endif
