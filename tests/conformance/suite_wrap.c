/* PKCS#11 3.0, 5.16.3 and 5.16.4: wrapping and unwrapping; and what THREATS.md 5.7 refuses there. */
#include <string.h>

#include "tests/conformance/keys.h"
#include "tests/conformance/oracle.h"
#include "tests/conformance/suites.h"

static CK_BYTE blob[8192];
static CK_ULONG blob_len;

static const struct wrapping {
    const char *name;
    CK_MECHANISM_TYPE type;
} wrappings[] = {
    { "AES_KEY_WRAP", CKM_AES_KEY_WRAP },
    { "AES_KEY_WRAP_PAD", CKM_AES_KEY_WRAP_PAD },
    { "AES_KEY_WRAP_KWP", CKM_AES_KEY_WRAP_KWP },
};

static CK_OBJECT_HANDLE kek(CK_ULONG len)
{
    CK_OBJECT_HANDLE o = 0;

    REQUIRE_OK(keys_aes(S, len, RIGHTS_WRAP, false, &o));
    return o;
}

static CK_OBJECT_HANDLE extractable_mac_key(const CK_BYTE *value, CK_ULONG len)
{
    CK_OBJECT_HANDLE o = 0;

    REQUIRE_OK(F->C_CreateObject(S,
                                 TEMPLATE(NUMBER(CKA_CLASS, CKO_SECRET_KEY), NUMBER(CKA_KEY_TYPE, CKK_GENERIC_SECRET),
                                          BYTES(CKA_VALUE, value, len), NO(CKA_TOKEN), YES(CKA_SENSITIVE),
                                          YES(CKA_EXTRACTABLE), YES(CKA_SIGN)),
                                 &o));
    return o;
}

static CK_RV wrap(CK_MECHANISM_TYPE type, CK_OBJECT_HANDLE with, CK_OBJECT_HANDLE key)
{
    blob_len = sizeof blob;
    return F->C_WrapKey(S, MECHANISM(type), with, key, blob, &blob_len);
}

static CK_RV unwrap_secret(CK_MECHANISM_TYPE type, CK_OBJECT_HANDLE with, CK_KEY_TYPE key_type, CK_ATTRIBUTE_TYPE right,
                           CK_OBJECT_HANDLE *o)
{
    return F->C_UnwrapKey(S, MECHANISM(type), with, blob, blob_len,
                          TEMPLATE(NUMBER(CKA_CLASS, CKO_SECRET_KEY), NUMBER(CKA_KEY_TYPE, key_type), NO(CKA_TOKEN),
                                   YES(CKA_SENSITIVE), NO(CKA_EXTRACTABLE), YES(right)),
                          o);
}

static void secret_there_and_back(const void *row)
{
    const struct wrapping *w = row;
    CK_BYTE value[32] = { 0x31, 0x32 };
    CK_OBJECT_HANDLE with = kek(32), back = 0;

    if (!client_offers(w->type, CKF_WRAP | CKF_UNWRAP)) {
        check_absent(w->name);
        return;
    }
    REQUIRE_OK(wrap(w->type, with, extractable_mac_key(value, sizeof value)));
    CHECK(blob_len == 40);
    REQUIRE_OK(unwrap_secret(w->type, with, CKK_GENERIC_SECRET, CKA_SIGN, &back));
    CHECK(keys_has_value(S, back, value, sizeof value));
    CHECK(client_flag(S, back, CKA_LOCAL) == 0);
    CHECK(client_flag(S, back, CKA_ALWAYS_SENSITIVE) == 0);
    CHECK(client_flag(S, back, CKA_NEVER_EXTRACTABLE) == 0);
    CHECK(client_number(S, back, CKA_VALUE_LEN) == 32);
}

static void odd_length_there_and_back(const void *row)
{
    const struct wrapping *w = row;
    CK_BYTE value[21] = { 0x41, 0x42 };
    CK_OBJECT_HANDLE with = kek(32), back = 0;

    if (!client_offers(w->type, CKF_WRAP | CKF_UNWRAP)) {
        check_absent(w->name);
        return;
    }
    if (w->type == CKM_AES_KEY_WRAP) {
        CHECK_ONE(wrap(w->type, with, extractable_mac_key(value, sizeof value)), CKR_KEY_SIZE_RANGE,
                  CKR_KEY_NOT_WRAPPABLE);
        return;
    }
    REQUIRE_OK(wrap(w->type, with, extractable_mac_key(value, sizeof value)));
    REQUIRE_OK(unwrap_secret(w->type, with, CKK_GENERIC_SECRET, CKA_SIGN, &back));
    CHECK(client_number(S, back, CKA_VALUE_LEN) == 21);
    CHECK(keys_has_value(S, back, value, sizeof value));
}

/* What libcrypto wraps under a KEK both sides know comes in. The KEK is imported, so nothing may leave under it. */
static void from_outside(const void *row)
{
    const struct wrapping *w = row;
    CK_BYTE kek_value[32] = { 0x77 }, value[32] = { 0x55, 0x56 };
    CK_OBJECT_HANDLE with = 0, back = 0;
    const char *name = w->type == CKM_AES_KEY_WRAP ? "AES-256-WRAP" : "AES-256-WRAP-PAD";

    if (!client_offers(w->type, CKF_WRAP | CKF_UNWRAP)) {
        check_absent(w->name);
        return;
    }
    REQUIRE_OK(keys_import(S, CKK_AES, kek_value, sizeof kek_value, RIGHTS_WRAP, &with));
    blob_len = oracle_cipher(name, true, false, kek_value, NULL, 0, NULL, 0, value, sizeof value, blob);
    REQUIRE(blob_len == 40);
    REQUIRE_OK(unwrap_secret(w->type, with, CKK_GENERIC_SECRET, CKA_SIGN, &back));
    CHECK(keys_has_value(S, back, value, sizeof value));
    CHECK_ONE(wrap(w->type, with, extractable_mac_key(value, sizeof value)), CKR_KEY_NOT_WRAPPABLE,
              CKR_WRAPPING_KEY_HANDLE_INVALID);
}

static void private_there_and_back(const void *row)
{
    const struct wrapping *w = row;
    CK_OBJECT_HANDLE with = kek(32), key = 0, back = 0;
    EVP_PKEY *ours = oracle_generate_ec("P-256");
    CK_BYTE digest[32] = { 4 }, sig[64];
    CK_ULONG len = sizeof sig;

    if (!client_offers(w->type, CKF_WRAP | CKF_UNWRAP)) {
        check_absent(w->name);
        EVP_PKEY_free(ours);
        return;
    }
    REQUIRE_OK(keys_import_ec(S, ours, "P-256", JOB_SIGN, true, &key));
    REQUIRE_OK(wrap(w->type, with, key));
    REQUIRE_OK(F->C_UnwrapKey(S, MECHANISM(w->type), with, blob, blob_len,
                              TEMPLATE(NUMBER(CKA_CLASS, CKO_PRIVATE_KEY), NUMBER(CKA_KEY_TYPE, CKK_EC), NO(CKA_TOKEN),
                                       YES(CKA_SENSITIVE), NO(CKA_EXTRACTABLE), YES(CKA_SIGN)),
                              &back));
    CHECK_OK(keys_sign(S, MECHANISM(CKM_ECDSA), back, digest, 32, sig, &len));
    CHECK(oracle_verify(ours, &(struct oracle_signature){ .scheme = SCHEME_ECDSA }, digest, 32, sig, len));
    EVP_PKEY_free(ours);
}

static void rsa_private_there_and_back(const void *row)
{
    const struct wrapping *w = row;
    CK_OBJECT_HANDLE with = kek(32), key = 0, back = 0;
    EVP_PKEY *ours = oracle_generate_rsa(2048, 65537);
    CK_BYTE sig[256];
    CK_ULONG len = sizeof sig;

    if (!client_offers(w->type, CKF_WRAP | CKF_UNWRAP)) {
        check_absent(w->name);
        EVP_PKEY_free(ours);
        return;
    }
    REQUIRE_OK(keys_import_rsa(S, ours, JOB_SIGN, true, &key));
    REQUIRE_OK(wrap(w->type, with, key));
    REQUIRE_OK(F->C_UnwrapKey(S, MECHANISM(w->type), with, blob, blob_len,
                              TEMPLATE(NUMBER(CKA_CLASS, CKO_PRIVATE_KEY), NUMBER(CKA_KEY_TYPE, CKK_RSA), NO(CKA_TOKEN),
                                       YES(CKA_SENSITIVE), NO(CKA_EXTRACTABLE), YES(CKA_SIGN)),
                              &back));
    CHECK_OK(keys_sign(S, MECHANISM(CKM_SHA256_RSA_PKCS), back, "x", 1, sig, &len));
    CHECK(
        oracle_verify(ours, &(struct oracle_signature){ .scheme = SCHEME_PKCS1, .hash = "SHA256" }, "x", 1, sig, len));
    EVP_PKEY_free(ours);
}

static void output_lengths(const void *row)
{
    const struct wrapping *w = row;
    CK_BYTE value[32] = { 1 };
    CK_OBJECT_HANDLE with = kek(32), key = extractable_mac_key(value, sizeof value);

    if (!client_offers(w->type, CKF_WRAP)) {
        check_absent(w->name);
        return;
    }
    blob_len = 0;
    CHECK_OK(F->C_WrapKey(S, MECHANISM(w->type), with, key, NULL, &blob_len));
    CHECK(blob_len == 40);
    blob_len = 39;
    CHECK_RV(F->C_WrapKey(S, MECHANISM(w->type), with, key, blob, &blob_len), CKR_BUFFER_TOO_SMALL);
    CHECK(blob_len == 40);
    CHECK_OK(F->C_WrapKey(S, MECHANISM(w->type), with, key, blob, &blob_len));
}

static void changed_blob(const void *row)
{
    const struct wrapping *w = row;
    CK_BYTE value[32] = { 1 };
    CK_OBJECT_HANDLE with = kek(32), back = 0;

    if (!client_offers(w->type, CKF_WRAP | CKF_UNWRAP)) {
        check_absent(w->name);
        return;
    }
    REQUIRE_OK(wrap(w->type, with, extractable_mac_key(value, sizeof value)));
    for (CK_ULONG i = 0; i < blob_len; i += 13) {
        blob[i] ^= 0x80;
        CHECK_RV(unwrap_secret(w->type, with, CKK_GENERIC_SECRET, CKA_SIGN, &back), CKR_WRAPPED_KEY_INVALID);
        blob[i] ^= 0x80;
    }
    blob_len -= 8;
    CHECK_ONE(unwrap_secret(w->type, with, CKK_GENERIC_SECRET, CKA_SIGN, &back), CKR_WRAPPED_KEY_INVALID,
              CKR_WRAPPED_KEY_LEN_RANGE);
    blob_len -= 1;
    CHECK_ONE(unwrap_secret(w->type, with, CKK_GENERIC_SECRET, CKA_SIGN, &back), CKR_WRAPPED_KEY_LEN_RANGE,
              CKR_WRAPPED_KEY_INVALID);
    blob_len = 0;
    CHECK_ONE(unwrap_secret(w->type, with, CKK_GENERIC_SECRET, CKA_SIGN, &back), CKR_WRAPPED_KEY_LEN_RANGE,
              CKR_WRAPPED_KEY_INVALID);
}

static void not_extractable(const void *row)
{
    CK_OBJECT_HANDLE key = 0;

    (void)row;
    REQUIRE_OK(keys_aes(S, 32, RIGHTS_ENCRYPT, false, &key));
    CHECK_RV(wrap(CKM_AES_KEY_WRAP, kek(32), key), CKR_KEY_UNEXTRACTABLE);
}

static void with_trusted_only(const void *row)
{
    CK_OBJECT_HANDLE key = 0;

    (void)row;
    REQUIRE_OK(F->C_GenerateKey(S, MECHANISM(CKM_AES_KEY_GEN),
                                TEMPLATE(NUMBER(CKA_VALUE_LEN, 32), NO(CKA_TOKEN), YES(CKA_SENSITIVE),
                                         YES(CKA_EXTRACTABLE), YES(CKA_WRAP_WITH_TRUSTED)),
                                &key));
    CHECK_RV(wrap(CKM_AES_KEY_WRAP, kek(32), key), CKR_KEY_NOT_WRAPPABLE);
    CHECK_RV(F->C_SetAttributeValue(S, key, TEMPLATE(NO(CKA_WRAP_WITH_TRUSTED))), CKR_ATTRIBUTE_READ_ONLY);
}

static void weaker_wrapping_key(const void *row)
{
    CK_BYTE value[32] = { 1 };

    (void)row;
    CHECK_RV(wrap(CKM_AES_KEY_WRAP, kek(16), extractable_mac_key(value, 32)), CKR_WRAPPING_KEY_SIZE_RANGE);
    CHECK_OK(wrap(CKM_AES_KEY_WRAP, kek(16), extractable_mac_key(value, 16)));
}

static const struct unsafe {
    const char *name;
    CK_MECHANISM_TYPE type;
    CK_ULONG iv_len;
} unsafes[] = { { "ECB", CKM_AES_ECB, 0 },
                { "CBC", CKM_AES_CBC, 16 },
                { "CBC_PAD", CKM_AES_CBC_PAD, 16 },
                { "CTR", CKM_AES_CTR, sizeof(CK_AES_CTR_PARAMS) } };

static void unauthenticated(const void *row)
{
    const struct unsafe *u = row;
    CK_BYTE value[32] = { 1 }, parameter[32] = { 128 };

    blob_len = sizeof blob;
    CHECK_RV(F->C_WrapKey(S, MECHANISM_WITH(u->type, u->iv_len > 0 ? parameter : NULL, u->iv_len), kek(32),
                          extractable_mac_key(value, 32), blob, &blob_len),
             CKR_MECHANISM_INVALID);
}

static void unwrap_unauthenticated(const void *row)
{
    const struct unsafe *u = row;
    CK_BYTE parameter[32] = { 128 };
    CK_OBJECT_HANDLE back = 0;

    CHECK_RV(F->C_UnwrapKey(
                 S, MECHANISM_WITH(u->type, u->iv_len > 0 ? parameter : NULL, u->iv_len), kek(32), blob, 32,
                 TEMPLATE(NUMBER(CKA_CLASS, CKO_SECRET_KEY), NUMBER(CKA_KEY_TYPE, CKK_AES), YES(CKA_SENSITIVE)), &back),
             CKR_MECHANISM_INVALID);
}

static void under_own_public_key(const void *row)
{
    CK_RSA_PKCS_OAEP_PARAMS oaep = { CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, NULL, 0 };
    EVP_PKEY *ours = oracle_generate_rsa(4096, 65537);
    CK_BYTE value[16] = { 1 };
    CK_OBJECT_HANDLE with = 0, key = extractable_mac_key(value, 16);
    CK_RV rv;

    (void)row;
    rv = keys_import_rsa_public(S, ours, JOB_WRAP, &with);
    if (rv == CKR_OK) {
        blob_len = sizeof blob;
        CHECK_ONE(F->C_WrapKey(S, MECHANISM_WITH(CKM_RSA_PKCS_OAEP, &oaep, sizeof oaep), with, key, blob, &blob_len),
                  CKR_KEY_NOT_WRAPPABLE);
        CHECK_RV(wrap(CKM_RSA_PKCS, with, key), CKR_MECHANISM_INVALID);
    }
    EVP_PKEY_free(ours);
}

static void oaep_unwrap(const void *row)
{
    CK_RSA_PKCS_OAEP_PARAMS oaep = { CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, NULL, 0 };
    CK_BYTE value[32] = { 0x61 };
    struct pair p = keys_shared_rsa(JOB_WRAP);
    EVP_PKEY *public_key = oracle_public(S, p.public_key);
    CK_OBJECT_HANDLE back = 0;
    CK_MECHANISM m = { CKM_RSA_PKCS_OAEP, &oaep, sizeof oaep };
    CK_ATTRIBUTE t[] = { NUMBER(CKA_CLASS, CKO_SECRET_KEY), NUMBER(CKA_KEY_TYPE, CKK_GENERIC_SECRET), NO(CKA_TOKEN),
                         YES(CKA_SENSITIVE), YES(CKA_SIGN) };

    (void)row;
    blob_len = oracle_rsa_encrypt(public_key, "SHA256", "SHA256", NULL, value, sizeof value, blob, sizeof blob);
    EVP_PKEY_free(public_key);
    REQUIRE(blob_len == 256);
    REQUIRE_OK(F->C_UnwrapKey(S, &m, p.private_key, blob, blob_len, t, COUNT_OF(t), &back));
    CHECK(keys_has_value(S, back, value, sizeof value));
    blob[100] ^= 1;
    CHECK_RV(F->C_UnwrapKey(S, &m, p.private_key, blob, blob_len, t, COUNT_OF(t), &back), CKR_WRAPPED_KEY_INVALID);
    CHECK_ONE(F->C_UnwrapKey(S, &m, p.private_key, blob, 255, t, COUNT_OF(t), &back), CKR_WRAPPED_KEY_LEN_RANGE,
              CKR_WRAPPED_KEY_INVALID);
}

/* The layout of CKM_RSA_AES_KEY_WRAP: OAEP(AES key) || KWP(key), made by libcrypto as a customer's BYOK tool would. */
static void rsa_aes_unwrap(const void *row)
{
    CK_RSA_PKCS_OAEP_PARAMS oaep = { CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, NULL, 0 };
    struct rsa_aes_wrap_params params = { 256, &oaep };
    CK_BYTE aes[32] = { 0x11, 0x12 }, pkcs8[2048], digest[32] = { 6 }, sig[64];
    EVP_PKEY *ours, *public_key;
    struct pair p;
    CK_OBJECT_HANDLE back = 0;
    CK_ULONG len, sig_len = sizeof sig;

    (void)row;
    if (!OFFERED(CKM_RSA_AES_KEY_WRAP, CKF_UNWRAP))
        return;
    p = keys_shared_rsa(JOB_WRAP);
    public_key = oracle_public(S, p.public_key);
    ours = oracle_generate_ec("P-256");
    len = oracle_pkcs8(ours, pkcs8, sizeof pkcs8);
    blob_len = oracle_rsa_encrypt(public_key, "SHA256", "SHA256", NULL, aes, sizeof aes, blob, 256);
    blob_len += oracle_cipher("AES-256-WRAP-PAD", true, false, aes, NULL, 0, NULL, 0, pkcs8, len, blob + 256);
    CHECK_OK(F->C_UnwrapKey(S, MECHANISM_WITH(CKM_RSA_AES_KEY_WRAP, &params, sizeof params), p.private_key, blob,
                            blob_len,
                            TEMPLATE(NUMBER(CKA_CLASS, CKO_PRIVATE_KEY), NUMBER(CKA_KEY_TYPE, CKK_EC), NO(CKA_TOKEN),
                                     YES(CKA_SENSITIVE), YES(CKA_SIGN)),
                            &back));
    CHECK_OK(keys_sign(S, MECHANISM(CKM_ECDSA), back, digest, 32, sig, &sig_len));
    CHECK(oracle_verify(ours, &(struct oracle_signature){ .scheme = SCHEME_ECDSA }, digest, 32, sig, sig_len));
    EVP_PKEY_free(ours);
    EVP_PKEY_free(public_key);
}

static void unwrapped_is_unreadable(const void *row)
{
    CK_BYTE value[32] = { 1 }, room[64];
    CK_OBJECT_HANDLE with = kek(32), back = 0;
    CK_RV rv;

    (void)row;
    REQUIRE_OK(wrap(CKM_AES_KEY_WRAP, with, extractable_mac_key(value, sizeof value)));
    rv = F->C_UnwrapKey(S, MECHANISM(CKM_AES_KEY_WRAP), with, blob, blob_len,
                        TEMPLATE(NUMBER(CKA_CLASS, CKO_SECRET_KEY), NUMBER(CKA_KEY_TYPE, CKK_GENERIC_SECRET),
                                 NO(CKA_TOKEN), NO(CKA_SENSITIVE), YES(CKA_EXTRACTABLE)),
                        &back);
    CHECK_ONE(rv, CKR_TEMPLATE_INCONSISTENT, CKR_OK);
    if (rv == CKR_OK)
        CHECK(client_attribute(S, back, CKA_VALUE, room, sizeof room) == (size_t)-1);
}

static void unwrap_as_another_type(const void *row)
{
    CK_BYTE value[21] = { 1 };
    CK_OBJECT_HANDLE with = kek(32), back = 0;

    (void)row;
    REQUIRE_OK(wrap(CKM_AES_KEY_WRAP_PAD, with, extractable_mac_key(value, sizeof value)));
    CHECK_ONE(unwrap_secret(CKM_AES_KEY_WRAP_PAD, with, CKK_AES, CKA_ENCRYPT, &back), CKR_WRAPPED_KEY_INVALID,
              CKR_WRAPPED_KEY_LEN_RANGE, CKR_TEMPLATE_INCONSISTENT);
    CHECK_ONE(F->C_UnwrapKey(S, MECHANISM(CKM_AES_KEY_WRAP_PAD), with, blob, blob_len,
                             TEMPLATE(NUMBER(CKA_CLASS, CKO_PRIVATE_KEY), NUMBER(CKA_KEY_TYPE, CKK_RSA), NO(CKA_TOKEN),
                                      YES(CKA_SIGN)),
                             &back),
              CKR_WRAPPED_KEY_INVALID, CKR_TEMPLATE_INCONSISTENT);
}

static void unwrap_incomplete(const void *row)
{
    CK_BYTE value[32] = { 1 };
    CK_OBJECT_HANDLE with = kek(32), back = 0;

    (void)row;
    REQUIRE_OK(wrap(CKM_AES_KEY_WRAP, with, extractable_mac_key(value, sizeof value)));
    CHECK_RV(F->C_UnwrapKey(S, MECHANISM(CKM_AES_KEY_WRAP), with, blob, blob_len,
                            TEMPLATE(NUMBER(CKA_CLASS, CKO_SECRET_KEY)), &back),
             CKR_TEMPLATE_INCOMPLETE);
}

static void templates_of_a_kek(const void *row)
{
    CK_ATTRIBUTE demands[] = { NO(CKA_EXTRACTABLE), YES(CKA_SENSITIVE) };
    CK_BYTE value[32] = { 1 };
    CK_OBJECT_HANDLE with = 0, back = 0;

    (void)row;
    REQUIRE_OK(
        F->C_GenerateKey(S, MECHANISM(CKM_AES_KEY_GEN),
                         TEMPLATE(NUMBER(CKA_VALUE_LEN, 32), NO(CKA_TOKEN), YES(CKA_SENSITIVE), NO(CKA_EXTRACTABLE),
                                  YES(CKA_WRAP), YES(CKA_UNWRAP), BYTES(CKA_UNWRAP_TEMPLATE, demands, sizeof demands)),
                         &with));
    REQUIRE_OK(wrap(CKM_AES_KEY_WRAP, with, extractable_mac_key(value, sizeof value)));
    CHECK_RV(F->C_UnwrapKey(S, MECHANISM(CKM_AES_KEY_WRAP), with, blob, blob_len,
                            TEMPLATE(NUMBER(CKA_CLASS, CKO_SECRET_KEY), NUMBER(CKA_KEY_TYPE, CKK_GENERIC_SECRET),
                                     NO(CKA_TOKEN), YES(CKA_SENSITIVE), YES(CKA_EXTRACTABLE)),
                            &back),
             CKR_TEMPLATE_INCONSISTENT);
    CHECK_OK(F->C_UnwrapKey(S, MECHANISM(CKM_AES_KEY_WRAP), with, blob, blob_len,
                            TEMPLATE(NUMBER(CKA_CLASS, CKO_SECRET_KEY), NUMBER(CKA_KEY_TYPE, CKK_GENERIC_SECRET),
                                     NO(CKA_TOKEN), YES(CKA_SENSITIVE), NO(CKA_EXTRACTABLE)),
                            &back));
}

static void public_key_is_not_wrapped(const void *row)
{
    struct pair p = keys_shared_ec("P-256", JOB_SIGN);

    (void)row;
    CHECK_ONE(wrap(CKM_AES_KEY_WRAP_PAD, kek(32), p.public_key), CKR_KEY_NOT_WRAPPABLE, CKR_KEY_HANDLE_INVALID,
              CKR_KEY_UNEXTRACTABLE);
}

static void sealed(const void *row)
{
    struct {
        CK_BYTE *context;
        CK_ULONG len;
    } params = { blob + 4096, 7 };
    struct pair p = { 0 };
    CK_MECHANISM m = { CKM_STRONGROOM_SEAL, &params, sizeof params };
    CK_BYTE digest[32] = { 1 }, sig[64];
    CK_OBJECT_HANDLE back = 0;
    CK_ULONG len = sizeof sig;
    EVP_PKEY *public_key;

    (void)row;
    if (!OFFERED(CKM_STRONGROOM_SEAL, CKF_WRAP | CKF_UNWRAP))
        return;
    REQUIRE_OK(keys_ec(S, "P-256", JOB_SIGN, &p));
    memcpy(params.context, "vault-1", 7);
    blob_len = 4096;
    REQUIRE_OK(F->C_WrapKey(S, &m, CK_INVALID_HANDLE, p.private_key, blob, &blob_len));
    REQUIRE_OK(F->C_UnwrapKey(S, &m, CK_INVALID_HANDLE, blob, blob_len, TEMPLATE(NO(CKA_TOKEN)), &back));
    CHECK(client_flag(S, back, CKA_SENSITIVE) == 1 && client_flag(S, back, CKA_SIGN) == 1);
    CHECK_OK(keys_sign(S, MECHANISM(CKM_ECDSA), back, digest, 32, sig, &len));
    public_key = oracle_public(S, p.public_key);
    CHECK(oracle_verify(public_key, &(struct oracle_signature){ .scheme = SCHEME_ECDSA }, digest, 32, sig, len));
    EVP_PKEY_free(public_key);
    CHECK_RV(
        F->C_UnwrapKey(S, &m, CK_INVALID_HANDLE, blob, blob_len, TEMPLATE(NO(CKA_TOKEN), YES(CKA_EXTRACTABLE)), &back),
        CKR_TEMPLATE_INCONSISTENT);
    params.context[0] ^= 1;
    CHECK_RV(F->C_UnwrapKey(S, &m, CK_INVALID_HANDLE, blob, blob_len, TEMPLATE(NO(CKA_TOKEN)), &back),
             CKR_WRAPPED_KEY_INVALID);
    params.context[0] ^= 1;
    blob[blob_len - 1] ^= 1;
    CHECK_RV(F->C_UnwrapKey(S, &m, CK_INVALID_HANDLE, blob, blob_len, TEMPLATE(NO(CKA_TOKEN)), &back),
             CKR_WRAPPED_KEY_INVALID);
}

static const struct test_case cases[] = {
    { "a key that is not extractable", LEVEL_USER, not_extractable, 0 },
    { "WRAP_WITH_TRUSTED", LEVEL_USER, with_trusted_only, 0 },
    { "a weaker wrapping key", LEVEL_USER, weaker_wrapping_key, 0 },
    { "under the caller's own public key", LEVEL_USER, under_own_public_key, 0 },
    { "OAEP unwraps", LEVEL_USER, oaep_unwrap, 0 },
    { "RSA_AES_KEY_WRAP unwraps", LEVEL_USER, rsa_aes_unwrap, 0 },
    { "what is unwrapped is never readable", LEVEL_USER, unwrapped_is_unreadable, 0 },
    { "unwrapping as another type", LEVEL_USER, unwrap_as_another_type, 0 },
    { "unwrapping without a key type", LEVEL_USER, unwrap_incomplete, 0 },
    { "CKA_UNWRAP_TEMPLATE", LEVEL_USER, templates_of_a_kek, 0 },
    { "public keys are not wrapped", LEVEL_USER, public_key_is_not_wrapped, 0 },
    { "CKM_STRONGROOM_SEAL there and back", LEVEL_USER, sealed, 0 },
};

void suite_wrap(struct suite *s)
{
    static const struct {
        const char *name;
        void (*run)(const void *row);
        bool pads; /* PKCS#8 is seldom a multiple of 8 bytes */
    } ways[] = { { "a secret there and back", secret_there_and_back, false },
                 { "21 bytes there and back", odd_length_there_and_back, false },
                 { "from outside", from_outside, false },
                 { "an EC key there and back", private_there_and_back, true },
                 { "an RSA key there and back", rsa_private_there_and_back, true },
                 { "output lengths", output_lengths, false },
                 { "a changed blob", changed_blob, false } };

    for (size_t w = 0; w < COUNT_OF(ways); w++)
        for (size_t i = 0; i < COUNT_OF(wrappings); i++)
            if (!ways[w].pads || wrappings[i].type != CKM_AES_KEY_WRAP)
                suite_row(s, LEVEL_USER, ways[w].run, &wrappings[i], "%s: %s", wrappings[i].name, ways[w].name);
    for (size_t i = 0; i < COUNT_OF(unsafes); i++) {
        suite_row(s, LEVEL_USER, unauthenticated, &unsafes[i], "wrapping by %s", unsafes[i].name);
        suite_row(s, LEVEL_USER, unwrap_unauthenticated, &unsafes[i], "unwrapping by %s", unsafes[i].name);
    }
    suite_cases(s, cases, COUNT_OF(cases));
}
