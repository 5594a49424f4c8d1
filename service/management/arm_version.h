/* arm_version.h - the api-versions of the management plane (spec: management-plane.md 1; clients.md 5). Pure. */
#ifndef STRONGROOM_MANAGEMENT_ARM_VERSION_H
#define STRONGROOM_MANAGEMENT_ARM_VERSION_H

#include "firmware/base/bytes.h"

/* Whose: ARM's parts count their versions apart. */
enum arm_api { ARM_NONE, ARM_KEY_VAULT, ARM_RESOURCES, ARM_AUTHORIZATION, ARM_API_COUNT };

/* One of the list, or a well-formed newer one: each release of an SDK asks for a newer version, and what we answer
 * stays understood (clients.md 17). */
bool arm_version_known(enum arm_api api, struct span version);
/* The list, newest first, ended by NULL. */
const char *const *arm_versions(enum arm_api api);
/* Do new vaults of this version use RBAC when they do not say? */
bool arm_version_rbac_default(struct span version);

#endif
