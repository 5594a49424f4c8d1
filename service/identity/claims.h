/* claims.h - what an access token of ours must say, and what it says of its bearer. Internal to service/identity.
 * To be asked only after the signature was verified. */
#ifndef STRONGROOM_IDENTITY_CLAIMS_H
#define STRONGROOM_IDENTITY_CLAIMS_H

#include "service/json/json.h"
#include "service/policy/principal.h"

#define CLAIMS_LIFETIME_MAX_S (30 * 60 * 60) /* THREATS.md 5.5 */
#define CLAIMS_SKEW_S         60             /* clocks of two machines; for `nbf` and `iat` only */
#define CLAIMS_AUDIENCES_MAX  16

struct claims_rules {
    struct span issuer;   /* exactly */
    struct span audience; /* without a slash at its end */
    struct guid tenant_id;
    int64_t now; /* unix seconds */
};
/* Errors: ST_UNAUTHENTICATED. */
MUST_CHECK enum status claims_check(const json_t *claims, const struct claims_rules *rules, struct principal *out);

/* `text` without one slash at its end: how audiences and resources are compared. */
struct span without_slash(struct span text);

#endif
