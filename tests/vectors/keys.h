/* keys.h - the keys of the vectors as session objects of the token. Each asks for the uses it is put to and no more. */
#ifndef STRONGROOM_TESTS_VECTORS_KEYS_H
#define STRONGROOM_TESTS_VECTORS_KEYS_H

#include "tests/vectors/work.h"

enum key_use {
    USE_ENCRYPT = 1,
    USE_DECRYPT = 2,
    USE_SIGN = 4,
    USE_VERIFY = 8,
    USE_DERIVE = 16,
    USE_WRAP = 32,
    USE_UNWRAP = 64,
    USE_EXTRACTABLE = 128
};

struct curve {
    const char *names[3]; /* SEC's, NIST's, JOSE's or ACVP's */
    CK_KEY_TYPE type;
    CK_MECHANISM_TYPE generation;
    uint8_t oid[10]; /* DER */
    uint8_t oid_len;
    uint8_t len; /* of a coordinate and of a scalar */
};

/* NULL: unknown. */
const struct curve *curve_find(const char *name);
/* Does the token make keys on it? Asked by making one, once for each curve. */
bool curve_offered(struct token *t, const struct curve *c);

CK_RV key_secret(struct token *t, CK_KEY_TYPE type, struct span value, unsigned use, CK_OBJECT_HANDLE *out);
/* `point` as the vectors have it, without the OCTET STRING of CKA_EC_POINT. */
CK_RV key_ec_public(struct token *t, const struct curve *c, struct span point, CK_OBJECT_HANDLE *out);
CK_RV key_ec_private(struct token *t, const struct curve *c, struct span value, CK_OBJECT_HANDLE *out);
CK_RV key_rsa_public(struct token *t, struct span modulus, struct span exponent, CK_OBJECT_HANDLE *out);
/* From PKCS#8, by libcrypto's decoder. */
CK_RV key_rsa_private(struct token *t, struct span pkcs8, unsigned use, CK_OBJECT_HANDLE *out);
/* ML-DSA, ML-KEM: `value` or `seed` may be empty. */
CK_RV key_pqc_public(struct token *t, CK_KEY_TYPE type, CK_ULONG set, struct span value, CK_OBJECT_HANDLE *out);
CK_RV key_pqc_private(struct token *t, CK_KEY_TYPE type, CK_ULONG set, struct span seed, struct span value,
                      CK_OBJECT_HANDLE *out);

#endif
