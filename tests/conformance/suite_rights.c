/* What a key may do: no right, no use (PKCS#11 3.0, 4.8 to 4.10); and rights that together let a key out are refused
 * however they are asked for (WRAP or UNWRAP together with ENCRYPT, DECRYPT, SIGN or DERIVE). */
#include <string.h>

#include "tests/conformance/keys.h"
#include "tests/conformance/suites.h"

static const struct conflict {
    const char *name;
    CK_ATTRIBUTE_TYPE one, other;
} conflicts[] = {
    { "WRAP and DECRYPT", CKA_WRAP, CKA_DECRYPT },     { "WRAP and ENCRYPT", CKA_WRAP, CKA_ENCRYPT },
    { "WRAP and SIGN", CKA_WRAP, CKA_SIGN },           { "WRAP and DERIVE", CKA_WRAP, CKA_DERIVE },
    { "UNWRAP and DECRYPT", CKA_UNWRAP, CKA_DECRYPT }, { "UNWRAP and ENCRYPT", CKA_UNWRAP, CKA_ENCRYPT },
    { "UNWRAP and SIGN", CKA_UNWRAP, CKA_SIGN },       { "UNWRAP and DERIVE", CKA_UNWRAP, CKA_DERIVE },
};

static void by_generate(const void *row)
{
    const struct conflict *c = row;
    CK_OBJECT_HANDLE o = 0;

    CHECK_RV(F->C_GenerateKey(S, MECHANISM(CKM_AES_KEY_GEN),
                              TEMPLATE(NUMBER(CKA_VALUE_LEN, 32), NO(CKA_TOKEN), YES(c->one), YES(c->other)), &o),
             CKR_TEMPLATE_INCONSISTENT);
}

static void by_create(const void *row)
{
    const struct conflict *c = row;
    CK_BYTE value[32] = { 3 };
    CK_OBJECT_HANDLE o = 0;

    CHECK_RV(
        F->C_CreateObject(S,
                          TEMPLATE(NUMBER(CKA_CLASS, CKO_SECRET_KEY), NUMBER(CKA_KEY_TYPE, CKK_AES),
                                   BYTES(CKA_VALUE, value, sizeof value), NO(CKA_TOKEN), YES(c->one), YES(c->other)),
                          &o),
        CKR_TEMPLATE_INCONSISTENT);
}

static CK_OBJECT_HANDLE key_with(CK_ATTRIBUTE_TYPE right)
{
    CK_OBJECT_HANDLE o = 0;

    REQUIRE_OK(F->C_GenerateKey(S, MECHANISM(CKM_AES_KEY_GEN),
                                TEMPLATE(NUMBER(CKA_VALUE_LEN, 32), NO(CKA_TOKEN), YES(CKA_SENSITIVE), YES(right)),
                                &o));
    return o;
}

static void by_set(const void *row)
{
    const struct conflict *c = row;

    CHECK_ONE(F->C_SetAttributeValue(S, key_with(c->one), TEMPLATE(YES(c->other))), CKR_TEMPLATE_INCONSISTENT,
              CKR_ATTRIBUTE_READ_ONLY);
    CHECK_ONE(F->C_SetAttributeValue(S, key_with(c->other), TEMPLATE(YES(c->one))), CKR_TEMPLATE_INCONSISTENT,
              CKR_ATTRIBUTE_READ_ONLY);
}

static void by_copy(const void *row)
{
    const struct conflict *c = row;
    CK_OBJECT_HANDLE o = 0;

    CHECK_ONE(F->C_CopyObject(S, key_with(c->one), TEMPLATE(YES(c->other)), &o), CKR_TEMPLATE_INCONSISTENT,
              CKR_ATTRIBUTE_READ_ONLY);
    CHECK_ONE(F->C_CopyObject(S, key_with(c->other), TEMPLATE(YES(c->one)), &o), CKR_TEMPLATE_INCONSISTENT,
              CKR_ATTRIBUTE_READ_ONLY);
}

static void by_swap(const void *row)
{
    const struct conflict *c = row;
    CK_OBJECT_HANDLE key = key_with(c->one);

    /* The job itself is not to be exchanged either: wrap first, then decrypt. */
    CHECK_ONE(F->C_SetAttributeValue(S, key, TEMPLATE(NO(c->one), YES(c->other))), CKR_TEMPLATE_INCONSISTENT,
              CKR_ATTRIBUTE_READ_ONLY);
    if (F->C_SetAttributeValue(S, key, TEMPLATE(NO(c->one))) == CKR_OK)
        CHECK_ONE(F->C_SetAttributeValue(S, key, TEMPLATE(YES(c->other))), CKR_TEMPLATE_INCONSISTENT,
                  CKR_ATTRIBUTE_READ_ONLY);
}

static void by_unwrap(const void *row)
{
    const struct conflict *c = row;
    CK_OBJECT_HANDLE kek = 0, key = 0, o = 0;
    CK_BYTE blob[64];
    CK_ULONG len = sizeof blob;

    REQUIRE_OK(keys_aes(S, 32, RIGHTS_WRAP, false, &kek));
    REQUIRE_OK(keys_aes(S, 32, RIGHTS_ENCRYPT, true, &key));
    REQUIRE_OK(F->C_WrapKey(S, MECHANISM(CKM_AES_KEY_WRAP), kek, key, blob, &len));
    CHECK_RV(F->C_UnwrapKey(S, MECHANISM(CKM_AES_KEY_WRAP), kek, blob, len,
                            TEMPLATE(NUMBER(CKA_CLASS, CKO_SECRET_KEY), NUMBER(CKA_KEY_TYPE, CKK_AES), NO(CKA_TOKEN),
                                     YES(CKA_SENSITIVE), YES(c->one), YES(c->other)),
                            &o),
             CKR_TEMPLATE_INCONSISTENT);
}

static void by_derive(const void *row)
{
    const struct conflict *c = row;
    struct pair a = { 0 };
    CK_BYTE point[128];
    CK_ECDH1_DERIVE_PARAMS p = { .kdf = CKD_NULL, .pPublicData = point };
    CK_OBJECT_HANDLE o = 0;

    REQUIRE_OK(keys_ec(S, "P-256", JOB_DERIVE, &a));
    p.ulPublicDataLen = client_attribute(S, a.public_key, CKA_EC_POINT, point, sizeof point);
    CHECK_RV(F->C_DeriveKey(S, MECHANISM_WITH(CKM_ECDH1_DERIVE, &p, sizeof p), a.private_key,
                            TEMPLATE(NUMBER(CKA_CLASS, CKO_SECRET_KEY), NUMBER(CKA_KEY_TYPE, CKK_AES),
                                     NUMBER(CKA_VALUE_LEN, 32), NO(CKA_TOKEN), YES(CKA_SENSITIVE), YES(c->one),
                                     YES(c->other)),
                            &o),
             CKR_TEMPLATE_INCONSISTENT);
}

static void by_rsa_pair(const void *row)
{
    const struct conflict *c = row;
    bool private = c->one == CKA_UNWRAP && c->other != CKA_ENCRYPT && c->other != CKA_DERIVE;
    bool public = c->one == CKA_WRAP && c->other == CKA_ENCRYPT;
    CK_ATTRIBUTE right[] = { NO(CKA_TOKEN), YES(c->one), YES(c->other) };
    CK_ATTRIBUTE wrong_public[] = { NUMBER(CKA_MODULUS_BITS, 2048), YES(c->one), YES(c->other), NO(CKA_TOKEN) };
    CK_OBJECT_HANDLE a = 0, b = 0;

    CHECK_RV(F->C_GenerateKeyPair(S, MECHANISM(CKM_RSA_PKCS_KEY_PAIR_GEN), wrong_public, public ? 4 : 1, right,
                                  private ? 3 : 1, &a, &b),
             CKR_TEMPLATE_INCONSISTENT);
}

/* Without the right, the use is refused. */
static void no_right(const void *row)
{
    CK_BYTE iv[16] = { 0 };
    CK_OBJECT_HANDLE encrypts = 0, wraps = 0, made = 0;
    CK_ULONG len = 64;
    CK_BYTE out[64] = { 0 };

    (void)row;
    REQUIRE_OK(F->C_GenerateKey(S, MECHANISM(CKM_AES_KEY_GEN),
                                TEMPLATE(NUMBER(CKA_VALUE_LEN, 32), NO(CKA_TOKEN), NO(CKA_ENCRYPT), YES(CKA_DECRYPT),
                                         NO(CKA_WRAP), NO(CKA_UNWRAP)),
                                &encrypts));
    REQUIRE_OK(keys_aes(S, 32, RIGHTS_WRAP, false, &wraps));
    CHECK_RV(F->C_EncryptInit(S, MECHANISM_WITH(CKM_AES_CBC, iv, 16), encrypts), CKR_KEY_FUNCTION_NOT_PERMITTED);
    CHECK_RV(F->C_DecryptInit(S, MECHANISM_WITH(CKM_AES_CBC, iv, 16), wraps), CKR_KEY_FUNCTION_NOT_PERMITTED);
    CHECK_RV(F->C_WrapKey(S, MECHANISM(CKM_AES_KEY_WRAP), encrypts, wraps, out, &len), CKR_KEY_FUNCTION_NOT_PERMITTED);
    CHECK_RV(F->C_UnwrapKey(S, MECHANISM(CKM_AES_KEY_WRAP), encrypts, out, 40,
                            TEMPLATE(NUMBER(CKA_CLASS, CKO_SECRET_KEY), NUMBER(CKA_KEY_TYPE, CKK_AES)), &made),
             CKR_KEY_FUNCTION_NOT_PERMITTED);
}

static void no_right_to_sign(const void *row)
{
    struct pair derives = keys_shared_ec("P-256", JOB_DERIVE), signs = keys_shared_ec("P-256", JOB_SIGN);
    struct pair decrypts = keys_shared_rsa(JOB_DECRYPT);
    CK_BYTE point[128];
    CK_ECDH1_DERIVE_PARAMS p = { .kdf = CKD_NULL, .pPublicData = point };
    CK_OBJECT_HANDLE o = 0;

    (void)row;
    p.ulPublicDataLen = client_attribute(S, derives.public_key, CKA_EC_POINT, point, sizeof point);
    CHECK_RV(F->C_SignInit(S, MECHANISM(CKM_ECDSA), derives.private_key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    CHECK_RV(F->C_VerifyInit(S, MECHANISM(CKM_ECDSA), derives.public_key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    CHECK_RV(F->C_SignInit(S, MECHANISM(CKM_SHA256_RSA_PKCS), decrypts.private_key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    CHECK_RV(F->C_DeriveKey(S, MECHANISM_WITH(CKM_ECDH1_DERIVE, &p, sizeof p), signs.private_key,
                            TEMPLATE(NUMBER(CKA_CLASS, CKO_SECRET_KEY), NUMBER(CKA_KEY_TYPE, CKK_AES),
                                     NUMBER(CKA_VALUE_LEN, 32), NO(CKA_TOKEN)),
                            &o),
             CKR_KEY_FUNCTION_NOT_PERMITTED);
}

static void wrong_key_type(const void *row)
{
    struct pair ec = keys_shared_ec("P-256", JOB_SIGN), rsa = keys_shared_rsa(JOB_SIGN);
    CK_OBJECT_HANDLE secret = 0;

    (void)row;
    REQUIRE_OK(keys_aes(S, 32, RIGHTS_SIGN, false, &secret));
    CHECK_RV(F->C_SignInit(S, MECHANISM(CKM_SHA256_RSA_PKCS), ec.private_key), CKR_KEY_TYPE_INCONSISTENT);
    CHECK_RV(F->C_SignInit(S, MECHANISM(CKM_ECDSA), rsa.private_key), CKR_KEY_TYPE_INCONSISTENT);
    CHECK_RV(F->C_SignInit(S, MECHANISM(CKM_ECDSA), secret), CKR_KEY_TYPE_INCONSISTENT);
    CHECK_RV(F->C_SignInit(S, MECHANISM(CKM_SHA256_HMAC), rsa.private_key), CKR_KEY_TYPE_INCONSISTENT);
}

static void wrong_key_class(const void *row)
{
    struct pair ec = keys_shared_ec("P-256", JOB_SIGN);

    (void)row;
    CHECK_ONE(F->C_SignInit(S, MECHANISM(CKM_ECDSA), ec.public_key), CKR_KEY_TYPE_INCONSISTENT,
              CKR_KEY_FUNCTION_NOT_PERMITTED, CKR_KEY_HANDLE_INVALID);
    CHECK_ONE(F->C_VerifyInit(S, MECHANISM(CKM_ECDSA), ec.private_key), CKR_KEY_TYPE_INCONSISTENT,
              CKR_KEY_FUNCTION_NOT_PERMITTED, CKR_KEY_HANDLE_INVALID);
}

static void allowed_mechanisms(const void *row)
{
    CK_MECHANISM_TYPE allowed[] = { CKM_SHA384_HMAC };
    CK_OBJECT_HANDLE key = 0;

    (void)row;
    REQUIRE_OK(F->C_GenerateKey(S, MECHANISM(CKM_GENERIC_SECRET_KEY_GEN),
                                TEMPLATE(NUMBER(CKA_VALUE_LEN, 64), NO(CKA_TOKEN), YES(CKA_SIGN), YES(CKA_VERIFY),
                                         BYTES(CKA_ALLOWED_MECHANISMS, allowed, sizeof allowed)),
                                &key));
    CHECK_RV(F->C_SignInit(S, MECHANISM(CKM_SHA256_HMAC), key), CKR_MECHANISM_INVALID);
    CHECK_RV(F->C_VerifyInit(S, MECHANISM(CKM_SHA256_HMAC), key), CKR_MECHANISM_INVALID);
    CHECK_OK(F->C_SignInit(S, MECHANISM(CKM_SHA384_HMAC), key));
}

static void key_dates(const void *row)
{
    CK_DATE past = { "1999", "01", "01" }, wrong = { "20x6", "13", "99" };
    CK_OBJECT_HANDLE key = 0;

    (void)row;
    CHECK_OK(F->C_GenerateKey(
        S, MECHANISM(CKM_AES_KEY_GEN),
        TEMPLATE(NUMBER(CKA_VALUE_LEN, 32), NO(CKA_TOKEN), BYTES(CKA_START_DATE, &past, sizeof past)), &key));
    CHECK_ONE(F->C_GenerateKey(S, MECHANISM(CKM_AES_KEY_GEN),
                               TEMPLATE(NUMBER(CKA_VALUE_LEN, 32), NO(CKA_TOKEN), BYTES(CKA_END_DATE, &wrong, 5)),
                               &key),
              CKR_ATTRIBUTE_VALUE_INVALID);
}

static const struct test_case cases[] = {
    { "no right, no use: secret keys", LEVEL_USER, no_right, 0 },
    { "no right, no use: key pairs", LEVEL_USER, no_right_to_sign, 0 },
    { "a mechanism of another key type", LEVEL_USER, wrong_key_type, 0 },
    { "signing with public keys, verifying with private ones", LEVEL_USER, wrong_key_class, 0 },
    { "CKA_ALLOWED_MECHANISMS", LEVEL_USER, allowed_mechanisms, 0 },
    { "dates of a key", LEVEL_USER, key_dates, 0 },
};

void suite_rights(struct suite *s)
{
    static const struct {
        const char *name;
        void (*run)(const void *row);
    } ways[] = { { "generated", by_generate }, { "created", by_create }, { "set", by_set },
                 { "copied", by_copy },        { "exchanged", by_swap }, { "unwrapped", by_unwrap },
                 { "derived", by_derive } };

    suite_cases(s, cases, COUNT_OF(cases));
    for (size_t w = 0; w < COUNT_OF(ways); w++)
        for (size_t i = 0; i < COUNT_OF(conflicts); i++)
            suite_row(s, LEVEL_USER, ways[w].run, &conflicts[i], "%s, %s", conflicts[i].name, ways[w].name);
    suite_row(s, LEVEL_USER, by_rsa_pair, &conflicts[1], "an RSA pair that wraps and encrypts");
    suite_row(s, LEVEL_USER, by_rsa_pair, &conflicts[4], "an RSA pair that unwraps and decrypts");
    suite_row(s, LEVEL_USER, by_rsa_pair, &conflicts[6], "an RSA pair that unwraps and signs");
}
