/* PKCS#11 3.2: ML-DSA, SLH-DSA, ML-KEM. The host's libcrypto may be older than these, so a signature is compared with
 * the token's own verification in a second session after its public key has gone out and come in again, and everything
 * changed must be refused; shared secrets are compared through a MAC of both ends. */
#include <string.h>

#include "tests/conformance/keys.h"
#include "tests/conformance/suites.h"

static CK_BYTE text[1000], sig[50000], value[2600];

struct set {
    const char *name;
    CK_MECHANISM_TYPE generate, type;
    CK_KEY_TYPE key_type;
    CK_ULONG number, public_len, sig_len;
};

static const struct set signers[] = {
    { "ML-DSA-44", CKM_ML_DSA_KEY_PAIR_GEN, CKM_ML_DSA, CKK_ML_DSA, CKP_ML_DSA_44, 1312, 2420 },
    { "ML-DSA-65", CKM_ML_DSA_KEY_PAIR_GEN, CKM_ML_DSA, CKK_ML_DSA, CKP_ML_DSA_65, 1952, 3309 },
    { "ML-DSA-87", CKM_ML_DSA_KEY_PAIR_GEN, CKM_ML_DSA, CKK_ML_DSA, CKP_ML_DSA_87, 2592, 4627 },
    { "SLH-DSA-SHA2-128s", CKM_SLH_DSA_KEY_PAIR_GEN, CKM_SLH_DSA, CKK_SLH_DSA, CKP_SLH_DSA_SHA2_128S, 32, 7856 },
    { "SLH-DSA-SHA2-128f", CKM_SLH_DSA_KEY_PAIR_GEN, CKM_SLH_DSA, CKK_SLH_DSA, CKP_SLH_DSA_SHA2_128F, 32, 17088 },
    { "SLH-DSA-SHAKE-192f", CKM_SLH_DSA_KEY_PAIR_GEN, CKM_SLH_DSA, CKK_SLH_DSA, CKP_SLH_DSA_SHAKE_192F, 48, 35664 },
    { "SLH-DSA-SHAKE-256f", CKM_SLH_DSA_KEY_PAIR_GEN, CKM_SLH_DSA, CKK_SLH_DSA, CKP_SLH_DSA_SHAKE_256F, 64, 49856 },
};

static const struct set kems[] = {
    { "ML-KEM-512", CKM_ML_KEM_KEY_PAIR_GEN, CKM_ML_KEM, CKK_ML_KEM, CKP_ML_KEM_512, 800, 768 },
    { "ML-KEM-768", CKM_ML_KEM_KEY_PAIR_GEN, CKM_ML_KEM, CKK_ML_KEM, CKP_ML_KEM_768, 1184, 1088 },
    { "ML-KEM-1024", CKM_ML_KEM_KEY_PAIR_GEN, CKM_ML_KEM, CKK_ML_KEM, CKP_ML_KEM_1024, 1568, 1568 },
};

static bool generate(const struct set *g, struct pair *p)
{
    bool kem = g->key_type == CKK_ML_KEM;

    if (!client_offers(g->generate, CKF_GENERATE_KEY_PAIR))
        return check_absent(g->name);
    memset(text, 0x44, sizeof text);
    REQUIRE_OK(F->C_GenerateKeyPair(
        S, MECHANISM(g->generate),
        TEMPLATE(NUMBER(CKA_PARAMETER_SET, g->number), NO(CKA_TOKEN), YES(kem ? CKA_ENCAPSULATE : CKA_VERIFY)),
        TEMPLATE(NO(CKA_TOKEN), YES(CKA_PRIVATE), YES(CKA_SENSITIVE), YES(kem ? CKA_DECAPSULATE : CKA_SIGN)),
        &p->public_key, &p->private_key));
    return true;
}

static CK_OBJECT_HANDLE public_again(const struct set *g, const struct pair *p)
{
    CK_OBJECT_HANDLE o = 0;
    size_t n = client_attribute(S, p->public_key, CKA_VALUE, value, sizeof value);

    CHECK(n == g->public_len);
    REQUIRE_OK(F->C_CreateObject(S,
                                 TEMPLATE(NUMBER(CKA_CLASS, CKO_PUBLIC_KEY), NUMBER(CKA_KEY_TYPE, g->key_type),
                                          NUMBER(CKA_PARAMETER_SET, g->number), BYTES(CKA_VALUE, value, n),
                                          NO(CKA_TOKEN), YES(g->key_type == CKK_ML_KEM ? CKA_ENCAPSULATE : CKA_VERIFY)),
                                 &o));
    return o;
}

static void pair_facts(const void *row)
{
    const struct set *g = row;
    struct pair p = { 0 };
    CK_ATTRIBUTE a[] = { { CKA_VALUE, value, sizeof value }, { CKA_SEED, value, sizeof value } };

    if (!generate(g, &p))
        return;
    CHECK(client_number(S, p.public_key, CKA_KEY_TYPE) == g->key_type);
    CHECK(client_number(S, p.public_key, CKA_PARAMETER_SET) == g->number);
    CHECK(client_number(S, p.private_key, CKA_PARAMETER_SET) == g->number);
    CHECK(client_attribute(S, p.public_key, CKA_VALUE, value, sizeof value) == g->public_len);
    CHECK_RV(F->C_GetAttributeValue(S, p.private_key, a, 1), CKR_ATTRIBUTE_SENSITIVE);
    CHECK_ONE(F->C_GetAttributeValue(S, p.private_key, a + 1, 1), CKR_ATTRIBUTE_SENSITIVE, CKR_ATTRIBUTE_TYPE_INVALID);
    CHECK(client_flag(S, p.private_key, CKA_NEVER_EXTRACTABLE) == 1);
}

static void signs(const void *row)
{
    const struct set *g = row;
    struct pair p = { 0 };
    CK_OBJECT_HANDLE again;
    CK_ULONG len = sizeof sig;

    if (!generate(g, &p))
        return;
    REQUIRE_OK(keys_sign(S, MECHANISM(g->type), p.private_key, text, sizeof text, sig, &len));
    CHECK(len == g->sig_len);
    again = public_again(g, &p);
    CHECK_OK(keys_verify(S, MECHANISM(g->type), again, text, sizeof text, sig, len));
    sig[len / 3] ^= 1;
    CHECK_RV(keys_verify(S, MECHANISM(g->type), again, text, sizeof text, sig, len), CKR_SIGNATURE_INVALID);
    sig[len / 3] ^= 1;
    CHECK_RV(keys_verify(S, MECHANISM(g->type), again, text, sizeof text - 1, sig, len), CKR_SIGNATURE_INVALID);
    CHECK_RV(keys_verify(S, MECHANISM(g->type), again, text, sizeof text, sig, len - 1), CKR_SIGNATURE_LEN_RANGE);
}

static void lengths(const void *row)
{
    const struct set *g = row;
    struct pair p = { 0 };
    CK_ULONG len = 0;

    if (!generate(g, &p))
        return;
    REQUIRE_OK(F->C_SignInit(S, MECHANISM(g->type), p.private_key));
    CHECK_OK(F->C_Sign(S, text, sizeof text, NULL, &len));
    CHECK(len == g->sig_len);
    len = g->sig_len - 1;
    CHECK_RV(F->C_Sign(S, text, sizeof text, sig, &len), CKR_BUFFER_TOO_SMALL);
    CHECK_OK(F->C_Sign(S, text, sizeof text, sig, &len));
}

static void contexts(const void *row)
{
    const struct set *g = row;
    struct pair p = { 0 };
    struct sign_context with = { CKH_HEDGE_PREFERRED, text, 7 }, other = { CKH_HEDGE_PREFERRED, text, 8 };
    struct sign_context fixed = { CKH_DETERMINISTIC_REQUIRED, NULL, 0 }, broken = { 9, NULL, 0 },
                        long_one = { 0, text, 256 };
    static CK_BYTE second[50000];
    CK_ULONG len = sizeof sig, n = sizeof second;

    if (!generate(g, &p))
        return;
    REQUIRE_OK(keys_sign(S, MECHANISM_WITH(g->type, &with, sizeof with), p.private_key, text, 100, sig, &len));
    CHECK_OK(keys_verify(S, MECHANISM_WITH(g->type, &with, sizeof with), p.public_key, text, 100, sig, len));
    CHECK_RV(keys_verify(S, MECHANISM_WITH(g->type, &other, sizeof other), p.public_key, text, 100, sig, len),
             CKR_SIGNATURE_INVALID);
    CHECK_RV(keys_verify(S, MECHANISM(g->type), p.public_key, text, 100, sig, len), CKR_SIGNATURE_INVALID);
    len = sizeof sig;
    REQUIRE_OK(keys_sign(S, MECHANISM_WITH(g->type, &fixed, sizeof fixed), p.private_key, text, 100, sig, &len));
    REQUIRE_OK(keys_sign(S, MECHANISM_WITH(g->type, &fixed, sizeof fixed), p.private_key, text, 100, second, &n));
    CHECK(n == len && memcmp(sig, second, n) == 0);
    len = n = sizeof sig;
    CHECK_RV(keys_sign(S, MECHANISM_WITH(g->type, &broken, sizeof broken), p.private_key, text, 100, sig, &len),
             CKR_MECHANISM_PARAM_INVALID);
    CHECK_RV(keys_sign(S, MECHANISM_WITH(g->type, &long_one, sizeof long_one), p.private_key, text, 100, sig, &n),
             CKR_MECHANISM_PARAM_INVALID);
    CHECK_RV(F->C_SignInit(S, MECHANISM_WITH(g->type, &with, 5), p.private_key), CKR_MECHANISM_PARAM_INVALID);
}

static void unknown_set(const void *row)
{
    const struct set *g = row;
    CK_OBJECT_HANDLE a = 0, b = 0;

    if (!client_offers(g->generate, CKF_GENERATE_KEY_PAIR)) {
        check_absent(g->name);
        return;
    }
    CHECK_ONE(F->C_GenerateKeyPair(S, MECHANISM(g->generate), TEMPLATE(NUMBER(CKA_PARAMETER_SET, 99), NO(CKA_TOKEN)),
                                   TEMPLATE(NO(CKA_TOKEN)), &a, &b),
              CKR_ATTRIBUTE_VALUE_INVALID, CKR_TEMPLATE_INCONSISTENT, 0x1A0 /* CKR_PARAMETER_SET_NOT_SUPPORTED */);
    CHECK_RV(F->C_GenerateKeyPair(S, MECHANISM(g->generate), TEMPLATE(NO(CKA_TOKEN)), TEMPLATE(NO(CKA_TOKEN)), &a, &b),
             CKR_TEMPLATE_INCOMPLETE);
}

#define SECRET(right)                                                                                                  \
    TEMPLATE(NUMBER(CKA_CLASS, CKO_SECRET_KEY), NUMBER(CKA_KEY_TYPE, CKK_GENERIC_SECRET), NO(CKA_TOKEN),               \
             YES(CKA_SENSITIVE), YES(right))

static bool has_kem(const struct set *g, struct pair *p)
{
    if (client.f32 == NULL)
        return check_absent("the 3.2 interface");
    return generate(g, p);
}

static bool same_secret(CK_OBJECT_HANDLE one, CK_OBJECT_HANDLE two)
{
    CK_BYTE a[32], b[32];
    CK_ULONG n = sizeof a, m = sizeof b;

    return keys_sign(S, MECHANISM(CKM_SHA256_HMAC), one, text, 50, a, &n) == CKR_OK &&
           keys_sign(S, MECHANISM(CKM_SHA256_HMAC), two, text, 50, b, &m) == CKR_OK && memcmp(a, b, sizeof a) == 0;
}

static void encapsulates(const void *row)
{
    const struct set *g = row;
    struct pair p = { 0 };
    CK_OBJECT_HANDLE ours = 0, theirs = 0, other = 0;
    CK_ULONG len = sizeof sig;

    if (!has_kem(g, &p))
        return;
    REQUIRE_OK(client.f32->C_EncapsulateKey(S, MECHANISM(CKM_ML_KEM), public_again(g, &p), SECRET(CKA_SIGN), sig, &len,
                                            &ours));
    CHECK(len == g->sig_len);
    REQUIRE_OK(
        client.f32->C_DecapsulateKey(S, MECHANISM(CKM_ML_KEM), p.private_key, SECRET(CKA_SIGN), sig, len, &theirs));
    CHECK(same_secret(ours, theirs));
    CHECK(client_flag(S, theirs, CKA_SENSITIVE) == 1);
    sig[5] ^= 1; /* implicit rejection: another secret, no error (FIPS 203, 6.3) */
    CHECK_OK(client.f32->C_DecapsulateKey(S, MECHANISM(CKM_ML_KEM), p.private_key, SECRET(CKA_SIGN), sig, len, &other));
    CHECK(!same_secret(ours, other));
    CHECK_ONE(
        client.f32->C_DecapsulateKey(S, MECHANISM(CKM_ML_KEM), p.private_key, SECRET(CKA_SIGN), sig, len - 1, &other),
        CKR_WRAPPED_KEY_LEN_RANGE, CKR_WRAPPED_KEY_INVALID, CKR_ENCRYPTED_DATA_LEN_RANGE, CKR_ARGUMENTS_BAD);
}

static void encapsulate_lengths(const void *row)
{
    const struct set *g = row;
    struct pair p = { 0 };
    CK_OBJECT_HANDLE ours = 0;
    CK_ULONG len = 0;

    if (!has_kem(g, &p))
        return;
    CHECK_OK(client.f32->C_EncapsulateKey(S, MECHANISM(CKM_ML_KEM), p.public_key, SECRET(CKA_SIGN), NULL, &len, &ours));
    CHECK(len == g->sig_len);
    len = g->sig_len - 1;
    CHECK_RV(client.f32->C_EncapsulateKey(S, MECHANISM(CKM_ML_KEM), p.public_key, SECRET(CKA_SIGN), sig, &len, &ours),
             CKR_BUFFER_TOO_SMALL);
}

static void kem_rights(const void *row)
{
    const struct set *g = row;
    struct pair p = { 0 }, ec = keys_shared_ec("P-256", JOB_SIGN);
    CK_OBJECT_HANDLE ours = 0;
    CK_ULONG len = sizeof sig;

    if (!has_kem(g, &p))
        return;
    CHECK(client.f32->C_EncapsulateKey(S, MECHANISM(CKM_ML_KEM), p.private_key, SECRET(CKA_SIGN), sig, &len, &ours) !=
          CKR_OK);
    CHECK(client.f32->C_EncapsulateKey(S, MECHANISM(CKM_ML_KEM), ec.public_key, SECRET(CKA_SIGN), sig, &len, &ours) !=
          CKR_OK);
    CHECK_RV(client.f32->C_EncapsulateKey(S, MECHANISM(CKM_ECDSA), p.public_key, SECRET(CKA_SIGN), sig, &len, &ours),
             CKR_MECHANISM_INVALID);
}

void suite_pqc(struct suite *s)
{
    for (size_t i = 0; i < COUNT_OF(signers); i++) {
        suite_row(s, LEVEL_USER, pair_facts, &signers[i], "%s: a pair", signers[i].name);
        suite_row(s, LEVEL_USER, signs, &signers[i], "%s: signs", signers[i].name);
        suite_row(s, LEVEL_USER, lengths, &signers[i], "%s: output lengths", signers[i].name);
        suite_row(s, LEVEL_USER, contexts, &signers[i], "%s: contexts", signers[i].name);
    }
    for (size_t i = 0; i < COUNT_OF(kems); i++) {
        suite_row(s, LEVEL_USER, pair_facts, &kems[i], "%s: a pair", kems[i].name);
        suite_row(s, LEVEL_USER, encapsulates, &kems[i], "%s: there and back", kems[i].name);
        suite_row(s, LEVEL_USER, encapsulate_lengths, &kems[i], "%s: output lengths", kems[i].name);
        suite_row(s, LEVEL_USER, kem_rights, &kems[i], "%s: keys that may not", kems[i].name);
    }
    suite_row(s, LEVEL_USER, unknown_set, &signers[0], "ML-DSA of no parameter set");
    suite_row(s, LEVEL_USER, unknown_set, &signers[3], "SLH-DSA of no parameter set");
    suite_row(s, LEVEL_USER, unknown_set, &kems[0], "ML-KEM of no parameter set");
}
