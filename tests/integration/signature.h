/* signature.h - a client's own look at what a vault answers: public keys and signatures, checked by libcrypto. */
#ifndef STRONGROOM_TESTS_INTEGRATION_SIGNATURE_H
#define STRONGROOM_TESTS_INTEGRATION_SIGNATURE_H

#include <jansson.h>
#include <openssl/evp.h>

#include "firmware/base/bytes.h"

/* The public key of a JSON Web Key (RFC 7518, 6: EC or RSA). Caller frees; NULL when it is none. */
EVP_PKEY *jwk_public_key(const json_t *jwk);

/* Is `signature` (base64url; ECDSA as r || s) one of `digest` (raw) by this key? `hash` is "SHA256" and so on; `pss`:
 * RSASSA-PSS with the salt as long as the hash, else PKCS#1 v1.5. */
bool signature_good(EVP_PKEY *key, const char *hash, bool pss, struct span digest, const char *signature);

/* SHA-256 of a text as base64url: what a client sends to be signed. Caller frees. */
char *sha256_base64url(const char *text, uint8_t digest[32]);

#endif
