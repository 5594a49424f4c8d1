/* Parameters of mechanisms that must be refused: wrong size, NULL with a length, lengths beyond all limits, values that
 * weaken (a tag below 96 bits) or do not exist. */
#include <string.h>

#include "tests/conformance/keys.h"
#include "tests/conformance/oracle.h"
#include "tests/conformance/suites.h"

static CK_BYTE iv[16], room[64];

static CK_OBJECT_HANDLE aes_key(void)
{
    CK_OBJECT_HANDLE key = 0;

    REQUIRE_OK(keys_aes(S, 32, RIGHTS_ENCRYPT, false, &key));
    return key;
}

static CK_RV encrypt_init(CK_MECHANISM_TYPE type, const void *p, CK_ULONG len)
{
    CK_RV rv = F->C_EncryptInit(S, MECHANISM_WITH(type, p, len), aes_key());

    if (rv == CKR_OK) /* some tokens look at it later */
        rv = F->C_Encrypt(S, iv, 16, room, &(CK_ULONG){ sizeof room });
    return rv;
}

struct bad_iv {
    const char *name;
    CK_MECHANISM_TYPE type;
    CK_ULONG len;
    bool null;
};

static const struct bad_iv bad_ivs[] = {
    { "CBC without an IV", CKM_AES_CBC, 0, true },
    { "CBC, NULL of 16 bytes", CKM_AES_CBC, 16, true },
    { "CBC, 15 bytes", CKM_AES_CBC, 15, false },
    { "CBC, 17 bytes", CKM_AES_CBC, 17, false },
    { "CBC, 0 bytes", CKM_AES_CBC, 0, false },
    { "CBC, all ones", CKM_AES_CBC, (CK_ULONG)-1, false },
    { "CBC_PAD without an IV", CKM_AES_CBC_PAD, 0, true },
    { "CBC_PAD, 8 bytes", CKM_AES_CBC_PAD, 8, false },
    { "CTR without parameters", CKM_AES_CTR, 0, true },
    { "CTR of 16 bytes", CKM_AES_CTR, 16, false },
    { "ECB with an IV", CKM_AES_ECB, 16, false },
    { "GCM without parameters", CKM_AES_GCM, 0, true },
    { "GCM, NULL with a length", CKM_AES_GCM, sizeof(CK_GCM_PARAMS), true },
    { "GCM of 8 bytes", CKM_AES_GCM, 8, false },
    { "GCM, all ones", CKM_AES_GCM, (CK_ULONG)-1, false },
};

static void iv_refused(const void *row)
{
    const struct bad_iv *b = row;
    CK_BYTE parameter[64] = { 0 };

    if (!client_offers(b->type, CKF_ENCRYPT)) {
        check_absent(b->name);
        return;
    }
    CHECK_ONE(encrypt_init(b->type, b->null ? NULL : parameter, b->len), CKR_MECHANISM_PARAM_INVALID,
              CKR_ARGUMENTS_BAD);
}

struct bad_gcm {
    const char *name;
    CK_ULONG iv_len, iv_bits, aad_len, tag_bits;
    bool iv_null, aad_null;
};

static const struct bad_gcm bad_gcms[] = {
    { "an IV of 0 bytes", 0, 0, 0, 128, false, false },
    { "an IV of NULL", 12, 96, 0, 128, true, false },
    { "an IV of 2^40 bytes", (CK_ULONG)1 << 40, 0, 0, 128, false, false },
    { "AAD of NULL", 12, 96, 20, 128, false, true },
    { "AAD of 2^40 bytes", 12, 96, (CK_ULONG)1 << 40, 128, false, false },
    { "a tag of 0 bits", 12, 96, 0, 0, false, false },
    { "a tag of 32 bits", 12, 96, 0, 32, false, false },
    { "a tag of 64 bits", 12, 96, 0, 64, false, false },
    { "a tag of 88 bits", 12, 96, 0, 88, false, false },
    { "a tag of 121 bits", 12, 96, 0, 121, false, false },
    { "a tag of 136 bits", 12, 96, 0, 136, false, false },
    { "a tag of all ones", 12, 96, 0, (CK_ULONG)-1, false, false },
};

static void gcm_refused(const void *row)
{
    const struct bad_gcm *b = row;
    CK_GCM_PARAMS p = { .pIv = b->iv_null ? NULL : iv,
                        .ulIvLen = b->iv_len,
                        .ulIvBits = b->iv_bits,
                        .pAAD = b->aad_null ? NULL : room,
                        .ulAADLen = b->aad_len,
                        .ulTagBits = b->tag_bits };

    if (!OFFERED(CKM_AES_GCM, CKF_ENCRYPT))
        return;
    CHECK_ONE(encrypt_init(CKM_AES_GCM, &p, sizeof p), CKR_MECHANISM_PARAM_INVALID, CKR_ARGUMENTS_BAD);
}

static const CK_ULONG good_tags[] = { 96, 104, 112, 120, 128 };

static void gcm_tag(const void *row)
{
    const CK_ULONG *bits = row;
    CK_GCM_PARAMS p = { .pIv = iv, .ulIvLen = 12, .ulIvBits = 96, .ulTagBits = *bits };
    CK_OBJECT_HANDLE key = aes_key();
    CK_MECHANISM m = { CKM_AES_GCM, &p, sizeof p };
    CK_BYTE out[64], back[64];
    CK_ULONG len = sizeof out, n = sizeof back;

    CHECK_OK(keys_encrypt(S, &m, key, iv, 16, out, &len));
    CHECK(len == 16 + *bits / 8);
    CHECK_OK(keys_decrypt(S, &m, key, out, len, back, &n));
    CHECK(n == 16 && memcmp(back, iv, 16) == 0);
}

static const CK_ULONG bad_counters[] = { 0, 129, 256, (CK_ULONG)-1 };

static void ctr_refused(const void *row)
{
    const CK_ULONG *bits = row;
    CK_AES_CTR_PARAMS p = { .ulCounterBits = *bits };

    if (!OFFERED(CKM_AES_CTR, CKF_ENCRYPT))
        return;
    CHECK_RV(encrypt_init(CKM_AES_CTR, &p, sizeof p), CKR_MECHANISM_PARAM_INVALID);
}

/* A counter of 8 bits serves 256 blocks and not one more: the next would repeat the key stream. */
static void ctr_runs_out(const void *row)
{
    static CK_BYTE in[16 * 257], out[16 * 257];
    CK_AES_CTR_PARAMS p = { .ulCounterBits = 8 };
    CK_ULONG len = sizeof out;

    (void)row;
    if (!OFFERED(CKM_AES_CTR, CKF_ENCRYPT))
        return;
    CHECK(keys_encrypt(S, MECHANISM_WITH(CKM_AES_CTR, &p, sizeof p), aes_key(), in, sizeof in, out, &len) != CKR_OK);
}

struct bad_pss {
    const char *name;
    CK_MECHANISM_TYPE type;
    CK_RSA_PKCS_PSS_PARAMS p;
    CK_ULONG len;
    bool null;
};

static const struct bad_pss bad_psss[] = {
    { "no parameters", CKM_SHA256_RSA_PKCS_PSS, { 0 }, 0, true },
    { "NULL with a length", CKM_SHA256_RSA_PKCS_PSS, { 0 }, sizeof(CK_RSA_PKCS_PSS_PARAMS), true },
    { "a part of them", CKM_SHA256_RSA_PKCS_PSS, { CKM_SHA256, CKG_MGF1_SHA256, 32 }, 16, false },
    { "another hash than the mechanism's", CKM_SHA256_RSA_PKCS_PSS, { CKM_SHA384, CKG_MGF1_SHA384, 32 }, 24, false },
    { "a hash that is none", CKM_RSA_PKCS_PSS, { CKM_RSA_PKCS, CKG_MGF1_SHA256, 32 }, 24, false },
    { "an MGF that is none", CKM_SHA256_RSA_PKCS_PSS, { CKM_SHA256, 99, 32 }, 24, false },
    { "a salt beyond the modulus", CKM_SHA256_RSA_PKCS_PSS, { CKM_SHA256, CKG_MGF1_SHA256, 1000 }, 24, false },
    { "a salt of all ones", CKM_SHA256_RSA_PKCS_PSS, { CKM_SHA256, CKG_MGF1_SHA256, (CK_ULONG)-1 }, 24, false },
};

static void pss_refused(const void *row)
{
    const struct bad_pss *b = row;
    struct pair pair = keys_shared_rsa(JOB_SIGN);
    CK_BYTE sig[256];
    CK_ULONG len = sizeof sig;
    CK_RV rv;

    if (!client_offers(b->type, CKF_SIGN)) {
        check_absent(b->name);
        return;
    }
    rv = keys_sign(S, MECHANISM_WITH(b->type, b->null ? NULL : &b->p, b->len), pair.private_key, room, 32, sig, &len);
    CHECK_ONE(rv, CKR_MECHANISM_PARAM_INVALID, CKR_ARGUMENTS_BAD);
}

struct bad_oaep {
    const char *name;
    CK_RSA_PKCS_OAEP_PARAMS p;
    CK_ULONG len;
    bool null, label;
};

static const struct bad_oaep bad_oaeps[] = {
    { "no parameters", { 0 }, 0, true, false },
    { "a part of them", { CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, NULL, 0 }, 16, false, false },
    { "a hash that is none", { CKM_RSA_PKCS, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, NULL, 0 }, 40, false, false },
    { "an MGF that is none", { CKM_SHA256, 99, CKZ_DATA_SPECIFIED, NULL, 0 }, 40, false, false },
    { "a source that is none", { CKM_SHA256, CKG_MGF1_SHA256, 7, NULL, 0 }, 40, false, false },
    { "a label of NULL", { CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, NULL, 5 }, 40, false, false },
    { "a label of 2^40 bytes",
      { CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, NULL, (CK_ULONG)1 << 40 },
      40,
      false,
      true },
};

static void oaep_refused(const void *row)
{
    const struct bad_oaep *b = row;
    struct pair pair = keys_shared_rsa(JOB_DECRYPT);
    CK_RSA_PKCS_OAEP_PARAMS p = b->p;
    CK_BYTE out[256];
    CK_ULONG len = sizeof out;
    CK_RV rv;

    if (b->label)
        p.pSourceData = room;
    rv = keys_encrypt(S, MECHANISM_WITH(CKM_RSA_PKCS_OAEP, b->null ? NULL : &p, b->len), pair.public_key, room, 16, out,
                      &len);
    CHECK_ONE(rv, CKR_MECHANISM_PARAM_INVALID, CKR_ARGUMENTS_BAD);
}

struct bad_ecdh {
    const char *name;
    CK_ULONG kdf, point_len, shared_len;
    int spoil; /* byte of the point to spoil, or -1 */
    bool null;
};

static const struct bad_ecdh bad_ecdhs[] = {
    { "a point off the curve", CKD_NULL, 65, 0, 64, false },
    { "a point cut short", CKD_NULL, 64, 0, -1, false },
    { "a point of 0 bytes", CKD_NULL, 0, 0, -1, false },
    { "a point of NULL", CKD_NULL, 65, 0, -1, true },
    { "a point of 2^40 bytes", CKD_NULL, (CK_ULONG)1 << 40, 0, -1, false },
    { "the point at infinity", CKD_NULL, 1, 0, 0, false },
    { "a compressed point's first byte", CKD_NULL, 65, 0, 0, false },
    { "a KDF that is none", 0x777, 65, 0, -1, false },
    { "shared data without a KDF", CKD_NULL, 65, 16, -1, false },
};

static void ecdh_refused(const void *row)
{
    const struct bad_ecdh *b = row;
    struct pair pair = keys_shared_ec("P-256", JOB_DERIVE);
    EVP_PKEY *peer = oracle_generate_ec("P-256");
    CK_BYTE point[65], shared[16] = { 0 };
    CK_ECDH1_DERIVE_PARAMS p = { .kdf = b->kdf,
                                 .pPublicData = b->null ? NULL : point,
                                 .ulPublicDataLen = b->point_len,
                                 .pSharedData = b->shared_len > 0 ? shared : NULL,
                                 .ulSharedDataLen = b->shared_len };
    CK_OBJECT_HANDLE o = 0;

    CHECK(oracle_public_point(peer, point, sizeof point) == sizeof point);
    if (b->spoil >= 0)
        point[b->spoil] ^= b->spoil == 0 ? 0x06 : 1;
    if (b->point_len == 1)
        point[0] = 0;
    CHECK_ONE(F->C_DeriveKey(S, MECHANISM_WITH(CKM_ECDH1_DERIVE, &p, sizeof p), pair.private_key,
                             TEMPLATE(NUMBER(CKA_CLASS, CKO_SECRET_KEY), NUMBER(CKA_KEY_TYPE, CKK_GENERIC_SECRET),
                                      NUMBER(CKA_VALUE_LEN, 32), NO(CKA_TOKEN), YES(CKA_SENSITIVE)),
                             &o),
              CKR_MECHANISM_PARAM_INVALID, CKR_ARGUMENTS_BAD, CKR_PUBLIC_KEY_INVALID);
    EVP_PKEY_free(peer);
}

static void ecdh_struct_refused(const void *row)
{
    struct pair pair = keys_shared_ec("P-256", JOB_DERIVE);
    CK_ECDH1_DERIVE_PARAMS p = { .kdf = CKD_NULL };
    CK_OBJECT_HANDLE o = 0;

    (void)row;
    CHECK_ONE(F->C_DeriveKey(S, MECHANISM_WITH(CKM_ECDH1_DERIVE, NULL, sizeof p), pair.private_key,
                             TEMPLATE(NUMBER(CKA_CLASS, CKO_SECRET_KEY), NUMBER(CKA_KEY_TYPE, CKK_AES)), &o),
              CKR_MECHANISM_PARAM_INVALID, CKR_ARGUMENTS_BAD);
    CHECK_ONE(F->C_DeriveKey(S, MECHANISM_WITH(CKM_ECDH1_DERIVE, &p, 3), pair.private_key,
                             TEMPLATE(NUMBER(CKA_CLASS, CKO_SECRET_KEY), NUMBER(CKA_KEY_TYPE, CKK_AES)), &o),
              CKR_MECHANISM_PARAM_INVALID, CKR_ARGUMENTS_BAD);
}

static void eddsa_params(const void *row)
{
    CK_BYTE context[300] = { 0 };
    struct eddsa_params p = { .context_len = sizeof context, .context = context };
    CK_BYTE sig[64];
    CK_ULONG len = sizeof sig;
    CK_RV rv;

    (void)row;
    if (!OFFERED(CKM_EDDSA, CKF_SIGN))
        return;
    rv = keys_sign(S, MECHANISM_WITH(CKM_EDDSA, &p, sizeof p), keys_shared_ec("Ed25519", JOB_SIGN).private_key, iv, 16,
                   sig, &len);
    CHECK_ONE(rv, CKR_MECHANISM_PARAM_INVALID, CKR_ARGUMENTS_BAD);
}

static void unknown_mechanism(const void *row)
{
    struct pair p = keys_shared_ec("P-256", JOB_SIGN);
    CK_OBJECT_HANDLE key = aes_key();

    (void)row;
    CHECK_RV(F->C_SignInit(S, MECHANISM(CKM_VENDOR_DEFINED | 0x777), p.private_key), CKR_MECHANISM_INVALID);
    CHECK_RV(F->C_EncryptInit(S, MECHANISM(CKM_SHA256), key), CKR_MECHANISM_INVALID);
    CHECK_RV(F->C_SignInit(S, MECHANISM(CKM_SHA256), p.private_key), CKR_MECHANISM_INVALID);
    CHECK_RV(F->C_SignInit(S, MECHANISM(CKM_EC_KEY_PAIR_GEN), p.private_key), CKR_MECHANISM_INVALID);
}

/* What fell to cryptanalysis is not there, or not for signing (MD5, single DES, RC4). */
static void broken_mechanisms(const void *row)
{
    (void)row;
    CHECK(!client_offers(CKM_MD5_RSA_PKCS, CKF_SIGN));
    CHECK(!client_offers(CKM_DES_CBC, CKF_ENCRYPT));
    CHECK(!client_offers(CKM_DES_KEY_GEN, CKF_GENERATE));
    CHECK(!client_offers(CKM_RC4, CKF_ENCRYPT));
}

static const struct test_case cases[] = {
    { "ECDH: the structure itself", LEVEL_USER, ecdh_struct_refused, 0 },
    { "EdDSA: a context beyond 255 bytes", LEVEL_USER, eddsa_params, 0 },
    { "CTR: a counter that runs out", LEVEL_USER, ctr_runs_out, 0 },
    { "mechanisms of no such kind", LEVEL_USER, unknown_mechanism, 0 },
    { "broken mechanisms are not offered", LEVEL_USER, broken_mechanisms, 0 },
};

void suite_parameters(struct suite *s)
{
    for (size_t i = 0; i < COUNT_OF(bad_ivs); i++)
        suite_row(s, LEVEL_USER, iv_refused, &bad_ivs[i], "%s", bad_ivs[i].name);
    for (size_t i = 0; i < COUNT_OF(bad_gcms); i++)
        suite_row(s, LEVEL_USER, gcm_refused, &bad_gcms[i], "GCM: %s", bad_gcms[i].name);
    for (size_t i = 0; i < COUNT_OF(good_tags); i++)
        suite_row(s, LEVEL_USER, gcm_tag, &good_tags[i], "GCM: a tag of %lu bits serves", good_tags[i]);
    for (size_t i = 0; i < COUNT_OF(bad_counters); i++)
        suite_row(s, LEVEL_USER, ctr_refused, &bad_counters[i], "CTR: %ld counter bits", (long)bad_counters[i]);
    for (size_t i = 0; i < COUNT_OF(bad_psss); i++)
        suite_row(s, LEVEL_USER, pss_refused, &bad_psss[i], "PSS: %s", bad_psss[i].name);
    for (size_t i = 0; i < COUNT_OF(bad_oaeps); i++)
        suite_row(s, LEVEL_USER, oaep_refused, &bad_oaeps[i], "OAEP: %s", bad_oaeps[i].name);
    for (size_t i = 0; i < COUNT_OF(bad_ecdhs); i++)
        suite_row(s, LEVEL_USER, ecdh_refused, &bad_ecdhs[i], "ECDH: %s", bad_ecdhs[i].name);
    suite_cases(s, cases, COUNT_OF(cases));
}
