/* RSA encryption (PKCS#1 v1.5 and OAEP) and the recover functions. */
#include <string.h>

#include "tests/conformance/keys.h"
#include "tests/conformance/oracle.h"
#include "tests/conformance/suites.h"

static const char plain[] = "a plaintext of modest size";
static char label[] = "a label";

static const struct oaep {
    const char *hash_name, *mgf_name;
    CK_MECHANISM_TYPE hash;
    CK_RSA_PKCS_MGF_TYPE mgf;
    bool labelled;
} oaeps[] = {
    { "SHA1", "SHA1", CKM_SHA_1, CKG_MGF1_SHA1, false },
    { "SHA224", "SHA224", CKM_SHA224, CKG_MGF1_SHA224, false },
    { "SHA256", "SHA256", CKM_SHA256, CKG_MGF1_SHA256, false },
    { "SHA384", "SHA384", CKM_SHA384, CKG_MGF1_SHA384, false },
    { "SHA512", "SHA512", CKM_SHA512, CKG_MGF1_SHA512, false },
    { "SHA256", "SHA256", CKM_SHA256, CKG_MGF1_SHA256, true },
    { "SHA256", "SHA1", CKM_SHA256, CKG_MGF1_SHA1, false },
};

static CK_RSA_PKCS_OAEP_PARAMS oaep_params(const struct oaep *o)
{
    CK_RSA_PKCS_OAEP_PARAMS p = { .hashAlg = o->hash, .mgf = o->mgf, .source = CKZ_DATA_SPECIFIED };

    if (o->labelled) {
        p.pSourceData = label;
        p.ulSourceDataLen = sizeof label - 1;
    }
    return p;
}

static void oaep_decrypts(const void *row)
{
    const struct oaep *o = row;
    struct pair p = keys_shared_rsa(JOB_DECRYPT);
    CK_RSA_PKCS_OAEP_PARAMS params = oaep_params(o);
    EVP_PKEY *key = oracle_public(S, p.public_key);
    CK_BYTE sealed[256], out[256];
    CK_ULONG len = sizeof out;

    CHECK(oracle_rsa_encrypt(key, o->hash_name, o->mgf_name, o->labelled ? label : NULL, plain, sizeof plain, sealed,
                             sizeof sealed) == 256);
    CHECK_OK(keys_decrypt(S, MECHANISM_WITH(CKM_RSA_PKCS_OAEP, &params, sizeof params), p.private_key, sealed, 256, out,
                          &len));
    CHECK(len == sizeof plain && memcmp(plain, out, len) == 0);
    EVP_PKEY_free(key);
}

static void oaep_encrypts(const void *row)
{
    const struct oaep *o = row;
    struct pair p = keys_shared_rsa(JOB_DECRYPT);
    CK_RSA_PKCS_OAEP_PARAMS params = oaep_params(o);
    CK_MECHANISM m = { CKM_RSA_PKCS_OAEP, &params, sizeof params };
    CK_BYTE sealed[256], out[256];
    CK_ULONG len = sizeof sealed;

    REQUIRE_OK(keys_encrypt(S, &m, p.public_key, plain, sizeof plain, sealed, &len));
    CHECK(len == 256);
    len = sizeof out;
    CHECK_OK(keys_decrypt(S, &m, p.private_key, sealed, 256, out, &len));
    CHECK(len == sizeof plain && memcmp(plain, out, len) == 0);
}

static void oaep_wrong(const void *row)
{
    const struct oaep *o = row;
    struct pair p = keys_shared_rsa(JOB_DECRYPT);
    CK_RSA_PKCS_OAEP_PARAMS params = oaep_params(o);
    CK_MECHANISM m = { CKM_RSA_PKCS_OAEP, &params, sizeof params };
    EVP_PKEY *key = oracle_public(S, p.public_key);
    CK_BYTE sealed[256], out[256];
    CK_ULONG len = sizeof out;

    CHECK(oracle_rsa_encrypt(key, o->hash_name, o->mgf_name, "another label", plain, sizeof plain, sealed, 256) == 256);
    CHECK_RV(keys_decrypt(S, &m, p.private_key, sealed, 256, out, &len), CKR_ENCRYPTED_DATA_INVALID);
    memset(sealed, 0x11, sizeof sealed);
    len = sizeof out;
    CHECK_RV(keys_decrypt(S, &m, p.private_key, sealed, 256, out, &len), CKR_ENCRYPTED_DATA_INVALID);
    memset(sealed, 0xff, sizeof sealed); /* above the modulus */
    len = sizeof out;
    CHECK_ONE(keys_decrypt(S, &m, p.private_key, sealed, 256, out, &len), CKR_ENCRYPTED_DATA_INVALID);
    len = sizeof out;
    CHECK_ONE(keys_decrypt(S, &m, p.private_key, sealed, 255, out, &len), CKR_ENCRYPTED_DATA_LEN_RANGE,
              CKR_ENCRYPTED_DATA_INVALID);
    EVP_PKEY_free(key);
}

static void oaep_too_long(const void *row)
{
    const struct oaep *o = row;
    struct pair p = keys_shared_rsa(JOB_DECRYPT);
    CK_RSA_PKCS_OAEP_PARAMS params = oaep_params(o);
    CK_BYTE data[256] = { 0 }, sealed[256];
    CK_ULONG len = sizeof sealed;

    CHECK_RV(keys_encrypt(S, MECHANISM_WITH(CKM_RSA_PKCS_OAEP, &params, sizeof params), p.public_key, data, 215, sealed,
                          &len),
             CKR_DATA_LEN_RANGE);
}

static void oaep_output_lengths(const void *row)
{
    const struct oaep *o = row;
    struct pair p = keys_shared_rsa(JOB_DECRYPT);
    CK_RSA_PKCS_OAEP_PARAMS params = oaep_params(o);
    CK_MECHANISM m = { CKM_RSA_PKCS_OAEP, &params, sizeof params };
    CK_BYTE sealed[256], out[256];
    CK_ULONG len = 255;

    REQUIRE_OK(F->C_EncryptInit(S, &m, p.public_key));
    CHECK_RV(F->C_Encrypt(S, (CK_BYTE *)(uintptr_t)plain, sizeof plain, sealed, &len), CKR_BUFFER_TOO_SMALL);
    CHECK(len == 256);
    CHECK_OK(F->C_Encrypt(S, (CK_BYTE *)(uintptr_t)plain, sizeof plain, sealed, &len));
    REQUIRE_OK(F->C_DecryptInit(S, &m, p.private_key));
    len = 0;
    CHECK_OK(F->C_Decrypt(S, sealed, 256, NULL, &len));
    CHECK(len >= sizeof plain && len <= 256);
    len = 3;
    CHECK_RV(F->C_Decrypt(S, sealed, 256, out, &len), CKR_BUFFER_TOO_SMALL);
    len = sizeof out;
    CHECK_OK(F->C_Decrypt(S, sealed, 256, out, &len));
    CHECK(len == sizeof plain && memcmp(plain, out, len) == 0);
}

static void pkcs1_both_ways(const void *row)
{
    struct pair p = keys_shared_rsa(JOB_DECRYPT);
    EVP_PKEY *key = oracle_public(S, p.public_key);
    CK_BYTE sealed[256], out[256];
    CK_ULONG len = sizeof out;

    (void)row;
    if (!OFFERED(CKM_RSA_PKCS, CKF_DECRYPT))
        return;
    CHECK(oracle_rsa_encrypt(key, NULL, NULL, NULL, plain, sizeof plain, sealed, 256) == 256);
    CHECK_OK(keys_decrypt(S, MECHANISM(CKM_RSA_PKCS), p.private_key, sealed, 256, out, &len));
    CHECK(len == sizeof plain && memcmp(plain, out, len) == 0);
    len = sizeof sealed;
    CHECK_OK(keys_encrypt(S, MECHANISM(CKM_RSA_PKCS), p.public_key, plain, sizeof plain, sealed, &len));
    len = sizeof out;
    CHECK_OK(keys_decrypt(S, MECHANISM(CKM_RSA_PKCS), p.private_key, sealed, 256, out, &len));
    CHECK(len == sizeof plain && memcmp(plain, out, len) == 0);
    EVP_PKEY_free(key);
}

/* Implicit rejection: bad padding is no error, and the same ciphertext gives the same plaintext each time. */
static void pkcs1_bad_padding(const void *row)
{
    struct pair p = keys_shared_rsa(JOB_DECRYPT);
    CK_BYTE sealed[256], out[3][256];
    CK_ULONG len[3];

    (void)row;
    if (!OFFERED(CKM_RSA_PKCS, CKF_DECRYPT))
        return;
    for (CK_BYTE fill = 1; fill < 0x60; fill += 0x0b) {
        memset(sealed, fill, sizeof sealed);
        for (int i = 0; i < 3; i++) {
            len[i] = 256;
            if (!CHECK_OK(keys_decrypt(S, MECHANISM(CKM_RSA_PKCS), p.private_key, sealed, 256, out[i], &len[i])))
                return;
        }
        CHECK(len[0] == len[1] && memcmp(out[0], out[1], len[0]) == 0 && len[0] == len[2]);
    }
}

static void pkcs1_too_long(const void *row)
{
    struct pair p = keys_shared_rsa(JOB_DECRYPT);
    CK_BYTE data[256] = { 0 }, sealed[256];
    CK_ULONG len = sizeof sealed;

    (void)row;
    CHECK_RV(keys_encrypt(S, MECHANISM(CKM_RSA_PKCS), p.public_key, data, 246, sealed, &len), CKR_DATA_LEN_RANGE);
    len = sizeof data;
    CHECK_ONE(keys_decrypt(S, MECHANISM(CKM_RSA_PKCS), p.private_key, sealed, 255, data, &len),
              CKR_ENCRYPTED_DATA_LEN_RANGE, CKR_ENCRYPTED_DATA_INVALID, CKR_OK);
}

static void no_parts(const void *row)
{
    struct pair p = keys_shared_rsa(JOB_DECRYPT);
    CK_BYTE sealed[256];
    CK_ULONG len = sizeof sealed;

    (void)row;
    REQUIRE_OK(F->C_EncryptInit(S, MECHANISM(CKM_RSA_PKCS), p.public_key));
    CHECK_ONE(F->C_EncryptUpdate(S, (CK_BYTE *)(uintptr_t)plain, sizeof plain, sealed, &len),
              CKR_FUNCTION_NOT_SUPPORTED, CKR_FUNCTION_FAILED, CKR_OPERATION_NOT_INITIALIZED);
}

static void recover(const void *row)
{
    struct pair p = { 0 };
    CK_BYTE sig[256], out[256];
    CK_ULONG len = sizeof sig;

    (void)row;
    if (!OFFERED(CKM_RSA_PKCS, CKF_SIGN_RECOVER | CKF_VERIFY_RECOVER))
        return;
    REQUIRE_OK(keys_rsa(S, 2048, JOB_RECOVER, &p));
    REQUIRE_OK(F->C_SignRecoverInit(S, MECHANISM(CKM_RSA_PKCS), p.private_key));
    CHECK_OK(F->C_SignRecover(S, (CK_BYTE *)(uintptr_t)plain, sizeof plain, sig, &len));
    REQUIRE_OK(F->C_VerifyRecoverInit(S, MECHANISM(CKM_RSA_PKCS), p.public_key));
    len = sizeof out;
    CHECK_OK(F->C_VerifyRecover(S, sig, 256, out, &len));
    CHECK(len == sizeof plain && memcmp(out, plain, len) == 0);
    sig[9] ^= 1;
    REQUIRE_OK(F->C_VerifyRecoverInit(S, MECHANISM(CKM_RSA_PKCS), p.public_key));
    len = sizeof out;
    CHECK_RV(F->C_VerifyRecover(S, sig, 256, out, &len), CKR_SIGNATURE_INVALID);
    REQUIRE_OK(F->C_VerifyRecoverInit(S, MECHANISM(CKM_RSA_PKCS), p.public_key));
    CHECK_RV(F->C_VerifyRecover(S, sig, 255, out, &len), CKR_SIGNATURE_LEN_RANGE);
}

static void recover_not_offered(const void *row)
{
    struct pair p = keys_shared_rsa(JOB_SIGN);
    CK_RV rv;

    (void)row;
    rv = F->C_SignRecoverInit(S, MECHANISM(CKM_RSA_PKCS), p.private_key);
    CHECK_ONE(rv, CKR_KEY_FUNCTION_NOT_PERMITTED, CKR_FUNCTION_NOT_SUPPORTED, CKR_MECHANISM_INVALID);
    rv = F->C_VerifyRecoverInit(S, MECHANISM(CKM_RSA_PKCS), p.public_key);
    CHECK_ONE(rv, CKR_KEY_FUNCTION_NOT_PERMITTED, CKR_FUNCTION_NOT_SUPPORTED, CKR_MECHANISM_INVALID);
}

static const struct test_case cases[] = {
    { "PKCS#1 both ways", LEVEL_USER, pkcs1_both_ways, 0 },
    { "PKCS#1: bad padding is no error", LEVEL_USER, pkcs1_bad_padding, 0 },
    { "PKCS#1: too long and too short", LEVEL_USER, pkcs1_too_long, 0 },
    { "RSA does not come in parts", LEVEL_USER, no_parts, 0 },
    { "signing and verifying with recovery", LEVEL_USER, recover, 0 },
    { "recovery without the right", LEVEL_USER, recover_not_offered, 0 },
};

void suite_rsa(struct suite *s)
{
    static const struct {
        const char *name;
        void (*run)(const void *row);
    } ways[] = { { "decrypts", oaep_decrypts },
                 { "encrypts", oaep_encrypts },
                 { "refuses what is wrong", oaep_wrong },
                 { "too long", oaep_too_long },
                 { "output lengths", oaep_output_lengths } };

    for (size_t i = 0; i < COUNT_OF(oaeps); i++)
        for (size_t w = 0; w < COUNT_OF(ways); w++)
            suite_row(s, LEVEL_USER, ways[w].run, &oaeps[i], "OAEP %s, MGF1 %s%s: %s", oaeps[i].hash_name,
                      oaeps[i].mgf_name, oaeps[i].labelled ? ", label" : "", ways[w].name);
    suite_cases(s, cases, COUNT_OF(cases));
}
