/* assertion.h - login by a certificate's key: a client assertion (RFC 7523, 2.2; OpenID Connect Core, 9,
 * private_key_jwt) as MSAL and azure-identity make them. Internal to service/identity. */
#ifndef STRONGROOM_IDENTITY_ASSERTION_H
#define STRONGROOM_IDENTITY_ASSERTION_H

#include "service/identity/application.h"
#include "service/identity/authority.h"
#include "service/identity/replay.h"

#define ASSERTION_LIFETIME_MAX_S (24 * 60 * 60)
#define ASSERTION_SKEW_S         60
#define ASSERTION_JTI_MAX        256

/* Is `text` signed by a registered key of `client_id`, for us, now, and not used up? Errors: ST_UNAUTHENTICATED;
 * ST_BUSY, ST_NO_MEMORY, ST_IO, ST_CORRUPT trouble of ours, not the client's. */
MUST_CHECK enum status assertion_check(const struct authority *a, struct store *store, struct replay *replay,
                                       struct span text, const struct guid *client_id, int64_t now,
                                       struct application *out);

#endif
