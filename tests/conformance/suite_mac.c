/* MACs: HMAC with every hash, its _GENERAL form, AES-CMAC: equal to libcrypto's, in one piece and in parts. */
#include <string.h>

#include "tests/conformance/keys.h"
#include "tests/conformance/oracle.h"
#include "tests/conformance/suites.h"

struct mac {
    const char *name;
    CK_MECHANISM_TYPE type;
    const char *hash; /* NULL: CMAC */
    CK_KEY_TYPE key_type;
    CK_ULONG key_len, len;
    CK_ULONG general; /* 0, or the length asked for */
};

static const struct mac macs[] = {
    { "HMAC SHA-1", CKM_SHA_1_HMAC, "SHA1", CKK_GENERIC_SECRET, 32, 20, 0 },
    { "HMAC SHA-224", CKM_SHA224_HMAC, "SHA224", CKK_GENERIC_SECRET, 32, 28, 0 },
    { "HMAC SHA-256", CKM_SHA256_HMAC, "SHA256", CKK_GENERIC_SECRET, 32, 32, 0 },
    { "HMAC SHA-256, a key of 200 bytes", CKM_SHA256_HMAC, "SHA256", CKK_GENERIC_SECRET, 200, 32, 0 },
    { "HMAC SHA-384", CKM_SHA384_HMAC, "SHA384", CKK_GENERIC_SECRET, 48, 48, 0 },
    { "HMAC SHA-512", CKM_SHA512_HMAC, "SHA512", CKK_GENERIC_SECRET, 64, 64, 0 },
    { "HMAC SHA3-256", CKM_SHA3_256_HMAC, "SHA3-256", CKK_GENERIC_SECRET, 32, 32, 0 },
    { "HMAC SHA3-384", CKM_SHA3_384_HMAC, "SHA3-384", CKK_GENERIC_SECRET, 48, 48, 0 },
    { "HMAC SHA3-512", CKM_SHA3_512_HMAC, "SHA3-512", CKK_GENERIC_SECRET, 64, 64, 0 },
    { "HMAC SHA-256 of 16 bytes", CKM_SHA256_HMAC_GENERAL, "SHA256", CKK_GENERIC_SECRET, 32, 16, 16 },
    { "HMAC SHA-384 of 24 bytes", CKM_SHA384_HMAC_GENERAL, "SHA384", CKK_GENERIC_SECRET, 48, 24, 24 },
    { "HMAC SHA-512 of 32 bytes", CKM_SHA512_HMAC_GENERAL, "SHA512", CKK_GENERIC_SECRET, 64, 32, 32 },
    { "CMAC AES-128", CKM_AES_CMAC, NULL, CKK_AES, 16, 16, 0 },
    { "CMAC AES-192", CKM_AES_CMAC, NULL, CKK_AES, 24, 16, 0 },
    { "CMAC AES-256", CKM_AES_CMAC, NULL, CKK_AES, 32, 16, 0 },
    { "CMAC AES-256 of 12 bytes", CKM_AES_CMAC_GENERAL, NULL, CKK_AES, 32, 12, 12 },
};

struct maker {
    CK_BYTE key[256], data[1000], ours[64], theirs[64];
    CK_ULONG general, len;
    CK_MECHANISM mechanism;
    CK_OBJECT_HANDLE handle;
};

static bool set_up(const struct mac *m, struct maker *out, CK_ULONG data_len)
{
    *out = (struct maker){ .general = m->general, .len = 64, .mechanism = { m->type, NULL, 0 } };
    if (!client_offers(m->type, CKF_SIGN | CKF_VERIFY))
        return check_absent(m->name);
    for (CK_ULONG i = 0; i < sizeof out->key; i++)
        out->key[i] = (CK_BYTE)(i + 17);
    memset(out->data, 0x3c, sizeof out->data);
    if (m->general != 0) {
        out->mechanism.pParameter = &out->general;
        out->mechanism.ulParameterLen = sizeof out->general;
    }
    REQUIRE_OK(keys_import(S, m->key_type, out->key, m->key_len, RIGHTS_SIGN, &out->handle));
    REQUIRE(oracle_mac(m->hash, out->key, m->key_len, out->data, data_len, out->ours) != (size_t)-1);
    return true;
}

static void equals(const void *row)
{
    static const CK_ULONG lengths[] = { 1000, 0, 1, 16, 64, 128 };
    const struct mac *m = row;
    struct maker k;

    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        if (!set_up(m, &k, lengths[i]))
            return;
        CHECK_OK(keys_sign(S, &k.mechanism, k.handle, k.data, lengths[i], k.theirs, &k.len));
        CHECK(k.len == m->len && memcmp(k.ours, k.theirs, m->len) == 0);
        CHECK_OK(keys_verify(S, &k.mechanism, k.handle, k.data, lengths[i], k.ours, m->len));
    }
}

static void in_parts(const void *row)
{
    const struct mac *m = row;
    struct maker k;

    if (!set_up(m, &k, 1000))
        return;
    REQUIRE_OK(F->C_SignInit(S, &k.mechanism, k.handle));
    for (CK_ULONG at = 0; at < 1000; at += 125)
        REQUIRE_OK(F->C_SignUpdate(S, k.data + at, 125));
    CHECK_OK(F->C_SignFinal(S, k.theirs, &k.len));
    CHECK(k.len == m->len && memcmp(k.ours, k.theirs, m->len) == 0);
    REQUIRE_OK(F->C_VerifyInit(S, &k.mechanism, k.handle));
    CHECK_OK(F->C_VerifyUpdate(S, k.data, 999));
    CHECK_OK(F->C_VerifyUpdate(S, k.data + 999, 1));
    CHECK_OK(F->C_VerifyFinal(S, k.ours, m->len));
}

static void refuses_changes(const void *row)
{
    const struct mac *m = row;
    struct maker k;

    if (!set_up(m, &k, 1000))
        return;
    k.ours[m->len - 1] ^= 1;
    CHECK_RV(keys_verify(S, &k.mechanism, k.handle, k.data, 1000, k.ours, m->len), CKR_SIGNATURE_INVALID);
    k.ours[m->len - 1] ^= 1;
    CHECK_RV(keys_verify(S, &k.mechanism, k.handle, k.data, 999, k.ours, m->len), CKR_SIGNATURE_INVALID);
    CHECK_RV(keys_verify(S, &k.mechanism, k.handle, k.data, 1000, k.ours, m->len - 1), CKR_SIGNATURE_LEN_RANGE);
    CHECK_RV(keys_verify(S, &k.mechanism, k.handle, k.data, 1000, k.ours, m->len + 1), CKR_SIGNATURE_LEN_RANGE);
    CHECK_RV(keys_verify(S, &k.mechanism, k.handle, k.data, 1000, k.ours, 0), CKR_SIGNATURE_LEN_RANGE);
}

static void output_lengths(const void *row)
{
    const struct mac *m = row;
    struct maker k;

    if (!set_up(m, &k, 1000))
        return;
    REQUIRE_OK(F->C_SignInit(S, &k.mechanism, k.handle));
    CHECK_OK(F->C_Sign(S, k.data, 1000, NULL, &k.len));
    CHECK(k.len == m->len);
    k.len = m->len - 1;
    CHECK_RV(F->C_Sign(S, k.data, 1000, k.theirs, &k.len), CKR_BUFFER_TOO_SMALL);
    CHECK(k.len == m->len);
    CHECK_OK(F->C_Sign(S, k.data, 1000, k.theirs, &k.len));
    CHECK(memcmp(k.ours, k.theirs, m->len) == 0);
}

static const struct mac bad_general[] = {
    { "HMAC of 33 bytes", CKM_SHA256_HMAC_GENERAL, "SHA256", CKK_GENERIC_SECRET, 32, 33, 33 },
    { "HMAC of 4 bytes", CKM_SHA256_HMAC_GENERAL, "SHA256", CKK_GENERIC_SECRET, 32, 4, 4 },
    { "CMAC of 17 bytes", CKM_AES_CMAC_GENERAL, NULL, CKK_AES, 32, 17, 17 },
    { "CMAC of 2 bytes", CKM_AES_CMAC_GENERAL, NULL, CKK_AES, 32, 2, 2 },
};

static void general_out_of_range(const void *row)
{
    const struct mac *m = row;
    struct maker k;

    if (!set_up(m, &k, 1000))
        return;
    /* At C_SignInit, or where the operation reaches the token. */
    CHECK_RV(keys_sign(S, &k.mechanism, k.handle, k.data, 16, k.theirs, &k.len), CKR_MECHANISM_PARAM_INVALID);
    k.mechanism.ulParameterLen = 4;
    CHECK_RV(F->C_SignInit(S, &k.mechanism, k.handle), CKR_MECHANISM_PARAM_INVALID);
}

static void parameter_where_none_is(const void *row)
{
    CK_BYTE key[32] = { 1 };
    CK_OBJECT_HANDLE o = 0;

    (void)row;
    REQUIRE_OK(keys_import(S, CKK_GENERIC_SECRET, key, sizeof key, RIGHTS_SIGN, &o));
    CHECK_RV(F->C_SignInit(S, MECHANISM_WITH(CKM_SHA256_HMAC, key, 8), o), CKR_MECHANISM_PARAM_INVALID);
}

static const struct test_case cases[] = {
    { "a parameter where none belongs", LEVEL_USER, parameter_where_none_is, 0 },
};

void suite_mac(struct suite *s)
{
    for (size_t i = 0; i < COUNT_OF(macs); i++) {
        suite_row(s, LEVEL_USER, equals, &macs[i], "%s: equals libcrypto's", macs[i].name);
        suite_row(s, LEVEL_USER, in_parts, &macs[i], "%s: in parts", macs[i].name);
        suite_row(s, LEVEL_USER, refuses_changes, &macs[i], "%s: refuses what is changed", macs[i].name);
        suite_row(s, LEVEL_USER, output_lengths, &macs[i], "%s: output lengths", macs[i].name);
    }
    for (size_t i = 0; i < COUNT_OF(bad_general); i++)
        suite_row(s, LEVEL_USER, general_out_of_range, &bad_general[i], "%s is refused", bad_general[i].name);
    suite_cases(s, cases, COUNT_OF(cases));
}
