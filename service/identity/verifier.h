/* verifier.h - access tokens: is this one valid here, and whose is it? (THREATS.md 5.5; RFC 7519, 8725, 9068)
 * Issuer, audience, algorithm and keys come from our configuration; the token only selects among them. All failures
 * are one answer. Verified tokens are remembered by the SHA-256 of their text in a bounded cache. Thread-safe. */
#ifndef STRONGROOM_IDENTITY_VERIFIER_H
#define STRONGROOM_IDENTITY_VERIFIER_H

#include "firmware/base/bytes.h"
#include "service/policy/principal.h"

#define ACCESS_TOKEN_MAX (16u * 1024)

struct verifier;

struct verifier_config {
    const char *issuer;    /* exactly the `iss` of its tokens */
    const char *audience;  /* "https://vault.localhost:8443"; compared without a trailing slash */
    struct guid tenant_id; /* the `tid` they must carry */
    size_t cache_limit;    /* 0: 65536 */
    int64_t (*now)(void);  /* unix seconds; NULL: clock_unix_s */
};
/* Errors: ST_BAD_REQUEST the issuer is empty or above 255 bytes, or there is no audience; ST_NO_MEMORY. */
MUST_CHECK enum status verifier_new(const struct verifier_config *config, struct verifier **out);
void verifier_free(struct verifier *v);
/* Replace the issuer's keys by those of a JWK Set (RFC 7517, 5) and forget every cached token whose key is gone. Keys
 * that are not for verifying signatures, or of a type we do not know, are passed over. Until keys are set, no token is
 * valid. Errors (the old keys stay): ST_BAD_REQUEST not a JWK Set, or a key is unfit: RSA below 2048 bits or with an
 * even exponent or a factorable modulus, a point off its curve, private or symmetric bytes, no kid, a kid that comes
 * twice, more than 64 keys; ST_NO_MEMORY. */
MUST_CHECK enum status verifier_set_keys(struct verifier *v, struct span jwks);
/* `token`: what stands behind "Bearer ". Errors: ST_UNAUTHENTICATED whatever is wrong; ST_NO_MEMORY. */
MUST_CHECK enum status verifier_check(struct verifier *v, struct span token, struct principal *out);

#endif
