/* public_key.h - work that needs only a public key: verify, encrypt. Done by libcrypto in the caller's thread. */
#ifndef STRONGROOM_VAULT_PUBLIC_KEY_H
#define STRONGROOM_VAULT_PUBLIC_KEY_H

#include "service/vault/key.h"

/* Is `signature` (RSA: k bytes; ECDSA: raw r || s of fixed width) right for `digest`? *ok is the answer; a malformed
 * signature is simply wrong. Errors: ST_CORRUPT; ST_NO_MEMORY; ST_INTERNAL. */
MUST_CHECK enum status public_key_verify(const struct key_version *v, enum token_alg alg, struct span digest,
                                         struct span signature, bool *ok);
/* RSA1_5, RSA-OAEP, RSA-OAEP-256 (RFC 8017, 7). Errors: ST_BAD_REQUEST the plaintext is too long. */
MUST_CHECK enum status public_key_encrypt(const struct key_version *v, enum token_alg alg, struct span plaintext,
                                          struct bytes *out);

/* The members of a JSON Web Key (RFC 7518, 6.2 and 6.3): n and e, or x and y of fixed width. */
struct public_jwk {
    struct bytes first, second; /* n, e; x, y */
};
MUST_CHECK enum status public_key_jwk(const struct key_version *v, struct public_jwk *out);
void public_jwk_clear(struct public_jwk *j);

#endif
