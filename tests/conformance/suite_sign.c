/* Signatures of every mechanism with an asymmetric key: right by libcrypto, right in parts, wrong when changed, and the
 * rules of output length (PKCS#11 3.0, 5.2). PQC has a suite of its own. */
#include <string.h>

#include "tests/conformance/keys.h"
#include "tests/conformance/oracle.h"
#include "tests/conformance/suites.h"

struct signing {
    const char *name;
    CK_MECHANISM_TYPE type;
    const char *curve; /* NULL: RSA */
    struct oracle_signature how;
    CK_MECHANISM_TYPE pss_hash;
    CK_RSA_PKCS_MGF_TYPE pss_mgf;
    CK_ULONG data_len; /* of what is signed */
    CK_ULONG sig_len;
    bool whole; /* hashes by itself, so it may come in parts */
};

#define RSA_HASH(name, hash)                                                                                           \
    {                                                                                                                  \
        "RSA PKCS#1 " name, CKM_##hash##_RSA_PKCS, NULL, { SCHEME_PKCS1, name, NULL, 0 }, 0, 0, 1000, 256, true        \
    }
#define PSS_HASH(name, hash, n)                                                                                        \
    {                                                                                                                  \
        "RSA PSS " name, CKM_##hash##_RSA_PKCS_PSS, NULL, { SCHEME_PSS, name, name, n }, CKM_##hash, CKG_MGF1_##hash,  \
            1000, 256, true                                                                                            \
    }
#define PSS_BARE(name, hash, n, salt)                                                                                  \
    {                                                                                                                  \
        "RSA PSS of a digest " name " salt " #salt, CKM_RSA_PKCS_PSS, NULL, { SCHEME_PSS, NULL, name, salt },          \
            CKM_##hash, CKG_MGF1_##hash, n, 256, false                                                                 \
    }
#define EC_BARE(curve, n, len)                                                                                         \
    {                                                                                                                  \
        "ECDSA " curve " of " #n " bytes", CKM_ECDSA, curve, { SCHEME_ECDSA, NULL, NULL, 0 }, 0, 0, n, len, false      \
    }
#define EC_HASH(curve, name, type, len)                                                                                \
    {                                                                                                                  \
        "ECDSA " curve " " name, type, curve, { SCHEME_ECDSA, name, NULL, 0 }, 0, 0, 1000, len, true                   \
    }

static const struct signing signings[] = {
    RSA_HASH("SHA224", SHA224),
    RSA_HASH("SHA256", SHA256),
    RSA_HASH("SHA384", SHA384),
    RSA_HASH("SHA512", SHA512),
    { "RSA PKCS#1 of 51 bytes", CKM_RSA_PKCS, NULL, { SCHEME_PKCS1_BARE, NULL, NULL, 0 }, 0, 0, 51, 256, false },
    PSS_HASH("SHA256", SHA256, 32),
    PSS_HASH("SHA384", SHA384, 48),
    PSS_HASH("SHA512", SHA512, 64),
    PSS_BARE("SHA256", SHA256, 32, 32),
    PSS_BARE("SHA256", SHA256, 32, 0),
    PSS_BARE("SHA384", SHA384, 48, 20),
    PSS_BARE("SHA512", SHA512, 64, 64),
    EC_BARE("P-256", 32, 64),
    EC_BARE("P-256", 20, 64),
    EC_BARE("P-256", 64, 64),
    EC_BARE("P-384", 48, 96),
    EC_BARE("P-521", 64, 132),
    EC_BARE("secp256k1", 32, 64),
    EC_HASH("P-256", "SHA224", CKM_ECDSA_SHA224, 64),
    EC_HASH("P-256", "SHA256", CKM_ECDSA_SHA256, 64),
    EC_HASH("P-384", "SHA384", CKM_ECDSA_SHA384, 96),
    EC_HASH("P-521", "SHA512", CKM_ECDSA_SHA512, 132),
    EC_HASH("secp256k1", "SHA256", CKM_ECDSA_SHA256, 64),
    EC_HASH("P-256", "SHA3-256", CKM_ECDSA_SHA3_256, 64),
    EC_HASH("P-384", "SHA3-384", CKM_ECDSA_SHA3_384, 96),
    { "Ed25519", CKM_EDDSA, "Ed25519", { SCHEME_EDDSA, NULL, NULL, 0 }, 0, 0, 1000, 64, false },
};

struct signer {
    struct pair pair;
    CK_RSA_PKCS_PSS_PARAMS pss;
    CK_MECHANISM mechanism;
    CK_BYTE data[1000], sig[512];
    CK_ULONG sig_len;
};

/* False: not offered. */
static bool set_up(const struct signing *g, struct signer *out)
{
    *out = (struct signer){ .mechanism = { g->type, NULL, 0 } };
    if (!client_offers(g->type, CKF_SIGN | CKF_VERIFY))
        return check_absent(g->name);
    for (CK_ULONG i = 0; i < g->data_len; i++)
        out->data[i] = (CK_BYTE)(i * 7 + 1);
    out->pair = g->curve == NULL ? keys_shared_rsa(JOB_SIGN) : keys_shared_ec(g->curve, JOB_SIGN);
    if (g->pss_hash != 0) {
        out->pss = (CK_RSA_PKCS_PSS_PARAMS){ g->pss_hash, g->pss_mgf, (CK_ULONG)g->how.salt_len };
        out->mechanism.pParameter = &out->pss;
        out->mechanism.ulParameterLen = sizeof out->pss;
    }
    out->sig_len = sizeof out->sig;
    return true;
}

static bool oracle_agrees(const struct signing *g, const struct signer *s)
{
    EVP_PKEY *key = oracle_public(S, s->pair.public_key);
    bool good = oracle_verify(key, &g->how, s->data, g->data_len, s->sig, s->sig_len);

    EVP_PKEY_free(key);
    return good;
}

static void signs(const void *row)
{
    const struct signing *g = row;
    struct signer s;

    if (!set_up(g, &s))
        return;
    REQUIRE_OK(keys_sign(S, &s.mechanism, s.pair.private_key, s.data, g->data_len, s.sig, &s.sig_len));
    CHECK(s.sig_len == g->sig_len);
    CHECK(oracle_agrees(g, &s));
    CHECK_OK(keys_verify(S, &s.mechanism, s.pair.public_key, s.data, g->data_len, s.sig, s.sig_len));
}

static void refuses_changes(const void *row)
{
    const struct signing *g = row;
    struct signer s;

    if (!set_up(g, &s))
        return;
    REQUIRE_OK(keys_sign(S, &s.mechanism, s.pair.private_key, s.data, g->data_len, s.sig, &s.sig_len));
    s.sig[s.sig_len / 2] ^= 1;
    CHECK_RV(keys_verify(S, &s.mechanism, s.pair.public_key, s.data, g->data_len, s.sig, s.sig_len),
             CKR_SIGNATURE_INVALID);
    s.sig[s.sig_len / 2] ^= 1;
    s.data[0] ^= 1;
    CHECK_RV(keys_verify(S, &s.mechanism, s.pair.public_key, s.data, g->data_len, s.sig, s.sig_len),
             CKR_SIGNATURE_INVALID);
    s.data[0] ^= 1;
    CHECK_RV(keys_verify(S, &s.mechanism, s.pair.public_key, s.data, g->data_len, s.sig, s.sig_len - 1),
             CKR_SIGNATURE_LEN_RANGE);
    CHECK_RV(keys_verify(S, &s.mechanism, s.pair.public_key, s.data, g->data_len, s.sig, 0), CKR_SIGNATURE_LEN_RANGE);
    memset(s.sig, 0, s.sig_len); /* r and s of 0 */
    CHECK_RV(keys_verify(S, &s.mechanism, s.pair.public_key, s.data, g->data_len, s.sig, s.sig_len),
             CKR_SIGNATURE_INVALID);
    memset(s.sig, 0xff, s.sig_len);
    CHECK_RV(keys_verify(S, &s.mechanism, s.pair.public_key, s.data, g->data_len, s.sig, s.sig_len),
             CKR_SIGNATURE_INVALID);
}

static void output_lengths(const void *row)
{
    const struct signing *g = row;
    struct signer s;

    if (!set_up(g, &s))
        return;
    REQUIRE_OK(F->C_SignInit(S, &s.mechanism, s.pair.private_key));
    s.sig_len = 0;
    CHECK_OK(F->C_Sign(S, s.data, g->data_len, NULL, &s.sig_len));
    CHECK(s.sig_len == g->sig_len);
    s.sig_len = g->sig_len - 1;
    CHECK_RV(F->C_Sign(S, s.data, g->data_len, s.sig, &s.sig_len), CKR_BUFFER_TOO_SMALL);
    CHECK(s.sig_len == g->sig_len);
    CHECK_OK(F->C_Sign(S, s.data, g->data_len, s.sig, &s.sig_len)); /* the operation lived through both */
    CHECK(oracle_agrees(g, &s));
    CHECK_RV(F->C_Sign(S, s.data, g->data_len, s.sig, &s.sig_len), CKR_OPERATION_NOT_INITIALIZED);
}

static void in_parts(const void *row)
{
    const struct signing *g = row;
    struct signer s;

    if (!set_up(g, &s))
        return;
    REQUIRE_OK(F->C_SignInit(S, &s.mechanism, s.pair.private_key));
    for (CK_ULONG at = 0, n = 1; at < g->data_len; at += n, n *= 3)
        REQUIRE_OK(F->C_SignUpdate(S, s.data + at, n = n < g->data_len - at ? n : g->data_len - at));
    CHECK_OK(F->C_SignFinal(S, NULL, &s.sig_len));
    CHECK(s.sig_len == g->sig_len);
    s.sig_len = g->sig_len - 1;
    CHECK_RV(F->C_SignFinal(S, s.sig, &s.sig_len), CKR_BUFFER_TOO_SMALL);
    CHECK_OK(F->C_SignFinal(S, s.sig, &s.sig_len));
    CHECK(oracle_agrees(g, &s));
    REQUIRE_OK(F->C_VerifyInit(S, &s.mechanism, s.pair.public_key));
    CHECK_OK(F->C_VerifyUpdate(S, s.data, 500));
    CHECK_OK(F->C_VerifyUpdate(S, s.data + 500, g->data_len - 500));
    CHECK_OK(F->C_VerifyFinal(S, s.sig, s.sig_len));
    REQUIRE_OK(F->C_VerifyInit(S, &s.mechanism, s.pair.public_key));
    CHECK_OK(F->C_VerifyUpdate(S, s.data, g->data_len - 1));
    CHECK_RV(F->C_VerifyFinal(S, s.sig, s.sig_len), CKR_SIGNATURE_INVALID);
    CHECK_RV(F->C_VerifyFinal(S, s.sig, s.sig_len), CKR_OPERATION_NOT_INITIALIZED);
}

static void not_in_parts(const void *row)
{
    const struct signing *g = row;
    struct signer s;
    CK_RV rv;

    if (!set_up(g, &s))
        return;
    REQUIRE_OK(F->C_SignInit(S, &s.mechanism, s.pair.private_key));
    rv = F->C_SignUpdate(S, s.data, g->data_len);
    if (rv == CKR_OK) { /* then it must be right, too */
        CHECK_OK(F->C_SignFinal(S, s.sig, &s.sig_len));
        CHECK(oracle_agrees(g, &s));
        return;
    }
    CHECK_ONE(rv, CKR_FUNCTION_NOT_SUPPORTED, CKR_OPERATION_NOT_INITIALIZED, CKR_FUNCTION_FAILED);
    CHECK_RV(F->C_SignFinal(S, s.sig, &s.sig_len), CKR_OPERATION_NOT_INITIALIZED);
}

static void empty_message(const void *row)
{
    const struct signing *g = row;
    struct signer s;
    EVP_PKEY *key;

    if (!set_up(g, &s))
        return;
    CHECK_OK(keys_sign(S, &s.mechanism, s.pair.private_key, s.data, 0, s.sig, &s.sig_len));
    key = oracle_public(S, s.pair.public_key);
    CHECK(oracle_verify(key, &g->how, s.data, 0, s.sig, s.sig_len));
    EVP_PKEY_free(key);
}

static void one_shot_after_update(const void *row)
{
    const struct signing *g = row;
    struct signer s;

    if (!set_up(g, &s))
        return;
    REQUIRE_OK(F->C_SignInit(S, &s.mechanism, s.pair.private_key));
    REQUIRE_OK(F->C_SignUpdate(S, s.data, 10));
    CHECK_ONE(F->C_Sign(S, s.data, 10, s.sig, &s.sig_len), CKR_OPERATION_ACTIVE, CKR_FUNCTION_REJECTED,
              CKR_OPERATION_NOT_INITIALIZED);
}

static void ecdsa_nonces_differ(const void *row)
{
    struct pair p = keys_shared_ec("P-256", JOB_SIGN);
    CK_BYTE digest[2][32] = { { 1 }, { 2 } }, sig[2][64];
    CK_ULONG len;

    (void)row;
    for (int i = 0; i < 2; i++) {
        len = 64;
        REQUIRE_OK(keys_sign(S, MECHANISM(CKM_ECDSA), p.private_key, digest[i], 32, sig[i], &len));
    }
    CHECK(memcmp(sig[0], sig[1], 32) != 0);
}

static void raw_rsa(const void *row)
{
    struct pair p = keys_shared_rsa(JOB_SIGN);
    CK_BYTE data[256] = { 0, 1, 2 }, sig[256];
    CK_ULONG len = sizeof sig;
    EVP_PKEY *key;

    (void)row;
    if (!OFFERED(CKM_RSA_X_509, CKF_SIGN))
        return;
    REQUIRE_OK(keys_sign(S, MECHANISM(CKM_RSA_X_509), p.private_key, data, sizeof data, sig, &len));
    key = oracle_public(S, p.public_key);
    CHECK(oracle_verify(key, &(struct oracle_signature){ .scheme = SCHEME_RAW }, data, sizeof data, sig, len));
    EVP_PKEY_free(key);
}

static void data_too_long(const void *row)
{
    struct pair p = keys_shared_rsa(JOB_SIGN);
    CK_BYTE data[256] = { 0 }, sig[256];
    CK_ULONG len = sizeof sig;

    (void)row;
    CHECK_RV(keys_sign(S, MECHANISM(CKM_RSA_PKCS), p.private_key, data, 246, sig, &len), CKR_DATA_LEN_RANGE);
    len = sizeof sig;
    CHECK_OK(keys_sign(S, MECHANISM(CKM_RSA_PKCS), p.private_key, data, 245, sig, &len));
}

static void digest_of_wrong_length(const void *row)
{
    struct pair p = keys_shared_rsa(JOB_SIGN);
    CK_RSA_PKCS_PSS_PARAMS pss = { CKM_SHA256, CKG_MGF1_SHA256, 32 };
    CK_BYTE data[64] = { 0 }, sig[256];
    CK_ULONG len = sizeof sig;

    (void)row;
    CHECK_RV(keys_sign(S, MECHANISM_WITH(CKM_RSA_PKCS_PSS, &pss, sizeof pss), p.private_key, data, 31, sig, &len),
             CKR_DATA_LEN_RANGE);
    CHECK_RV(keys_sign(S, MECHANISM_WITH(CKM_RSA_PKCS_PSS, &pss, sizeof pss), p.private_key, data, 33, sig, &len),
             CKR_DATA_LEN_RANGE);
}

static void init_twice(const void *row)
{
    struct pair p = keys_shared_ec("P-256", JOB_SIGN);
    CK_BYTE digest[32] = { 1 }, sig[64];
    CK_ULONG len = sizeof sig;

    (void)row;
    REQUIRE_OK(F->C_SignInit(S, MECHANISM(CKM_ECDSA), p.private_key));
    CHECK_RV(F->C_SignInit(S, MECHANISM(CKM_ECDSA), p.private_key), CKR_OPERATION_ACTIVE);
    CHECK_OK(F->C_Sign(S, digest, 32, sig, &len));
}

static void init_with_null_cancels(const void *row)
{
    struct pair p = keys_shared_ec("P-256", JOB_SIGN);
    CK_BYTE digest[32] = { 1 }, sig[64];
    CK_ULONG len = sizeof sig;

    (void)row;
    if (client.f3 == NULL) {
        check_absent("cancelling by NULL is of 3.0");
        return;
    }
    REQUIRE_OK(F->C_SignInit(S, MECHANISM(CKM_ECDSA), p.private_key));
    CHECK_ONE(F->C_SignInit(S, NULL, 0), CKR_OK, CKR_OPERATION_CANCEL_FAILED, CKR_ARGUMENTS_BAD);
    REQUIRE_OK(client.f3->C_SessionCancel(S, CKF_SIGN));
    CHECK_RV(F->C_Sign(S, digest, 32, sig, &len), CKR_OPERATION_NOT_INITIALIZED);
}

static void sign_and_verify_at_once(const void *row)
{
    struct pair p = keys_shared_ec("P-256", JOB_SIGN);
    CK_BYTE digest[32] = { 1 }, sig[64];
    CK_ULONG len = sizeof sig;

    (void)row;
    REQUIRE_OK(F->C_SignInit(S, MECHANISM(CKM_ECDSA), p.private_key));
    CHECK_ONE(F->C_VerifyInit(S, MECHANISM(CKM_ECDSA), p.public_key), CKR_OK, CKR_OPERATION_ACTIVE);
    CHECK_OK(F->C_Sign(S, digest, 32, sig, &len));
}

static const struct test_case cases[] = {
    { "ECDSA nonces differ", LEVEL_USER, ecdsa_nonces_differ, 0 },
    { "raw RSA", LEVEL_USER, raw_rsa, 0 },
    { "PKCS#1: data too long", LEVEL_USER, data_too_long, 0 },
    { "PSS: a digest of the wrong length", LEVEL_USER, digest_of_wrong_length, 0 },
    { "C_SignInit twice", LEVEL_USER, init_twice, 0 },
    { "cancelling", LEVEL_USER, init_with_null_cancels, 0 },
    { "signing and verifying in one session", LEVEL_USER, sign_and_verify_at_once, 0 },
};

void suite_sign(struct suite *s)
{
    static const struct {
        const char *name;
        void (*run)(const void *row);
        int whole; /* 1: only those that hash; 0: only those that do not; -1: all */
    } ways[] = { { "signs", signs, -1 },
                 { "refuses what is changed", refuses_changes, -1 },
                 { "output lengths", output_lengths, -1 },
                 { "in parts", in_parts, 1 },
                 { "not in parts, or right", not_in_parts, 0 },
                 { "an empty message", empty_message, 1 },
                 { "one-shot after an update", one_shot_after_update, 1 } };

    for (size_t w = 0; w < COUNT_OF(ways); w++)
        for (size_t i = 0; i < COUNT_OF(signings); i++)
            if (ways[w].whole < 0 || (ways[w].whole == 1) == signings[i].whole)
                suite_row(s, LEVEL_USER, ways[w].run, &signings[i], "%s: %s", signings[i].name, ways[w].name);
    suite_cases(s, cases, COUNT_OF(cases));
}
