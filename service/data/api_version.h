/* api_version.h - the `api-version` values of the data plane (spec: data-plane-keys.md 1). */
#ifndef STRONGROOM_DATA_API_VERSION_H
#define STRONGROOM_DATA_API_VERSION_H

#include "firmware/base/bytes.h"

#define API_VERSION_NEWEST "2026-04-01"

/* A listed version, or a later date than the newest, stable or preview: each new SDK sends one, and nothing else
 * changes. */
bool api_version_known(struct span version);

/* Is it one in which keys are attested: 7.6 or later? */
bool api_version_has_attestation(struct span version);

#endif
