/* authority_internal.h - what the files of the authority share. Internal to service/identity. */
#ifndef STRONGROOM_IDENTITY_AUTHORITY_INTERNAL_H
#define STRONGROOM_IDENTITY_AUTHORITY_INTERNAL_H

#include "service/identity/authority.h"
#include "service/identity/replay.h"
#include "service/identity/throttle.h"

#define AUTHORITY_KID_LEN 43 /* base64url of a SHA-256 */

struct authority {
    char *base_url, *issuer;
    struct guid tenant_id;
    char **resources; /* NULL-terminated */
    unsigned lifetime_s;
    struct store *store;
    struct token *token;
    int64_t (*now)(void);
    EVP_PKEY *public_key; /* of TOKEN_LABEL_AUTHORITY */
    char kid[AUTHORITY_KID_LEN + 1];
    struct bytes jwks;
    struct throttle *throttle;
    struct replay *replay;
};

/* Is `url` one of ours to POST token requests to: either version, any spelling of the tenant, with or without a query?
 */
bool authority_is_token_endpoint(const struct authority *a, struct span url);

#endif
