/* PKCS#11 3.0, 5.16.5: derivation. What comes out is compared with libcrypto's through a MAC, so nothing need be read.
 */
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <string.h>

#include "tests/conformance/keys.h"
#include "tests/conformance/oracle.h"
#include "tests/conformance/suites.h"

static CK_RV derive(CK_MECHANISM *m, CK_OBJECT_HANDLE base, CK_ULONG len, CK_OBJECT_HANDLE *out)
{
    return F->C_DeriveKey(S, m, base,
                          TEMPLATE(NUMBER(CKA_CLASS, CKO_SECRET_KEY), NUMBER(CKA_KEY_TYPE, CKK_GENERIC_SECRET),
                                   NUMBER(CKA_VALUE_LEN, len), NO(CKA_TOKEN), YES(CKA_SENSITIVE), YES(CKA_SIGN)),
                          out);
}

static const struct ecdh {
    const char *curve;
    CK_ULONG len;
    bool der; /* the point as a DER OCTET STRING, as CKA_EC_POINT is: PKCS#11 2.40 leaves both open */
} ecdhs[] = {
    { "P-256", 32, false }, { "P-256", 32, true },      { "P-384", 48, false },
    { "P-521", 66, false }, { "secp256k1", 32, false }, { "X25519", 32, false },
};

static void ecdh_agrees(const void *row)
{
    const struct ecdh *e = row;
    struct pair p;
    EVP_PKEY *ours, *theirs;
    CK_BYTE point[140] = { 0x04 }, secret[80];
    CK_ECDH1_DERIVE_PARAMS params = { .kdf = CKD_NULL, .pPublicData = point };
    CK_OBJECT_HANDLE o = 0;
    size_t n;

    if (strcmp(e->curve, "X25519") == 0 && !OFFERED(CKM_EC_MONTGOMERY_KEY_PAIR_GEN, CKF_GENERATE_KEY_PAIR))
        return;
    p = keys_shared_ec(e->curve, JOB_DERIVE);
    ours = oracle_generate_ec(e->curve);
    theirs = oracle_public(S, p.public_key);
    REQUIRE(theirs != NULL);
    n = oracle_public_point(ours, point + (e->der ? 2 : 0), sizeof point - 2);
    if (e->der)
        point[1] = (CK_BYTE)n;
    params.ulPublicDataLen = n + (e->der ? 2 : 0);
    n = oracle_ecdh(ours, theirs, secret, sizeof secret);
    CHECK(n == e->len);
    if (CHECK_OK(derive(MECHANISM_WITH(CKM_ECDH1_DERIVE, &params, sizeof params), p.private_key, e->len, &o)))
        CHECK(keys_has_value(S, o, secret, n));
    EVP_PKEY_free(ours);
    EVP_PKEY_free(theirs);
}

static void ecdh_other_curve(const void *row)
{
    struct pair p = keys_shared_ec("P-256", JOB_DERIVE);
    EVP_PKEY *ours = oracle_generate_ec("P-384");
    CK_BYTE point[128];
    CK_ECDH1_DERIVE_PARAMS params = { .kdf = CKD_NULL, .pPublicData = point };
    CK_OBJECT_HANDLE o = 0;

    (void)row;
    params.ulPublicDataLen = oracle_public_point(ours, point, sizeof point);
    CHECK_ONE(derive(MECHANISM_WITH(CKM_ECDH1_DERIVE, &params, sizeof params), p.private_key, 32, &o),
              CKR_MECHANISM_PARAM_INVALID, CKR_PUBLIC_KEY_INVALID);
    EVP_PKEY_free(ours);
}

static void ecdh_too_long(const void *row)
{
    struct pair p = keys_shared_ec("P-256", JOB_DERIVE);
    EVP_PKEY *ours = oracle_generate_ec("P-256");
    CK_BYTE point[128];
    CK_ECDH1_DERIVE_PARAMS params = { .kdf = CKD_NULL, .pPublicData = point };
    CK_OBJECT_HANDLE o = 0;

    (void)row;
    params.ulPublicDataLen = oracle_public_point(ours, point, sizeof point);
    CHECK_ONE(derive(MECHANISM_WITH(CKM_ECDH1_DERIVE, &params, sizeof params), p.private_key, 33, &o),
              CKR_KEY_SIZE_RANGE, CKR_TEMPLATE_INCONSISTENT, CKR_ATTRIBUTE_VALUE_INVALID);
    EVP_PKEY_free(ours);
}

static void ecdh_facts(const void *row)
{
    struct pair p = keys_shared_ec("P-256", JOB_DERIVE);
    EVP_PKEY *ours = oracle_generate_ec("P-256");
    CK_BYTE point[128];
    CK_ECDH1_DERIVE_PARAMS params = { .kdf = CKD_NULL, .pPublicData = point };
    CK_OBJECT_HANDLE o = 0;

    (void)row;
    params.ulPublicDataLen = oracle_public_point(ours, point, sizeof point);
    REQUIRE_OK(derive(MECHANISM_WITH(CKM_ECDH1_DERIVE, &params, sizeof params), p.private_key, 32, &o));
    CHECK(client_flag(S, o, CKA_LOCAL) == 0);
    CHECK(client_flag(S, o, CKA_SENSITIVE) == 1);
    CHECK(client_number(S, o, CKA_KEY_TYPE) == CKK_GENERIC_SECRET);
    CHECK(client_number(S, o, CKA_VALUE_LEN) == 32);
    EVP_PKEY_free(ours);
}

/* X9.63 with SHA-256: SHA-256(Z || counter || shared). */
static void ecdh_with_kdf(const void *row)
{
    struct pair p = keys_shared_ec("P-256", JOB_DERIVE);
    EVP_PKEY *ours = oracle_generate_ec("P-256"), *theirs = oracle_public(S, p.public_key);
    CK_BYTE point[128], input[32 + 4 + 5], value[64];
    CK_ECDH1_DERIVE_PARAMS params = {
        .kdf = 6 /* CKD_SHA256_KDF */, .pPublicData = point, .pSharedData = input + 36, .ulSharedDataLen = 5
    };
    CK_OBJECT_HANDLE o = 0;
    CK_RV rv;

    (void)row;
    params.ulPublicDataLen = oracle_public_point(ours, point, sizeof point);
    CHECK(oracle_ecdh(ours, theirs, input, 32) == 32);
    memcpy(input + 32, "\0\0\0\1share", 9);
    CHECK(oracle_digest("SHA256", input, sizeof input, value) == 32);
    rv = derive(MECHANISM_WITH(CKM_ECDH1_DERIVE, &params, sizeof params), p.private_key, 32, &o);
    if (rv == CKR_MECHANISM_PARAM_INVALID)
        check_absent("CKD_SHA256_KDF");
    else if (CHECK_OK(rv))
        CHECK(keys_has_value(S, o, value, 32));
    EVP_PKEY_free(ours);
    EVP_PKEY_free(theirs);
}

static bool oracle_hkdf(const char *hash, const void *key, size_t key_len, const char *salt, const char *info,
                        uint8_t *out, size_t len)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)(uintptr_t)hash, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)key, key_len),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)salt, strlen(salt)),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)(uintptr_t)info, strlen(info)),
        OSSL_PARAM_construct_end(),
    };
    bool good = EVP_KDF_derive(ctx, out, len, params) == 1;

    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    return good;
}

static const struct hkdf {
    const char *hash_name;
    CK_MECHANISM_TYPE hash;
    const char *salt, *info;
    CK_ULONG len;
} hkdfs[] = {
    { "SHA256", CKM_SHA256, "the salt", "the info", 32 },
    { "SHA256", CKM_SHA256, "the salt", "", 64 },
    { "SHA384", CKM_SHA384, "salt", "info", 48 },
    { "SHA512", CKM_SHA512, "salt", "info", 128 },
};

static CK_OBJECT_HANDLE hkdf_base(const CK_BYTE *value, CK_ULONG len)
{
    CK_OBJECT_HANDLE o = 0;

    REQUIRE_OK(keys_import(S, CKK_GENERIC_SECRET, value, len, RIGHTS_DERIVE, &o));
    return o;
}

static void hkdf_agrees(const void *row)
{
    const struct hkdf *h = row;
    CK_BYTE value[32] = { 0x0b, 0x0c }, ours[128];
    struct hkdf_params p = { .extract = CK_TRUE,
                             .expand = CK_TRUE,
                             .hash = h->hash,
                             .salt_type = CKF_HKDF_SALT_DATA,
                             .salt = (CK_BYTE *)(uintptr_t)h->salt,
                             .salt_len = strlen(h->salt),
                             .info = (CK_BYTE *)(uintptr_t)h->info,
                             .info_len = strlen(h->info) };
    CK_OBJECT_HANDLE o = 0;

    if (!OFFERED(CKM_HKDF_DERIVE, CKF_DERIVE))
        return;
    REQUIRE(oracle_hkdf(h->hash_name, value, sizeof value, h->salt, h->info, ours, h->len));
    REQUIRE_OK(derive(MECHANISM_WITH(CKM_HKDF_DERIVE, &p, sizeof p), hkdf_base(value, sizeof value), h->len, &o));
    CHECK(keys_has_value(S, o, ours, h->len));
}

static void hkdf_refusals(const void *row)
{
    CK_BYTE value[32] = { 1 };
    CK_OBJECT_HANDLE base, o = 0;
    struct hkdf_params good = {
        .extract = CK_TRUE, .expand = CK_TRUE, .hash = CKM_SHA256, .salt_type = CKF_HKDF_SALT_NULL
    };
    struct hkdf_params p;

    (void)row;
    if (!OFFERED(CKM_HKDF_DERIVE, CKF_DERIVE))
        return;
    base = hkdf_base(value, sizeof value);
    CHECK_RV(derive(MECHANISM_WITH(CKM_HKDF_DERIVE, &good, 8), base, 32, &o), CKR_MECHANISM_PARAM_INVALID);
    p = good;
    p.extract = p.expand = CK_FALSE;
    CHECK_RV(derive(MECHANISM_WITH(CKM_HKDF_DERIVE, &p, sizeof p), base, 32, &o), CKR_MECHANISM_PARAM_INVALID);
    p = good;
    p.hash = CKM_RSA_PKCS;
    CHECK_RV(derive(MECHANISM_WITH(CKM_HKDF_DERIVE, &p, sizeof p), base, 32, &o), CKR_MECHANISM_PARAM_INVALID);
    p = good;
    p.salt_type = 8;
    CHECK_RV(derive(MECHANISM_WITH(CKM_HKDF_DERIVE, &p, sizeof p), base, 32, &o), CKR_MECHANISM_PARAM_INVALID);
    p = good;
    p.info_len = 12;
    CHECK_ONE(derive(MECHANISM_WITH(CKM_HKDF_DERIVE, &p, sizeof p), base, 32, &o), CKR_MECHANISM_PARAM_INVALID,
              CKR_ARGUMENTS_BAD);
    CHECK_ONE(derive(MECHANISM_WITH(CKM_HKDF_DERIVE, &good, sizeof good), base, 255 * 32 + 1, &o), CKR_KEY_SIZE_RANGE,
              CKR_ATTRIBUTE_VALUE_INVALID, CKR_TEMPLATE_INCONSISTENT, CKR_MECHANISM_PARAM_INVALID);
}

/* Derivations that give a key away a byte at a time: not offered, or refused (THREATS.md 5.7). */
static const struct bytewise {
    const char *name;
    CK_MECHANISM_TYPE type;
    enum { STRING = 1, POSITION, KEY } parameter;
} bytewises[] = {
    { "XOR_BASE_AND_DATA", CKM_XOR_BASE_AND_DATA, STRING },
    { "CONCATENATE_BASE_AND_DATA", CKM_CONCATENATE_BASE_AND_DATA, STRING },
    { "CONCATENATE_DATA_AND_BASE", CKM_CONCATENATE_DATA_AND_BASE, STRING },
    { "CONCATENATE_BASE_AND_KEY", CKM_CONCATENATE_BASE_AND_KEY, KEY },
    { "EXTRACT_KEY_FROM_KEY", CKM_EXTRACT_KEY_FROM_KEY, POSITION },
};

static void bytewise_refused(const void *row)
{
    const struct bytewise *b = row;
    CK_BYTE data[16] = { 0 }, value[32] = { 1 };
    CK_KEY_DERIVATION_STRING_DATA string = { data, sizeof data };
    CK_ULONG position = 0;
    CK_OBJECT_HANDLE base = hkdf_base(value, sizeof value), key = base, o = 0;
    CK_MECHANISM m = { b->type,
                       b->parameter == STRING ? (void *)&string
                       : b->parameter == KEY  ? (void *)&key
                                              : (void *)&position,
                       b->parameter == STRING ? sizeof string : sizeof position };

    CHECK_RV(derive(&m, base, 8, &o), CKR_MECHANISM_INVALID);
}

static void wrong_mechanism(const void *row)
{
    CK_BYTE value[32] = { 1 };
    CK_OBJECT_HANDLE o = 0;

    (void)row;
    CHECK_RV(derive(MECHANISM(CKM_SHA256), hkdf_base(value, sizeof value), 32, &o), CKR_MECHANISM_INVALID);
    CHECK_RV(derive(MECHANISM(CKM_AES_KEY_GEN), hkdf_base(value, sizeof value), 32, &o), CKR_MECHANISM_INVALID);
}

static const struct test_case cases[] = {
    { "ECDH with a point of another curve", LEVEL_USER, ecdh_other_curve, 0 },
    { "ECDH for more bytes than there are", LEVEL_USER, ecdh_too_long, 0 },
    { "what a derived key says of itself", LEVEL_USER, ecdh_facts, 0 },
    { "ECDH with X9.63 and SHA-256", LEVEL_USER, ecdh_with_kdf, 0 },
    { "HKDF with wrong parameters", LEVEL_USER, hkdf_refusals, 0 },
    { "mechanisms that derive nothing", LEVEL_USER, wrong_mechanism, 0 },
};

void suite_derive(struct suite *s)
{
    for (size_t i = 0; i < COUNT_OF(ecdhs); i++)
        suite_row(s, LEVEL_USER, ecdh_agrees, &ecdhs[i], "ECDH on %s%s", ecdhs[i].curve,
                  ecdhs[i].der ? ", a DER point" : "");
    for (size_t i = 0; i < COUNT_OF(hkdfs); i++)
        suite_row(s, LEVEL_USER, hkdf_agrees, &hkdfs[i], "HKDF %s, %lu bytes", hkdfs[i].hash_name, hkdfs[i].len);
    for (size_t i = 0; i < COUNT_OF(bytewises); i++)
        suite_row(s, LEVEL_USER, bytewise_refused, &bytewises[i], "%s is refused", bytewises[i].name);
    suite_cases(s, cases, COUNT_OF(cases));
}
