/* Key generation of every type the token offers: what comes out is such a key, and works. */
#include <string.h>

#include "tests/conformance/keys.h"
#include "tests/conformance/oracle.h"
#include "tests/conformance/suites.h"

static const char text[] = "signed by a fresh key";

static const unsigned rsa_bits[] = { 2048, 3072, 4096 };

static void rsa_pair(const void *row)
{
    const unsigned *bits = row;
    struct pair p = { 0 };
    CK_BYTE sig[1024], e[8];
    CK_ULONG len = sizeof sig;
    EVP_PKEY *key;

    if (!OFFERED(CKM_RSA_PKCS_KEY_PAIR_GEN, CKF_GENERATE_KEY_PAIR))
        return;
    REQUIRE_OK(keys_rsa(S, *bits, JOB_SIGN, &p));
    CHECK(client_number(S, p.public_key, CKA_MODULUS_BITS) == *bits);
    CHECK(client_attribute(S, p.public_key, CKA_PUBLIC_EXPONENT, e, sizeof e) == 3);
    key = oracle_public(S, p.public_key);
    REQUIRE(key != NULL);
    CHECK(EVP_PKEY_get_bits(key) == (int)*bits);
    CHECK_OK(keys_sign(S, MECHANISM(CKM_SHA256_RSA_PKCS), p.private_key, text, sizeof text, sig, &len));
    CHECK(oracle_verify(key, &(struct oracle_signature){ .scheme = SCHEME_PKCS1, .hash = "SHA256" }, text, sizeof text,
                        sig, len));
    EVP_PKEY_free(key);
}

static const char *const curves[] = { "P-256", "P-384", "P-521", "secp256k1" };

static void ec_pair(const void *row)
{
    const char *curve = row;
    struct pair p = { 0 };
    CK_BYTE sig[256], digest[32] = { 1 };
    CK_ULONG len = sizeof sig;
    EVP_PKEY *key;

    REQUIRE_OK(keys_ec(S, curve, JOB_SIGN, &p));
    key = oracle_public(S, p.public_key);
    REQUIRE(key != NULL);
    CHECK_OK(keys_sign(S, MECHANISM(CKM_ECDSA), p.private_key, digest, sizeof digest, sig, &len));
    CHECK(oracle_verify(key, &(struct oracle_signature){ .scheme = SCHEME_ECDSA }, digest, sizeof digest, sig, len));
    EVP_PKEY_free(key);
}

static void edwards_pair(const void *row)
{
    struct pair p = { 0 };
    CK_BYTE sig[64];
    CK_ULONG len = sizeof sig;
    EVP_PKEY *key;

    (void)row;
    if (!OFFERED(CKM_EC_EDWARDS_KEY_PAIR_GEN, CKF_GENERATE_KEY_PAIR))
        return;
    REQUIRE_OK(keys_ec(S, "Ed25519", JOB_SIGN, &p));
    key = oracle_public(S, p.public_key);
    REQUIRE(key != NULL);
    CHECK_OK(keys_sign(S, MECHANISM(CKM_EDDSA), p.private_key, text, sizeof text, sig, &len));
    CHECK(oracle_verify(key, &(struct oracle_signature){ .scheme = SCHEME_EDDSA }, text, sizeof text, sig, len));
    EVP_PKEY_free(key);
}

static void montgomery_pair(const void *row)
{
    struct pair p = { 0 };
    EVP_PKEY *key;

    (void)row;
    if (!OFFERED(CKM_EC_MONTGOMERY_KEY_PAIR_GEN, CKF_GENERATE_KEY_PAIR))
        return;
    REQUIRE_OK(keys_ec(S, "X25519", JOB_DERIVE, &p));
    key = oracle_public(S, p.public_key);
    CHECK(key != NULL);
    EVP_PKEY_free(key);
}

static const CK_ULONG aes_lengths[] = { 16, 24, 32 };

static void aes_key(const void *row)
{
    const CK_ULONG *len = row;
    CK_OBJECT_HANDLE one = 0, other = 0;
    CK_BYTE iv[16] = { 0 }, in[16] = { 0 }, out[2][16];
    CK_ULONG n = 16;

    REQUIRE_OK(keys_aes(S, *len, RIGHTS_ENCRYPT, false, &one));
    REQUIRE_OK(keys_aes(S, *len, RIGHTS_ENCRYPT, false, &other));
    CHECK(client_number(S, one, CKA_VALUE_LEN) == *len);
    CHECK_OK(keys_encrypt(S, MECHANISM_WITH(CKM_AES_CBC, iv, 16), one, in, 16, out[0], &n));
    n = 16;
    CHECK_OK(keys_encrypt(S, MECHANISM_WITH(CKM_AES_CBC, iv, 16), other, in, 16, out[1], &n));
    CHECK(memcmp(out[0], out[1], 16) != 0); /* two keys, not one */
}

static void aes_of_wrong_length(const void *row)
{
    static const CK_ULONG wrong[] = { 0, 1, 15, 17, 33, 64, 1 << 20, (CK_ULONG)-1 };
    CK_OBJECT_HANDLE o = 0;

    (void)row;
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        CHECK_ONE(keys_aes(S, wrong[i], RIGHTS_ENCRYPT, false, &o), CKR_ATTRIBUTE_VALUE_INVALID, CKR_KEY_SIZE_RANGE,
                  CKR_TEMPLATE_INCONSISTENT, wrong[i] == 0 ? CKR_TEMPLATE_INCOMPLETE : CKR_KEY_SIZE_RANGE);
    CHECK_RV(F->C_GenerateKey(S, MECHANISM(CKM_AES_KEY_GEN), TEMPLATE(NO(CKA_TOKEN)), &o), CKR_TEMPLATE_INCOMPLETE);
}

static const CK_ULONG secret_lengths[] = { 16, 20, 32, 48, 64, 128 };

static void generic_secret(const void *row)
{
    const CK_ULONG *len = row;
    CK_OBJECT_HANDLE o = 0;

    REQUIRE_OK(F->C_GenerateKey(S, MECHANISM(CKM_GENERIC_SECRET_KEY_GEN),
                                TEMPLATE(NUMBER(CKA_VALUE_LEN, *len), NO(CKA_TOKEN), YES(CKA_SIGN), YES(CKA_SENSITIVE)),
                                &o));
    CHECK(client_number(S, o, CKA_VALUE_LEN) == *len);
    CHECK(client_number(S, o, CKA_KEY_TYPE) == CKK_GENERIC_SECRET);
}

static void generic_of_wrong_length(const void *row)
{
    static const CK_ULONG wrong[] = { 0, 1 << 24, (CK_ULONG)-1 };
    CK_OBJECT_HANDLE o = 0;

    (void)row;
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        CHECK_ONE(F->C_GenerateKey(S, MECHANISM(CKM_GENERIC_SECRET_KEY_GEN),
                                   TEMPLATE(NUMBER(CKA_VALUE_LEN, wrong[i]), NO(CKA_TOKEN), YES(CKA_SIGN)), &o),
                  CKR_ATTRIBUTE_VALUE_INVALID, CKR_KEY_SIZE_RANGE, CKR_TEMPLATE_INCONSISTENT, CKR_TEMPLATE_INCOMPLETE);
}

static void rsa_of_wrong_size(const void *row)
{
    static const CK_ULONG wrong[] = { 0, 512, 1024, 2047, 2049, 65536, (CK_ULONG)-1 };
    struct pair p;

    (void)row;
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        CHECK_ONE(keys_rsa(S, wrong[i], JOB_SIGN, &p), CKR_KEY_SIZE_RANGE, CKR_ATTRIBUTE_VALUE_INVALID,
                  CKR_TEMPLATE_INCONSISTENT, wrong[i] == 0 ? CKR_TEMPLATE_INCOMPLETE : CKR_KEY_SIZE_RANGE);
}

static void rsa_of_wrong_exponent(const void *row)
{
    static const CK_BYTE one[] = { 1 }, even[] = { 1, 0, 0 }, three[] = { 3 };
    static const struct {
        const CK_BYTE *e;
        CK_ULONG len;
    } wrong[] = { { one, 1 }, { even, 3 }, { three, 1 }, { one, 0 } };
    CK_OBJECT_HANDLE a = 0, b = 0;

    (void)row;
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        CHECK_ONE(F->C_GenerateKeyPair(S, MECHANISM(CKM_RSA_PKCS_KEY_PAIR_GEN),
                                       TEMPLATE(NUMBER(CKA_MODULUS_BITS, 2048), NO(CKA_TOKEN),
                                                BYTES(CKA_PUBLIC_EXPONENT, wrong[i].e, wrong[i].len)),
                                       TEMPLATE(NO(CKA_TOKEN)), &a, &b),
                  CKR_ATTRIBUTE_VALUE_INVALID, CKR_TEMPLATE_INCONSISTENT);
}

static void rsa_without_size(const void *row)
{
    CK_OBJECT_HANDLE a = 0, b = 0;

    (void)row;
    CHECK_RV(F->C_GenerateKeyPair(S, MECHANISM(CKM_RSA_PKCS_KEY_PAIR_GEN), TEMPLATE(NO(CKA_TOKEN)),
                                  TEMPLATE(NO(CKA_TOKEN)), &a, &b),
             CKR_TEMPLATE_INCOMPLETE);
}

static void rsa_default_exponent(const void *row)
{
    CK_OBJECT_HANDLE a = 0, b = 0;
    CK_BYTE e[8] = { 0 };

    (void)row;
    REQUIRE_OK(F->C_GenerateKeyPair(S, MECHANISM(CKM_RSA_PKCS_KEY_PAIR_GEN),
                                    TEMPLATE(NUMBER(CKA_MODULUS_BITS, 2048), NO(CKA_TOKEN)), TEMPLATE(NO(CKA_TOKEN)),
                                    &a, &b));
    CHECK(client_attribute(S, a, CKA_PUBLIC_EXPONENT, e, sizeof e) == 3 && e[0] == 1 && e[1] == 0 && e[2] == 1);
}

static void ec_without_curve(const void *row)
{
    CK_OBJECT_HANDLE a = 0, b = 0;

    (void)row;
    CHECK_RV(F->C_GenerateKeyPair(S, MECHANISM(CKM_EC_KEY_PAIR_GEN), TEMPLATE(NO(CKA_TOKEN)), TEMPLATE(NO(CKA_TOKEN)),
                                  &a, &b),
             CKR_TEMPLATE_INCOMPLETE);
}

static void ec_of_unknown_curve(const void *row)
{
    static const CK_BYTE garbage[] = { 0x06, 0x03, 0x2a, 0x03 };
    CK_OBJECT_HANDLE a = 0, b = 0;

    (void)row;
    CHECK_ONE(F->C_GenerateKeyPair(S, MECHANISM(CKM_EC_KEY_PAIR_GEN), TEMPLATE(CURVE("secp160r1"), NO(CKA_TOKEN)),
                                   TEMPLATE(NO(CKA_TOKEN)), &a, &b),
              CKR_CURVE_NOT_SUPPORTED, CKR_ATTRIBUTE_VALUE_INVALID, CKR_DOMAIN_PARAMS_INVALID,
              CKR_TEMPLATE_INCONSISTENT);
    CHECK_ONE(F->C_GenerateKeyPair(S, MECHANISM(CKM_EC_KEY_PAIR_GEN),
                                   TEMPLATE(BYTES(CKA_EC_PARAMS, garbage, sizeof garbage), NO(CKA_TOKEN)),
                                   TEMPLATE(NO(CKA_TOKEN)), &a, &b),
              CKR_CURVE_NOT_SUPPORTED, CKR_ATTRIBUTE_VALUE_INVALID, CKR_DOMAIN_PARAMS_INVALID,
              CKR_TEMPLATE_INCONSISTENT);
}

static void wrong_mechanism(const void *row)
{
    CK_OBJECT_HANDLE a = 0, b = 0;

    (void)row;
    CHECK_RV(F->C_GenerateKey(S, MECHANISM(CKM_SHA256), TEMPLATE(NUMBER(CKA_VALUE_LEN, 32)), &a),
             CKR_MECHANISM_INVALID);
    CHECK_RV(F->C_GenerateKey(S, MECHANISM(CKM_RSA_PKCS_KEY_PAIR_GEN), TEMPLATE(NUMBER(CKA_VALUE_LEN, 32)), &a),
             CKR_MECHANISM_INVALID);
    CHECK_RV(
        F->C_GenerateKeyPair(S, MECHANISM(CKM_AES_KEY_GEN), TEMPLATE(NO(CKA_TOKEN)), TEMPLATE(NO(CKA_TOKEN)), &a, &b),
        CKR_MECHANISM_INVALID);
    CHECK_RV(F->C_GenerateKey(S, MECHANISM(CKM_VENDOR_DEFINED | 0x999), TEMPLATE(NUMBER(CKA_VALUE_LEN, 32)), &a),
             CKR_MECHANISM_INVALID);
}

static void wrong_class_or_type(const void *row)
{
    CK_OBJECT_HANDLE a = 0, b = 0;

    (void)row;
    CHECK_ONE(F->C_GenerateKey(S, MECHANISM(CKM_AES_KEY_GEN),
                               TEMPLATE(NUMBER(CKA_VALUE_LEN, 32), NUMBER(CKA_CLASS, CKO_DATA)), &a),
              CKR_TEMPLATE_INCONSISTENT, CKR_ATTRIBUTE_VALUE_INVALID, CKR_ATTRIBUTE_READ_ONLY);
    CHECK_ONE(F->C_GenerateKey(S, MECHANISM(CKM_AES_KEY_GEN),
                               TEMPLATE(NUMBER(CKA_VALUE_LEN, 32), NUMBER(CKA_KEY_TYPE, CKK_DES3)), &a),
              CKR_TEMPLATE_INCONSISTENT, CKR_ATTRIBUTE_VALUE_INVALID, CKR_ATTRIBUTE_READ_ONLY);
    CHECK_ONE(F->C_GenerateKeyPair(S, MECHANISM(CKM_EC_KEY_PAIR_GEN),
                                   TEMPLATE(CURVE("P-256"), NUMBER(CKA_KEY_TYPE, CKK_RSA)), TEMPLATE(NO(CKA_TOKEN)), &a,
                                   &b),
              CKR_TEMPLATE_INCONSISTENT, CKR_ATTRIBUTE_VALUE_INVALID, CKR_ATTRIBUTE_READ_ONLY);
}

static void nothing_left_after_failure(const void *row)
{
    CK_ATTRIBUTE mine[] = { TEXT(CKA_LABEL, "half a pair") };
    CK_OBJECT_HANDLE a = 0, b = 0;
    CK_ULONG count = 9;

    (void)row;
    CHECK(F->C_GenerateKeyPair(S, MECHANISM(CKM_EC_KEY_PAIR_GEN), TEMPLATE(CURVE("P-256"), YES(CKA_TOKEN), mine[0]),
                               TEMPLATE(YES(CKA_TOKEN), mine[0], NUMBER(CKA_CLASS, CKO_DATA)), &a, &b) != CKR_OK);
    CHECK_OK(client_count(S, mine, 1, &count));
    CHECK(count == 0);
    client_clean(S);
}

static const struct test_case cases[] = {
    { "Ed25519", LEVEL_USER, edwards_pair, 0 },
    { "X25519", LEVEL_USER, montgomery_pair, 0 },
    { "AES of wrong lengths", LEVEL_USER, aes_of_wrong_length, 0 },
    { "generic secrets of wrong lengths", LEVEL_USER, generic_of_wrong_length, 0 },
    { "RSA of wrong sizes", LEVEL_USER, rsa_of_wrong_size, 0 },
    { "RSA with wrong exponents", LEVEL_USER, rsa_of_wrong_exponent, 0 },
    { "RSA without a size", LEVEL_USER, rsa_without_size, 0 },
    { "RSA without an exponent", LEVEL_USER, rsa_default_exponent, 0 },
    { "EC without a curve", LEVEL_USER, ec_without_curve, 0 },
    { "EC on an unknown curve", LEVEL_USER, ec_of_unknown_curve, 0 },
    { "mechanisms that generate nothing, or something else", LEVEL_USER, wrong_mechanism, 0 },
    { "a class or key type of another kind", LEVEL_USER, wrong_class_or_type, 0 },
    { "a failed pair leaves nothing", LEVEL_USER, nothing_left_after_failure, 0 },
};

void suite_generate(struct suite *s)
{
    for (size_t i = 0; i < COUNT_OF(rsa_bits); i++)
        suite_row(s, LEVEL_USER, rsa_pair, &rsa_bits[i], "RSA of %u bits", rsa_bits[i]);
    for (size_t i = 0; i < COUNT_OF(curves); i++)
        suite_row(s, LEVEL_USER, ec_pair, curves[i], "%s", curves[i]);
    for (size_t i = 0; i < COUNT_OF(aes_lengths); i++)
        suite_row(s, LEVEL_USER, aes_key, &aes_lengths[i], "AES of %lu bytes", aes_lengths[i]);
    for (size_t i = 0; i < COUNT_OF(secret_lengths); i++)
        suite_row(s, LEVEL_USER, generic_secret, &secret_lengths[i], "a secret of %lu bytes", secret_lengths[i]);
    suite_cases(s, cases, COUNT_OF(cases));
}
