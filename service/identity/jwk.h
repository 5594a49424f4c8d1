/* jwk.h - public keys that verify signatures (RFC 7517, RFC 7518 6), and sets of them. Internal to service/identity.
 * A key knows the algorithms it may be used with; a signature never chooses (RFC 8725, 3.1). */
#ifndef STRONGROOM_IDENTITY_JWK_H
#define STRONGROOM_IDENTITY_JWK_H

#include <cjose/cjose.h>
#include <openssl/evp.h>
#include <stdatomic.h>

#include "service/json/json.h"

#define JWK_KID_MAX       128
#define JWK_SET_MAX       64
#define JWK_SET_TEXT_MAX  (64u * 1024)
#define JWK_SIGNATURE_MAX 1024 /* bytes, of the largest RSA key we take (8192 bits) */
#define JWK_ID_LEN        32

/* In the order of the table in jwk.c. There is no "none" and no HMAC here, so neither can be asked for. */
enum jws_alg {
    JWS_ALG_UNKNOWN = 0,
    JWS_RS256,
    JWS_RS384,
    JWS_RS512,
    JWS_PS256,
    JWS_PS384,
    JWS_PS512,
    JWS_ES256,
    JWS_ES384,
    JWS_ES512,
    JWS_ALG_COUNT
};
/* By its exact name (RFC 7518, 3.1); JWS_ALG_UNKNOWN for every other text. */
enum jws_alg jws_alg_by_name(struct span name);

struct jwk {
    char kid[JWK_KID_MAX + 1];
    unsigned algs;          /* bits of enum jws_alg */
    size_t signature_len;   /* bytes, exactly: of the modulus, or r and s at full length */
    uint8_t id[JWK_ID_LEN]; /* of kid, algorithms and key: the same only when all three are */
    cjose_jwk_t *key;
};

/* May this be a key's name: 1 to 128 letters, digits and -_.:=+~@ without ".."? (THREATS.md 5.5) */
bool jwk_kid_valid(struct span kid);
/* One key. `named`: it must have a kid. Errors, *out being cleared: ST_UNSUPPORTED it is not for verifying signatures
 * (`use`, `key_ops`), or of a type we do not know: RFC 7517, 5 says ignore; ST_BAD_REQUEST it is unfit: RSA below 2048
 * or above 8192 bits, an even or too small exponent, a factorable modulus (ROCA), a point off its curve, a wrong
 * length, private or symmetric key bytes, an algorithm of another type; ST_NO_MEMORY. */
MUST_CHECK enum status jwk_from_json(const json_t *object, bool named, struct jwk *out);
void jwk_clear(struct jwk *k);
/* The required members of a public key in the order of RFC 7638, 3, as one line: what a thumbprint is taken of, and
 * what jwk_from_json reads. Errors: ST_UNSUPPORTED neither RSA nor a NIST curve; ST_NO_MEMORY. */
MUST_CHECK enum status jwk_canonical(EVP_PKEY *public_key, struct bytes *out);

/* A set, shared by reference. */
struct jwk_set {
    atomic_uint references;
    size_t count;
    struct jwk keys[];
};
/* Errors: ST_BAD_REQUEST not a JWK Set, an unfit key, a kid that comes twice, more than 64 keys; ST_NO_MEMORY. */
MUST_CHECK enum status jwk_set_parse(struct span text, struct jwk_set **out);
struct jwk_set *jwk_set_ref(struct jwk_set *s);
void jwk_set_unref(struct jwk_set *s); /* NULL does nothing */
/* NULL when there is none. */
const struct jwk *jwk_set_find(const struct jwk_set *s, struct span kid);
bool jwk_set_has_id(const struct jwk_set *s, const uint8_t id[JWK_ID_LEN]);

#endif
