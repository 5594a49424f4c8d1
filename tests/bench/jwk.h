/* jwk.h - public keys as the service tells them (RFC 7517; P-256 and RSA), for libcrypto. */
#ifndef STRONGROOM_BENCH_JWK_H
#define STRONGROOM_BENCH_JWK_H

#include <openssl/evp.h>

#include "service/json/json.h"

/* A member in base64url. */
bool jwk_member(const json_t *object, const char *name, struct bytes *out);
/* Caller frees; NULL when it is no such key. */
EVP_PKEY *jwk_public_key(const json_t *jwk);

#endif
