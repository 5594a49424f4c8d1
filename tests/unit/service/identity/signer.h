/* signer.h - an issuer for the tests: makes keys and signs tokens with OpenSSL directly, sharing no code with what is
 * tested but base64url; also signs what no decent issuer would. */
#ifndef STRONGROOM_TESTS_IDENTITY_SIGNER_H
#define STRONGROOM_TESTS_IDENTITY_SIGNER_H

#include <openssl/evp.h>

#include "service/identity/verifier.h"
#include "tests/unit/harness.h"

#define NOW      1700000000 /* what the tests' clock shows at first */
#define ISSUER   "https://login.localhost:8444/" TENANT "/v2.0"
#define AUDIENCE "https://vault.localhost:8443"
#define TENANT   "aaaaaaaa-0000-4000-8000-000000000001"
#define OBJECT   "bbbbbbbb-0000-4000-8000-000000000001"
#define CLIENT   "dddddddd-0000-4000-8000-000000000001"

/* Keys are made once and live as long as the program. */
enum signing_key { RSA_A, RSA_B, RSA_1024, P256_A, P256_B, P384_A, P521_A, SIGNING_KEY_COUNT };
EVP_PKEY *signer_key(enum signing_key key);
/* {"kty":..,"kid":..,<extra>} of the public half; `extra`: `"use":"sig"` or NULL. */
void signer_jwk(struct bytes *out, enum signing_key key, const char *kid, const char *extra);
/* {"keys":[..]} of RSA_A "rsa", P256_A "p256", P384_A "p384", P521_A "p521". */
void signer_jwks(struct bytes *out);

/* Sign `input` as JWS says for `alg` ("RS256", "PS512", "ES384"); the salt of PSS is `salt` bytes, -1: the digest's. */
void signer_sign(struct bytes *out, enum signing_key key, const char *alg, int salt, struct span input);
/* "<header>.<claims>" in base64url, of JSON texts. */
void signer_input(struct bytes *out, const char *header, const char *claims);
/* A whole token. */
void signer_token(struct bytes *out, enum signing_key key, const char *alg, const char *header, const char *claims);

/* The claims of a good token, with `name` given the JSON text `value` in place of its own (NULL: left out). */
const char *claims_with(const char *name, const char *value);
const char *claims_with_two(const char *name, const char *value, const char *name2, const char *value2);
/* A token with these claims, signed by RSA_A under the name "rsa". The text is valid until the next call. */
struct span good_token(const char *claims);

/* The tests' clock. */
extern int64_t test_now;
int64_t test_clock(void);

#endif
