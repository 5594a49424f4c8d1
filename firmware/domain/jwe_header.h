/* jwe_header.h - the protected header of a JWE (RFC 7516, 4), as this folder needs it: `enc` is A256CBC-HS512, always.
 * Pure; thread-safe. */
#ifndef STRONGROOM_DOMAIN_JWE_HEADER_H
#define STRONGROOM_DOMAIN_JWE_HEADER_H

#include "firmware/base/bytes.h"

#define JWE_HEADER_MAX         512 /* base64url */
#define JWE_HEADER_MEMBERS_MAX 8
#define JWE_ALG_RSA            "RSA-OAEP-256"
#define JWE_ALG_DIRECT         "dir"

/* Append the header, base64url. `kid` is of printable ASCII without quotes and backslashes. */
void jwe_header_write(struct bytes *out, const char *alg, const char *kid);
/* Does this header (base64url) say just this `alg` and A256CBC-HS512? It must be one object of texts of printable ASCII
 * without escapes, no name twice, in any order, with whatever white space. Members that mean nothing to us are passed
 * over; `zip` and `crit` would change what the ciphertext means, and are refused. */
bool jwe_header_says(struct span encoded, const char *alg);

#endif
