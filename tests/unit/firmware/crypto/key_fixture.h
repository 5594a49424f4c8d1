/* key_fixture.h - what the tests of keys share: attributes, pairs, and operations whose result is only a code. */
#ifndef STRONGROOM_TESTS_KEY_FIXTURE_H
#define STRONGROOM_TESTS_KEY_FIXTURE_H

#include <openssl/bn.h>
#include <openssl/evp.h>

#include "firmware/crypto/operation.h"
#include "firmware/crypto/transport.h"
#include "tests/unit/harness.h"

#define DER_P256   "06082a8648ce3d030107"
#define DER_P384   "06052b81040022"
#define DER_P521   "06052b81040023"
#define DER_K1     "06052b8104000a"
#define DER_ED     "06032b6570"
#define DER_X      "06032b656e"
#define SIGNED_MAX SIGNATURE_MAX

/* A suite's set-up: the generator runs on the machine's noise. entropy_fails(true) makes its source stuck. */
int entropy_set_up(void);
void entropy_fails(bool fails);

/* Hexadecimal into memory that the next 32 calls leave alone. */
struct span from_hex(const char *text);

void set(struct attributes *a, CK_ATTRIBUTE_TYPE type, struct span value);
void set_hex(struct attributes *a, CK_ATTRIBUTE_TYPE type, const char *value);
void set_ulong(struct attributes *a, CK_ATTRIBUTE_TYPE type, CK_ULONG value);
void set_number(struct attributes *a, CK_ATTRIBUTE_TYPE type, const BIGNUM *n);
/* Class and type; the rest is the caller's. */
struct attributes template_of(CK_OBJECT_CLASS class, CK_KEY_TYPE type);
struct attributes copy_of(const struct attributes *a);

struct pair {
    struct attributes public, private;
    struct key *verifier, *signer;
};
/* `spec`: CKA_EC_PARAMS as hexadecimal text, or NULL; `number`: MODULUS_BITS or PARAMETER_SET. Fatal on failure. */
struct pair pair_new(CK_MECHANISM_TYPE generation, const char *spec, CK_ULONG number);
void pair_free(struct pair *p);
struct key *load(const struct attributes *a);

/* Into memory of the fixture; *result is valid until the next call. */
CK_RV compute(enum operation_kind kind, const struct mechanism *m, struct key *key, struct span in,
              struct span *result);
CK_RV verify(const struct mechanism *m, struct key *key, struct span in, struct span signature);
/* Signs in parts of 1, 2, 3 ... bytes. */
CK_RV sign_in_parts(const struct mechanism *m, struct key *key, struct span in, struct span *result);
CK_RV verify_in_parts(const struct mechanism *m, struct key *key, struct span in, struct span signature);

#endif
