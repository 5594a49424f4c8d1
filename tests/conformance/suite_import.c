/* Keys from outside: what is well formed comes in and works; what is not is refused, whole (THREATS.md 5.6). */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <string.h>

#include "tests/conformance/keys.h"
#include "tests/conformance/oracle.h"
#include "tests/conformance/suites.h"

static const char text[] = "signed by a key that came from outside";

static void rsa_import(const void *row)
{
    const unsigned *bits = row;
    EVP_PKEY *key = oracle_generate_rsa(*bits, 65537);
    CK_OBJECT_HANDLE o = 0;
    CK_BYTE sig[1024];
    CK_ULONG len = sizeof sig;

    if (CHECK_OK(keys_import_rsa(S, key, JOB_SIGN, false, &o)) &&
        CHECK_OK(keys_sign(S, MECHANISM(CKM_SHA256_RSA_PKCS), o, text, sizeof text, sig, &len)))
        CHECK(oracle_verify(key, &(struct oracle_signature){ .scheme = SCHEME_PKCS1, .hash = "SHA256" }, text,
                            sizeof text, sig, len));
    EVP_PKEY_free(key);
}

static void ec_import(const void *row)
{
    const char *curve = row;
    EVP_PKEY *key = oracle_generate_ec(curve);
    CK_OBJECT_HANDLE o = 0;
    CK_BYTE sig[256], digest[32] = { 8 };
    CK_ULONG len = sizeof sig;

    if (CHECK_OK(keys_import_ec(S, key, curve, JOB_SIGN, false, &o)) &&
        CHECK_OK(keys_sign(S, MECHANISM(CKM_ECDSA), o, digest, sizeof digest, sig, &len)))
        CHECK(
            oracle_verify(key, &(struct oracle_signature){ .scheme = SCHEME_ECDSA }, digest, sizeof digest, sig, len));
    EVP_PKEY_free(key);
}

static const unsigned rsa_bits[] = { 2048, 3072, 4096 };
static const char *const ec_curves[] = { "P-256", "P-384", "P-521", "secp256k1" };

/* The numbers of one RSA key, one of which is then spoilt. */
enum rsa_number { N, E, D, P, Q, DP, DQ, QI, RSA_NUMBERS };

static CK_RV import_spoilt(enum rsa_number which, int (*spoil)(BIGNUM *))
{
    static const char *const names[] = { OSSL_PKEY_PARAM_RSA_N,         OSSL_PKEY_PARAM_RSA_E,
                                         OSSL_PKEY_PARAM_RSA_D,         OSSL_PKEY_PARAM_RSA_FACTOR1,
                                         OSSL_PKEY_PARAM_RSA_FACTOR2,   OSSL_PKEY_PARAM_RSA_EXPONENT1,
                                         OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1 };
    static const CK_ATTRIBUTE_TYPE types[] = {
        CKA_MODULUS, CKA_PUBLIC_EXPONENT, CKA_PRIVATE_EXPONENT, CKA_PRIME_1,
        CKA_PRIME_2, CKA_EXPONENT_1,      CKA_EXPONENT_2,       CKA_COEFFICIENT
    };
    static EVP_PKEY *key;
    CK_ATTRIBUTE t[5 + RSA_NUMBERS] = { NUMBER(CKA_CLASS, CKO_PRIVATE_KEY), NUMBER(CKA_KEY_TYPE, CKK_RSA),
                                        NO(CKA_TOKEN), YES(CKA_SENSITIVE), YES(CKA_SIGN) };
    CK_BYTE room[RSA_NUMBERS][600];
    CK_OBJECT_HANDLE o = 0;

    if (key == NULL)
        key = oracle_generate_rsa(2048, 65537);
    for (unsigned i = 0; i < RSA_NUMBERS; i++) {
        BIGNUM *n = NULL;

        EVP_PKEY_get_bn_param(key, names[i], &n);
        if (i == which)
            spoil(n);
        t[5 + i].type = types[i];
        t[5 + i].pValue = room[i];
        t[5 + i].ulValueLen = (CK_ULONG)BN_bn2binpad(n, room[i], BN_num_bytes(n) > 0 ? BN_num_bytes(n) : 1);
        BN_clear_free(n);
    }
    return F->C_CreateObject(S, t, COUNT_OF(t), &o);
}

static int add_two(BIGNUM *n)
{
    return BN_add_word(n, 2);
}

static int to_one(BIGNUM *n)
{
    return BN_one(n);
}

static int to_even(BIGNUM *n)
{
    return BN_set_word(n, 65536);
}

static int to_three(BIGNUM *n)
{
    return BN_set_word(n, 3);
}

static int to_zero(BIGNUM *n)
{
    BN_zero(n);
    return 1;
}

static int longer(BIGNUM *n)
{
    return BN_lshift(n, n, 300);
}

static const struct spoilt {
    const char *name;
    enum rsa_number which;
    int (*spoil)(BIGNUM *);
} spoilt[] = {
    { "another modulus", N, add_two },
    { "exponent 1", E, to_one },
    { "an even exponent", E, to_even },
    { "an exponent of another key", E, add_two },
    { "exponent 3", E, to_three },
    { "another private exponent", D, add_two },
    { "private exponent 0", D, to_zero },
    { "private exponent 3", D, to_three },
    { "another first prime", P, add_two },
    { "another second prime", Q, add_two },
    { "first prime 1", P, to_one },
    { "another first CRT exponent", DP, add_two },
    { "another second CRT exponent", DQ, add_two },
    { "another coefficient", QI, add_two },
    { "coefficient 0", QI, to_zero },
    { "a modulus that does not fit its primes", N, longer },
};

static void rsa_spoilt(const void *row)
{
    const struct spoilt *s = row;

    CHECK_ONE(import_spoilt(s->which, s->spoil), CKR_ATTRIBUTE_VALUE_INVALID, CKR_TEMPLATE_INCONSISTENT,
              CKR_KEY_SIZE_RANGE);
}

static void rsa_too_small(const void *row)
{
    EVP_PKEY *key = oracle_generate_rsa(1024, 65537);
    CK_OBJECT_HANDLE o = 0;

    (void)row;
    CHECK_ONE(keys_import_rsa(S, key, JOB_SIGN, false, &o), CKR_KEY_SIZE_RANGE, CKR_ATTRIBUTE_VALUE_INVALID);
    EVP_PKEY_free(key);
}

static CK_RV import_scalar(const char *curve, const CK_BYTE *d, CK_ULONG len)
{
    CK_OBJECT_HANDLE o = 0;

    return F->C_CreateObject(S,
                             TEMPLATE(NUMBER(CKA_CLASS, CKO_PRIVATE_KEY), NUMBER(CKA_KEY_TYPE, CKK_EC), CURVE(curve),
                                      BYTES(CKA_VALUE, d, len), NO(CKA_TOKEN), YES(CKA_SENSITIVE), YES(CKA_SIGN)),
                             &o);
}

static void scalar_out_of_range(const void *row)
{
    static const CK_BYTE order[] = { 0xff, 0xff, 0xff, 0xff, 0,    0,    0,    0,    0xff, 0xff, 0xff,
                                     0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
                                     0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51 };
    CK_BYTE zero[32] = { 0 }, above[33];

    (void)row;
    memset(above, 0xff, sizeof above);
    CHECK_ONE(import_scalar("P-256", zero, sizeof zero), CKR_ATTRIBUTE_VALUE_INVALID, CKR_TEMPLATE_INCONSISTENT);
    CHECK_ONE(import_scalar("P-256", order, sizeof order), CKR_ATTRIBUTE_VALUE_INVALID, CKR_TEMPLATE_INCONSISTENT);
    CHECK_ONE(import_scalar("P-256", above, sizeof above), CKR_ATTRIBUTE_VALUE_INVALID, CKR_TEMPLATE_INCONSISTENT);
    CHECK_ONE(import_scalar("P-256", above, 0), CKR_ATTRIBUTE_VALUE_INVALID, CKR_TEMPLATE_INCONSISTENT,
              CKR_TEMPLATE_INCOMPLETE);
}

static CK_RV import_point(const char *curve, const CK_BYTE *point, CK_ULONG len)
{
    CK_OBJECT_HANDLE o = 0;

    return F->C_CreateObject(S,
                             TEMPLATE(NUMBER(CKA_CLASS, CKO_PUBLIC_KEY), NUMBER(CKA_KEY_TYPE, CKK_EC), CURVE(curve),
                                      BYTES(CKA_EC_POINT, point, len), NO(CKA_TOKEN), YES(CKA_VERIFY)),
                             &o);
}

static void point_checked(const void *row)
{
    EVP_PKEY *key = oracle_generate_ec("P-256");
    CK_BYTE der[67] = { 0x04, 0x41 }, infinity[] = { 0x04, 0x01, 0x00 };

    (void)row;
    CHECK(oracle_public_point(key, der + 2, 65) == 65);
    CHECK_OK(import_point("P-256", der, sizeof der));
    CHECK_ONE(import_point("P-384", der, sizeof der), CKR_ATTRIBUTE_VALUE_INVALID, CKR_TEMPLATE_INCONSISTENT);
    CHECK_ONE(import_point("P-256", der, sizeof der - 1), CKR_ATTRIBUTE_VALUE_INVALID, CKR_TEMPLATE_INCONSISTENT);
    CHECK_ONE(import_point("P-256", infinity, sizeof infinity), CKR_ATTRIBUTE_VALUE_INVALID, CKR_TEMPLATE_INCONSISTENT);
    der[66] ^= 1;
    CHECK_ONE(import_point("P-256", der, sizeof der), CKR_ATTRIBUTE_VALUE_INVALID, CKR_TEMPLATE_INCONSISTENT);
    EVP_PKEY_free(key);
}

static void curve_checked(const void *row)
{
    static const CK_BYTE explicit[] = { 0x30, 0x06, 0x02, 0x01, 0x01, 0x30, 0x01, 0x00 },
                         unknown[] = { 0x06, 0x02, 0x2a, 0x03 };
    CK_BYTE d[32] = { 0, 1 };
    CK_OBJECT_HANDLE o = 0;
    const struct {
        const CK_BYTE *der;
        CK_ULONG len;
    } wrong[] = { { explicit, sizeof explicit }, { unknown, sizeof unknown }, { unknown, 0 }, { unknown, 3 } };

    (void)row;
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        CHECK_ONE(F->C_CreateObject(S,
                                    TEMPLATE(NUMBER(CKA_CLASS, CKO_PRIVATE_KEY), NUMBER(CKA_KEY_TYPE, CKK_EC),
                                             BYTES(CKA_EC_PARAMS, wrong[i].der, wrong[i].len), BYTES(CKA_VALUE, d, 32),
                                             NO(CKA_TOKEN), YES(CKA_SIGN)),
                                    &o),
                  CKR_CURVE_NOT_SUPPORTED, CKR_ATTRIBUTE_VALUE_INVALID, CKR_TEMPLATE_INCONSISTENT,
                  CKR_DOMAIN_PARAMS_INVALID);
}

static void incomplete(const void *row)
{
    CK_BYTE value[32] = { 1 };
    CK_OBJECT_HANDLE o = 0;

    (void)row;
    CHECK_RV(F->C_CreateObject(S, TEMPLATE(NUMBER(CKA_CLASS, CKO_SECRET_KEY), BYTES(CKA_VALUE, value, 32)), &o),
             CKR_TEMPLATE_INCOMPLETE);
    CHECK_RV(F->C_CreateObject(S, TEMPLATE(NUMBER(CKA_CLASS, CKO_SECRET_KEY), NUMBER(CKA_KEY_TYPE, CKK_AES)), &o),
             CKR_TEMPLATE_INCOMPLETE);
    CHECK_RV(F->C_CreateObject(S,
                               TEMPLATE(NUMBER(CKA_CLASS, CKO_PRIVATE_KEY), NUMBER(CKA_KEY_TYPE, CKK_EC),
                                        BYTES(CKA_VALUE, value, 32)),
                               &o),
             CKR_TEMPLATE_INCOMPLETE);
    CHECK_RV(F->C_CreateObject(S,
                               TEMPLATE(NUMBER(CKA_CLASS, CKO_PUBLIC_KEY), NUMBER(CKA_KEY_TYPE, CKK_RSA),
                                        BYTES(CKA_PUBLIC_EXPONENT, value, 1)),
                               &o),
             CKR_TEMPLATE_INCOMPLETE);
}

static void aes_lengths(const void *row)
{
    static const CK_ULONG wrong[] = { 0, 1, 15, 17, 31, 33, 64 };
    CK_BYTE value[64] = { 1 };
    CK_OBJECT_HANDLE o = 0;

    (void)row;
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        CHECK_ONE(keys_import(S, CKK_AES, value, wrong[i], RIGHTS_ENCRYPT, &o), CKR_ATTRIBUTE_VALUE_INVALID,
                  CKR_KEY_SIZE_RANGE, CKR_TEMPLATE_INCONSISTENT, CKR_TEMPLATE_INCOMPLETE);
    CHECK_OK(keys_import(S, CKK_AES, value, 16, RIGHTS_ENCRYPT, &o));
    CHECK_OK(keys_import(S, CKK_AES, value, 24, RIGHTS_ENCRYPT, &o));
    CHECK_OK(keys_import(S, CKK_AES, value, 32, RIGHTS_ENCRYPT, &o));
}

static void foreign_attributes(const void *row)
{
    CK_BYTE value[32] = { 1 };
    CK_OBJECT_HANDLE o = 0;

    (void)row;
    CHECK_ONE(F->C_CreateObject(S,
                                TEMPLATE(NUMBER(CKA_CLASS, CKO_SECRET_KEY), NUMBER(CKA_KEY_TYPE, CKK_AES),
                                         BYTES(CKA_VALUE, value, 32), BYTES(CKA_MODULUS, value, 32)),
                                &o),
              CKR_TEMPLATE_INCONSISTENT, CKR_ATTRIBUTE_TYPE_INVALID);
}

static const struct test_case cases[] = {
    { "an RSA key of 1,024 bits", LEVEL_USER, rsa_too_small, 0 },
    { "an EC scalar out of range", LEVEL_USER, scalar_out_of_range, 0 },
    { "a point that is not on its curve", LEVEL_USER, point_checked, 0 },
    { "a curve by parameters, or unknown", LEVEL_USER, curve_checked, 0 },
    { "templates with something missing", LEVEL_USER, incomplete, 0 },
    { "lengths of AES keys", LEVEL_USER, aes_lengths, 0 },
    { "attributes of another kind of key", LEVEL_USER, foreign_attributes, 0 },
};

void suite_import(struct suite *s)
{
    for (size_t i = 0; i < COUNT_OF(rsa_bits); i++)
        suite_row(s, LEVEL_USER, rsa_import, &rsa_bits[i], "RSA of %u bits", rsa_bits[i]);
    for (size_t i = 0; i < COUNT_OF(ec_curves); i++)
        suite_row(s, LEVEL_USER, ec_import, ec_curves[i], "%s", ec_curves[i]);
    for (size_t i = 0; i < COUNT_OF(spoilt); i++)
        suite_row(s, LEVEL_USER, rsa_spoilt, &spoilt[i], "RSA with %s", spoilt[i].name);
    suite_cases(s, cases, COUNT_OF(cases));
}
