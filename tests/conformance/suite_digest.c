/* PKCS#11 3.0, 5.12: digests. */
#include <string.h>

#include "tests/conformance/keys.h"
#include "tests/conformance/oracle.h"
#include "tests/conformance/suites.h"

static const struct digest {
    const char *name;
    CK_MECHANISM_TYPE type;
    CK_ULONG len;
} digests[] = {
    { "SHA1", CKM_SHA_1, 20 },        { "SHA224", CKM_SHA224, 28 },     { "SHA256", CKM_SHA256, 32 },
    { "SHA384", CKM_SHA384, 48 },     { "SHA512", CKM_SHA512, 64 },     { "SHA3-224", CKM_SHA3_224, 28 },
    { "SHA3-256", CKM_SHA3_256, 32 }, { "SHA3-384", CKM_SHA3_384, 48 }, { "SHA3-512", CKM_SHA3_512, 64 },
};

static CK_BYTE data[100000];

static CK_RV digest(const struct digest *d, CK_ULONG len, CK_BYTE *out, CK_ULONG *out_len)
{
    CK_RV rv = F->C_DigestInit(S, MECHANISM(d->type));

    return rv == CKR_OK ? F->C_Digest(S, data, len, out, out_len) : rv;
}

static void equals(const void *row)
{
    static const CK_ULONG lengths[] = { 0, 1, 55, 56, 64, 1000, sizeof data };
    const struct digest *d = row;
    CK_BYTE ours[64], theirs[64];
    CK_ULONG n;

    if (!client_offers(d->type, CKF_DIGEST)) {
        check_absent(d->name);
        return;
    }
    memset(data, 0x61, sizeof data);
    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        n = sizeof theirs;
        CHECK_OK(digest(d, lengths[i], theirs, &n));
        CHECK(n == d->len && oracle_digest(d->name, data, lengths[i], ours) == n && memcmp(ours, theirs, n) == 0);
    }
}

static void in_parts(const void *row)
{
    const struct digest *d = row;
    CK_BYTE ours[64], theirs[64];
    CK_ULONG n = sizeof theirs;

    if (!client_offers(d->type, CKF_DIGEST)) {
        check_absent(d->name);
        return;
    }
    memset(data, 0x62, sizeof data);
    REQUIRE_OK(F->C_DigestInit(S, MECHANISM(d->type)));
    for (CK_ULONG at = 0; at < 1000; at += 100)
        REQUIRE_OK(F->C_DigestUpdate(S, data + at, 100));
    CHECK_OK(F->C_DigestFinal(S, NULL, &n));
    CHECK(n == d->len);
    n = d->len - 1;
    CHECK_RV(F->C_DigestFinal(S, theirs, &n), CKR_BUFFER_TOO_SMALL);
    CHECK_OK(F->C_DigestFinal(S, theirs, &n));
    CHECK(n == d->len && oracle_digest(d->name, data, 1000, ours) == n && memcmp(ours, theirs, n) == 0);
}

static void output_lengths(const void *row)
{
    const struct digest *d = row;
    CK_BYTE out[64];
    CK_ULONG n = 0;

    if (!client_offers(d->type, CKF_DIGEST)) {
        check_absent(d->name);
        return;
    }
    REQUIRE_OK(F->C_DigestInit(S, MECHANISM(d->type)));
    CHECK_OK(F->C_Digest(S, data, 10, NULL, &n));
    CHECK(n == d->len);
    n = d->len - 1;
    CHECK_RV(F->C_Digest(S, data, 10, out, &n), CKR_BUFFER_TOO_SMALL);
    CHECK_OK(F->C_Digest(S, data, 10, out, &n));
    CHECK_RV(F->C_Digest(S, data, 10, out, &n), CKR_OPERATION_NOT_INITIALIZED);
}

static void without_login(const void *row)
{
    CK_BYTE out[64];
    CK_ULONG n = sizeof out;

    (void)row;
    CHECK_OK(digest(&digests[2], 10, out, &n));
}

static void init_twice(const void *row)
{
    (void)row;
    REQUIRE_OK(F->C_DigestInit(S, MECHANISM(CKM_SHA256)));
    CHECK_RV(F->C_DigestInit(S, MECHANISM(CKM_SHA256)), CKR_OPERATION_ACTIVE);
}

static void one_shot_after_update(const void *row)
{
    CK_BYTE out[64];
    CK_ULONG n = sizeof out;

    (void)row;
    REQUIRE_OK(F->C_DigestInit(S, MECHANISM(CKM_SHA256)));
    REQUIRE_OK(F->C_DigestUpdate(S, data, 10));
    CHECK_ONE(F->C_Digest(S, data, 10, out, &n), CKR_OPERATION_ACTIVE, CKR_FUNCTION_REJECTED);
}

static void of_nothing(const void *row)
{
    CK_BYTE ours[64], out[64];
    CK_ULONG n = sizeof out;

    (void)row;
    REQUIRE_OK(F->C_DigestInit(S, MECHANISM(CKM_SHA256)));
    CHECK_OK(F->C_DigestFinal(S, out, &n));
    CHECK(n == 32 && oracle_digest("SHA256", "", 0, ours) == 32 && memcmp(ours, out, 32) == 0);
}

static void null_data(const void *row)
{
    CK_BYTE out[64];
    CK_ULONG n = sizeof out;

    (void)row;
    REQUIRE_OK(F->C_DigestInit(S, MECHANISM(CKM_SHA256)));
    CHECK_RV(F->C_Digest(S, NULL, 10, out, &n), CKR_ARGUMENTS_BAD);
}

static void not_a_digest(const void *row)
{
    (void)row;
    CHECK_RV(F->C_DigestInit(S, MECHANISM(CKM_RSA_PKCS)), CKR_MECHANISM_INVALID);
    CHECK_RV(F->C_DigestInit(S, MECHANISM(CKM_AES_KEY_GEN)), CKR_MECHANISM_INVALID);
    CHECK_RV(F->C_DigestInit(S, MECHANISM_WITH(CKM_SHA256, data, 8)), CKR_MECHANISM_PARAM_INVALID);
}

static void of_a_key(const void *row)
{
    CK_BYTE value[32] = { 1, 2, 3 }, ours[64], out[64];
    CK_OBJECT_HANDLE key = 0;
    CK_ULONG n = sizeof out;
    CK_RV rv;

    (void)row;
    REQUIRE_OK(keys_import(S, CKK_GENERIC_SECRET, value, sizeof value, RIGHTS_SIGN, &key));
    REQUIRE_OK(F->C_DigestInit(S, MECHANISM(CKM_SHA256)));
    rv = F->C_DigestKey(S, key);
    CHECK_ONE(rv, CKR_OK, CKR_KEY_INDIGESTIBLE, CKR_FUNCTION_NOT_SUPPORTED);
    if (rv != CKR_OK)
        return;
    CHECK_OK(F->C_DigestFinal(S, out, &n));
    CHECK(n == 32 && oracle_digest("SHA256", value, 32, ours) == 32 && memcmp(ours, out, 32) == 0);
}

static void of_a_private_key(const void *row)
{
    struct pair p = keys_shared_ec("P-256", JOB_SIGN);

    (void)row;
    REQUIRE_OK(F->C_DigestInit(S, MECHANISM(CKM_SHA256)));
    CHECK_ONE(F->C_DigestKey(S, p.private_key), CKR_KEY_INDIGESTIBLE, CKR_KEY_HANDLE_INVALID,
              CKR_FUNCTION_NOT_SUPPORTED);
}

static const struct test_case cases[] = {
    { "without login", LEVEL_PUBLIC, without_login, 0 },
    { "C_DigestInit twice", LEVEL_PUBLIC, init_twice, 0 },
    { "one-shot after an update", LEVEL_PUBLIC, one_shot_after_update, 0 },
    { "of nothing, in parts", LEVEL_PUBLIC, of_nothing, 0 },
    { "NULL with a length", LEVEL_PUBLIC, null_data, 0 },
    { "mechanisms that digest nothing", LEVEL_PUBLIC, not_a_digest, 0 },
    { "C_DigestKey of a secret key", LEVEL_USER, of_a_key, 0 },
    { "C_DigestKey of a private key", LEVEL_USER, of_a_private_key, 0 },
};

void suite_digest(struct suite *s)
{
    for (size_t i = 0; i < COUNT_OF(digests); i++) {
        suite_row(s, LEVEL_PUBLIC, equals, &digests[i], "%s: equals libcrypto's", digests[i].name);
        suite_row(s, LEVEL_PUBLIC, in_parts, &digests[i], "%s: in parts", digests[i].name);
        suite_row(s, LEVEL_PUBLIC, output_lengths, &digests[i], "%s: output lengths", digests[i].name);
    }
    suite_cases(s, cases, COUNT_OF(cases));
}
