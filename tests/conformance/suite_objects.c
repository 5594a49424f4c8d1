/* PKCS#11 3.0, 5.7: creating, copying, destroying objects; who sees them, and for how long. */
#include <string.h>

#include "tests/conformance/keys.h"
#include "tests/conformance/oracle.h"
#include "tests/conformance/suites.h"

static const CK_BYTE subject[] = { 0x30, 0x0c, 0x31, 0x0a, 0x30, 0x08, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x01, 'x' };

static void data_object(const void *row)
{
    CK_BYTE value[64];
    CK_OBJECT_HANDLE o = 0;

    (void)row;
    REQUIRE_OK(F->C_CreateObject(S,
                                 TEMPLATE(NUMBER(CKA_CLASS, CKO_DATA), TEXT(CKA_LABEL, "notes"), NO(CKA_PRIVATE),
                                          TEXT(CKA_APPLICATION, "conformance"), TEXT(CKA_VALUE, "some data")),
                                 &o));
    CHECK(o != CK_INVALID_HANDLE);
    CHECK(client_attribute(S, o, CKA_VALUE, value, sizeof value) == 9 && memcmp(value, "some data", 9) == 0);
    CHECK(client_attribute(S, o, CKA_APPLICATION, value, sizeof value) == 11);
    CHECK(client_attribute(S, o, CKA_OBJECT_ID, value, sizeof value) == 0);
    CHECK(client_number(S, o, CKA_CLASS) == CKO_DATA);
}

static void data_defaults(const void *row)
{
    CK_OBJECT_HANDLE o = 0;
    CK_BYTE value[8];

    (void)row;
    REQUIRE_OK(F->C_CreateObject(S, TEMPLATE(NUMBER(CKA_CLASS, CKO_DATA)), &o));
    CHECK(client_flag(S, o, CKA_TOKEN) == 0);
    CHECK(client_flag(S, o, CKA_MODIFIABLE) == 1);
    CHECK(client_attribute(S, o, CKA_LABEL, value, sizeof value) == 0);
    CHECK(client_attribute(S, o, CKA_VALUE, value, sizeof value) == 0);
    CHECK(client_flag(S, o, CKA_COPYABLE) == 1);
    CHECK(client_flag(S, o, CKA_DESTROYABLE) == 1);
}

static void certificate(const void *row)
{
    CK_OBJECT_HANDLE o = 0;
    CK_BYTE value[64];

    (void)row;
    REQUIRE_OK(F->C_CreateObject(S,
                                 TEMPLATE(NUMBER(CKA_CLASS, CKO_CERTIFICATE), NUMBER(CKA_CERTIFICATE_TYPE, CKC_X_509),
                                          BYTES(CKA_SUBJECT, subject, sizeof subject), TEXT(CKA_ID, "id-1"),
                                          BYTES(CKA_VALUE, subject, sizeof subject)),
                                 &o));
    CHECK(client_number(S, o, CKA_CERTIFICATE_TYPE) == CKC_X_509);
    CHECK(client_attribute(S, o, CKA_SUBJECT, value, sizeof value) == sizeof subject);
    CHECK(client_attribute(S, o, CKA_ISSUER, value, sizeof value) == 0);
    CHECK(client_attribute(S, o, CKA_SERIAL_NUMBER, value, sizeof value) == 0);
    CHECK(client_flag(S, o, CKA_TRUSTED) == 0);
}

static void certificate_incomplete(const void *row)
{
    CK_OBJECT_HANDLE o = 0;

    (void)row;
    CHECK_RV(F->C_CreateObject(S,
                               TEMPLATE(NUMBER(CKA_CLASS, CKO_CERTIFICATE), NUMBER(CKA_CERTIFICATE_TYPE, CKC_X_509),
                                        BYTES(CKA_VALUE, subject, sizeof subject)),
                               &o),
             CKR_TEMPLATE_INCOMPLETE);
    CHECK_RV(F->C_CreateObject(S,
                               TEMPLATE(NUMBER(CKA_CLASS, CKO_CERTIFICATE), BYTES(CKA_SUBJECT, subject, sizeof subject),
                                        BYTES(CKA_VALUE, subject, sizeof subject)),
                               &o),
             CKR_TEMPLATE_INCOMPLETE);
}

static void public_key_object(const void *row)
{
    EVP_PKEY *key = oracle_generate_rsa(2048, 65537);
    CK_OBJECT_HANDLE o = 0;

    (void)row;
    CHECK_OK(keys_import_rsa_public(S, key, JOB_SIGN, &o));
    CHECK(client_number(S, o, CKA_KEY_TYPE) == CKK_RSA);
    CHECK(client_number(S, o, CKA_MODULUS_BITS) == 2048);
    CHECK(client_flag(S, o, CKA_LOCAL) == 0);
    EVP_PKEY_free(key);
}

static void secret_key_object(const void *row)
{
    CK_BYTE value[32] = { 7 };
    CK_OBJECT_HANDLE o = 0;

    (void)row;
    REQUIRE_OK(keys_import(S, CKK_AES, value, sizeof value, RIGHTS_ENCRYPT, &o));
    CHECK(client_number(S, o, CKA_KEY_TYPE) == CKK_AES);
    CHECK(client_number(S, o, CKA_VALUE_LEN) == 32);
    CHECK(client_flag(S, o, CKA_LOCAL) == 0);
    CHECK(client_flag(S, o, CKA_ALWAYS_SENSITIVE) == 0);
    CHECK(client_flag(S, o, CKA_NEVER_EXTRACTABLE) == 0);
    CHECK(client_flag(S, o, CKA_SENSITIVE) == 1);
}

static void copy_object(const void *row)
{
    CK_OBJECT_HANDLE o = 0, copy = 0;
    CK_BYTE value[16];

    (void)row;
    REQUIRE_OK(F->C_CreateObject(
        S, TEMPLATE(NUMBER(CKA_CLASS, CKO_DATA), TEXT(CKA_LABEL, "first"), TEXT(CKA_VALUE, "v")), &o));
    REQUIRE_OK(F->C_CopyObject(S, o, TEMPLATE(TEXT(CKA_LABEL, "second")), &copy));
    CHECK(copy != o);
    CHECK(client_attribute(S, copy, CKA_LABEL, value, sizeof value) == 6 && memcmp(value, "second", 6) == 0);
    CHECK(client_attribute(S, copy, CKA_VALUE, value, sizeof value) == 1 && value[0] == 'v');
    CHECK(client_attribute(S, o, CKA_LABEL, value, sizeof value) == 5);
    CHECK_OK(F->C_DestroyObject(S, o));
    CHECK(client_number(S, copy, CKA_CLASS) == CKO_DATA);
}

static void copy_without_template(const void *row)
{
    CK_OBJECT_HANDLE o = 0, copy = 0;

    (void)row;
    REQUIRE_OK(F->C_CreateObject(S, TEMPLATE(NUMBER(CKA_CLASS, CKO_DATA)), &o));
    CHECK_OK(F->C_CopyObject(S, o, NULL, 0, &copy));
    CHECK(copy != o && copy != CK_INVALID_HANDLE);
}

static void copy_to_token(const void *row)
{
    CK_OBJECT_HANDLE o = 0, copy = 0;

    (void)row;
    REQUIRE_OK(keys_aes(S, 32, RIGHTS_ENCRYPT, false, &o));
    REQUIRE_OK(F->C_CopyObject(S, o, TEMPLATE(YES(CKA_TOKEN)), &copy));
    CHECK(client_flag(S, copy, CKA_TOKEN) == 1 && client_flag(S, o, CKA_TOKEN) == 0);
    CHECK(client_flag(S, copy, CKA_SENSITIVE) == 1 && client_flag(S, copy, CKA_EXTRACTABLE) == 0);
    CHECK(client_flag(S, copy, CKA_NEVER_EXTRACTABLE) == 1);
    CHECK_OK(F->C_DestroyObject(S, copy));
}

static void copy_changes_class(const void *row)
{
    CK_OBJECT_HANDLE o = 0, copy = 0;

    (void)row;
    REQUIRE_OK(keys_aes(S, 32, RIGHTS_ENCRYPT, false, &o));
    CHECK_ONE(F->C_CopyObject(S, o, TEMPLATE(NUMBER(CKA_CLASS, CKO_DATA)), &copy), CKR_ATTRIBUTE_READ_ONLY,
              CKR_TEMPLATE_INCONSISTENT);
    CHECK_ONE(F->C_CopyObject(S, o, TEMPLATE(NUMBER(CKA_KEY_TYPE, CKK_GENERIC_SECRET)), &copy), CKR_ATTRIBUTE_READ_ONLY,
              CKR_TEMPLATE_INCONSISTENT);
}

static void not_copyable(const void *row)
{
    CK_OBJECT_HANDLE o = 0, copy = 0;

    (void)row;
    REQUIRE_OK(F->C_CreateObject(S, TEMPLATE(NUMBER(CKA_CLASS, CKO_DATA), NO(CKA_COPYABLE)), &o));
    CHECK_RV(F->C_CopyObject(S, o, NULL, 0, &copy), CKR_ACTION_PROHIBITED);
    CHECK_RV(F->C_SetAttributeValue(S, o, TEMPLATE(YES(CKA_COPYABLE))), CKR_ATTRIBUTE_READ_ONLY);
}

static void not_destroyable(const void *row)
{
    CK_OBJECT_HANDLE o = 0;

    (void)row;
    REQUIRE_OK(F->C_CreateObject(S, TEMPLATE(NUMBER(CKA_CLASS, CKO_DATA), NO(CKA_DESTROYABLE)), &o));
    CHECK_RV(F->C_DestroyObject(S, o), CKR_ACTION_PROHIBITED);
}

static void not_modifiable(const void *row)
{
    CK_OBJECT_HANDLE o = 0;

    (void)row;
    REQUIRE_OK(F->C_CreateObject(S, TEMPLATE(NUMBER(CKA_CLASS, CKO_DATA), NO(CKA_MODIFIABLE)), &o));
    CHECK_ONE(F->C_SetAttributeValue(S, o, TEMPLATE(TEXT(CKA_LABEL, "new"))), CKR_ACTION_PROHIBITED,
              CKR_ATTRIBUTE_READ_ONLY);
    CHECK_ONE(F->C_SetAttributeValue(S, o, TEMPLATE(YES(CKA_MODIFIABLE))), CKR_ACTION_PROHIBITED,
              CKR_ATTRIBUTE_READ_ONLY);
}

static void destroy_twice(const void *row)
{
    CK_OBJECT_HANDLE o = 0;
    CK_BYTE value[8];
    CK_ATTRIBUTE a = { CKA_LABEL, value, sizeof value };

    (void)row;
    REQUIRE_OK(F->C_CreateObject(S, TEMPLATE(NUMBER(CKA_CLASS, CKO_DATA)), &o));
    CHECK_OK(F->C_DestroyObject(S, o));
    CHECK_RV(F->C_DestroyObject(S, o), CKR_OBJECT_HANDLE_INVALID);
    CHECK_RV(F->C_GetAttributeValue(S, o, &a, 1), CKR_OBJECT_HANDLE_INVALID);
    CHECK_RV(F->C_SetAttributeValue(S, o, TEMPLATE(TEXT(CKA_LABEL, "x"))), CKR_OBJECT_HANDLE_INVALID);
}

static void no_such_object(const void *row)
{
    const CK_OBJECT_HANDLE nobody[] = { 0, 0x7ffffff3, (CK_OBJECT_HANDLE)-1 };
    CK_OBJECT_HANDLE copy = 0;
    CK_ULONG size;

    (void)row;
    for (size_t i = 0; i < COUNT_OF(nobody); i++) {
        CHECK_RV(F->C_DestroyObject(S, nobody[i]), CKR_OBJECT_HANDLE_INVALID);
        CHECK_RV(F->C_GetObjectSize(S, nobody[i], &size), CKR_OBJECT_HANDLE_INVALID);
        CHECK_RV(F->C_CopyObject(S, nobody[i], NULL, 0, &copy), CKR_OBJECT_HANDLE_INVALID);
    }
}

static void no_such_key(const void *row)
{
    CK_OBJECT_HANDLE nobody = 0x7ffffff3, made = 0;
    CK_BYTE out[256];
    CK_ULONG len = sizeof out;

    (void)row;
    CHECK_RV(F->C_SignInit(S, MECHANISM(CKM_SHA256_HMAC), nobody), CKR_KEY_HANDLE_INVALID);
    CHECK_RV(F->C_VerifyInit(S, MECHANISM(CKM_SHA256_HMAC), nobody), CKR_KEY_HANDLE_INVALID);
    CHECK_RV(F->C_EncryptInit(S, MECHANISM_WITH(CKM_AES_CBC, out, 16), nobody), CKR_KEY_HANDLE_INVALID);
    CHECK_RV(F->C_DecryptInit(S, MECHANISM_WITH(CKM_AES_CBC, out, 16), nobody), CKR_KEY_HANDLE_INVALID);
    CHECK_ONE(F->C_WrapKey(S, MECHANISM(CKM_AES_KEY_WRAP), nobody, nobody, out, &len), CKR_WRAPPING_KEY_HANDLE_INVALID,
              CKR_KEY_HANDLE_INVALID);
    CHECK_ONE(F->C_UnwrapKey(S, MECHANISM(CKM_AES_KEY_WRAP), nobody, out, 24,
                             TEMPLATE(NUMBER(CKA_CLASS, CKO_SECRET_KEY), NUMBER(CKA_KEY_TYPE, CKK_AES)), &made),
              CKR_UNWRAPPING_KEY_HANDLE_INVALID, CKR_KEY_HANDLE_INVALID);
}

static void data_is_no_key(const void *row)
{
    CK_OBJECT_HANDLE o = 0;

    (void)row;
    REQUIRE_OK(F->C_CreateObject(S, TEMPLATE(NUMBER(CKA_CLASS, CKO_DATA), TEXT(CKA_VALUE, "0123456789abcdef")), &o));
    CHECK_ONE(F->C_SignInit(S, MECHANISM(CKM_SHA256_HMAC), o), CKR_KEY_HANDLE_INVALID, CKR_KEY_TYPE_INCONSISTENT,
              CKR_KEY_FUNCTION_NOT_PERMITTED);
}

static void object_size(const void *row)
{
    CK_OBJECT_HANDLE o = 0;
    CK_ULONG size = 0;

    (void)row;
    REQUIRE_OK(F->C_CreateObject(S, TEMPLATE(NUMBER(CKA_CLASS, CKO_DATA), TEXT(CKA_VALUE, "0123456789abcdef")), &o));
    CHECK_OK(F->C_GetObjectSize(S, o, &size));
    CHECK(size == CK_UNAVAILABLE_INFORMATION || size >= 16);
}

static void token_object_stays(const void *row)
{
    CK_ATTRIBUTE t[] = { NUMBER(CKA_CLASS, CKO_DATA), TEXT(CKA_LABEL, "stays"), YES(CKA_TOKEN),
                         TEXT(CKA_VALUE, "here") };
    CK_OBJECT_HANDLE o = 0;
    CK_ULONG count = 0;

    (void)row;
    REQUIRE_OK(F->C_CreateObject(S, t, COUNT_OF(t), &o));
    REQUIRE(client_reach(LEVEL_USER, true)); /* through C_Finalize */
    REQUIRE_OK(client_count(S, t, COUNT_OF(t), &count));
    CHECK(count == 1);
    client_clean(S);
    REQUIRE_OK(client_count(S, t, COUNT_OF(t), &count));
    CHECK(count == 0);
}

static void token_key_stays(const void *row)
{
    CK_ATTRIBUTE find[] = { NUMBER(CKA_CLASS, CKO_PRIVATE_KEY), TEXT(CKA_ID, "stays") };
    CK_OBJECT_HANDLE public_key = 0, key = 0;
    CK_BYTE digest[32] = { 3 }, sig[64];
    CK_ULONG len = sizeof sig, n = 0;
    EVP_PKEY *verifier;

    (void)row;
    REQUIRE_OK(F->C_GenerateKeyPair(
        S, MECHANISM(CKM_EC_KEY_PAIR_GEN), TEMPLATE(CURVE("P-256"), NO(CKA_TOKEN), YES(CKA_VERIFY)),
        TEMPLATE(YES(CKA_TOKEN), YES(CKA_PRIVATE), YES(CKA_SENSITIVE), YES(CKA_SIGN), TEXT(CKA_ID, "stays")),
        &public_key, &key));
    verifier = oracle_public(S, public_key);
    REQUIRE(client_reach(LEVEL_USER, true));
    REQUIRE_OK(F->C_FindObjectsInit(S, find, COUNT_OF(find)));
    REQUIRE_OK(F->C_FindObjects(S, &key, 1, &n));
    REQUIRE_OK(F->C_FindObjectsFinal(S));
    REQUIRE(n == 1);
    CHECK_OK(keys_sign(S, MECHANISM(CKM_ECDSA), key, digest, sizeof digest, sig, &len));
    CHECK(
        oracle_verify(verifier, &(struct oracle_signature){ .scheme = SCHEME_ECDSA }, digest, sizeof digest, sig, len));
    CHECK_OK(F->C_DestroyObject(S, key));
    EVP_PKEY_free(verifier);
}

static void private_unseen_before_login(const void *row)
{
    CK_ATTRIBUTE t[] = { NUMBER(CKA_CLASS, CKO_DATA), TEXT(CKA_LABEL, "for the user"), YES(CKA_TOKEN),
                         YES(CKA_PRIVATE) };
    CK_OBJECT_HANDLE o = 0;
    CK_ULONG count = 9;
    CK_BYTE value[16];
    CK_ATTRIBUTE a = { CKA_LABEL, value, sizeof value };

    (void)row;
    REQUIRE_OK(F->C_CreateObject(S, t, COUNT_OF(t), &o));
    REQUIRE(client_reach(LEVEL_PUBLIC, true));
    CHECK_OK(client_count(S, t, 2, &count));
    CHECK(count == 0);
    CHECK_ONE(F->C_GetAttributeValue(S, o, &a, 1), CKR_OBJECT_HANDLE_INVALID, CKR_USER_NOT_LOGGED_IN);
    REQUIRE(client_reach(LEVEL_USER, true));
    CHECK_OK(client_count(S, t, 2, &count));
    CHECK(count == 1);
    client_clean(S);
}

static void private_gone_after_logout(const void *row)
{
    CK_OBJECT_HANDLE o = 0, session_key = 0;
    CK_BYTE value[16];
    CK_ATTRIBUTE a = { CKA_LABEL, value, sizeof value };

    (void)row;
    REQUIRE_OK(F->C_Login(S, CKU_USER, client.pin, client.pin_len));
    REQUIRE_OK(F->C_CreateObject(S, TEMPLATE(NUMBER(CKA_CLASS, CKO_DATA), YES(CKA_TOKEN), YES(CKA_PRIVATE)), &o));
    REQUIRE_OK(keys_aes(S, 32, RIGHTS_ENCRYPT, false, &session_key));
    REQUIRE_OK(F->C_Logout(S));
    CHECK_RV(F->C_GetAttributeValue(S, o, &a, 1), CKR_OBJECT_HANDLE_INVALID);
    CHECK_RV(F->C_EncryptInit(S, MECHANISM_WITH(CKM_AES_CBC, value, 16), session_key), CKR_KEY_HANDLE_INVALID);
    REQUIRE_OK(F->C_Login(S, CKU_USER, client.pin, client.pin_len));
    CHECK_RV(F->C_EncryptInit(S, MECHANISM_WITH(CKM_AES_CBC, value, 16), session_key), CKR_KEY_HANDLE_INVALID);
    client_clean(S);
}

static void private_unseen_by_so(const void *row)
{
    CK_ATTRIBUTE t[] = { NUMBER(CKA_CLASS, CKO_DATA), TEXT(CKA_LABEL, "not for the SO"), YES(CKA_TOKEN),
                         YES(CKA_PRIVATE) };
    CK_OBJECT_HANDLE o = 0;
    CK_ULONG count = 9;

    (void)row;
    REQUIRE_OK(F->C_CreateObject(S, t, COUNT_OF(t), &o));
    REQUIRE(client_reach(LEVEL_PUBLIC, true));
    REQUIRE_OK(F->C_Login(S, CKU_SO, client.so_pin, client.so_pin_len));
    CHECK_OK(client_count(S, t, 2, &count));
    CHECK(count == 0);
    REQUIRE(client_reach(LEVEL_USER, true));
    client_clean(S);
}

static void public_object_without_login(const void *row)
{
    CK_ATTRIBUTE t[] = { NUMBER(CKA_CLASS, CKO_DATA), TEXT(CKA_LABEL, "for all"), YES(CKA_TOKEN), NO(CKA_PRIVATE) };
    CK_OBJECT_HANDLE o = 0;
    CK_ULONG count = 0;

    (void)row;
    REQUIRE_OK(F->C_CreateObject(S, t, COUNT_OF(t), &o));
    REQUIRE(client_reach(LEVEL_PUBLIC, true));
    CHECK_OK(client_count(S, t, 2, &count));
    CHECK(count == 1);
    client_clean(S);
}

static void large_value(const void *row)
{
    static CK_BYTE value[40000], back[40000];
    CK_OBJECT_HANDLE o = 0;

    (void)row;
    memset(value, 0x5a, sizeof value);
    REQUIRE_OK(F->C_CreateObject(S, TEMPLATE(NUMBER(CKA_CLASS, CKO_DATA), BYTES(CKA_VALUE, value, sizeof value)), &o));
    CHECK(client_attribute(S, o, CKA_VALUE, back, sizeof back) == sizeof value &&
          memcmp(value, back, sizeof value) == 0);
}

static void unknown_class(const void *row)
{
    CK_OBJECT_HANDLE o = 0;

    (void)row;
    CHECK_ONE(F->C_CreateObject(S, TEMPLATE(NUMBER(CKA_CLASS, 0x12345)), &o), CKR_ATTRIBUTE_VALUE_INVALID,
              CKR_TEMPLATE_INCONSISTENT);
    CHECK_RV(F->C_CreateObject(S, TEMPLATE(TEXT(CKA_LABEL, "no class")), &o), CKR_TEMPLATE_INCOMPLETE);
    CHECK_ONE(F->C_CreateObject(S, TEMPLATE(NUMBER(CKA_CLASS, CKO_HW_FEATURE)), &o), CKR_ATTRIBUTE_VALUE_INVALID,
              CKR_TEMPLATE_INCONSISTENT, CKR_TEMPLATE_INCOMPLETE, CKR_ATTRIBUTE_READ_ONLY, CKR_FUNCTION_FAILED);
}

static const struct test_case cases[] = {
    { "a data object", LEVEL_PUBLIC, data_object, 0 },
    { "what a data object has without being told", LEVEL_USER, data_defaults, 0 },
    { "a certificate", LEVEL_USER, certificate, 0 },
    { "a certificate without subject or type", LEVEL_USER, certificate_incomplete, 0 },
    { "an RSA public key", LEVEL_USER, public_key_object, 0 },
    { "a secret key of known bytes", LEVEL_USER, secret_key_object, 0 },
    { "a copy with another label", LEVEL_USER, copy_object, 0 },
    { "a copy without a template", LEVEL_USER, copy_without_template, 0 },
    { "a copy of a session key onto the token", LEVEL_USER, copy_to_token, 0 },
    { "a copy may not change class or type", LEVEL_USER, copy_changes_class, 0 },
    { "COPYABLE false", LEVEL_USER, not_copyable, 0 },
    { "DESTROYABLE false", LEVEL_USER, not_destroyable, 0 },
    { "MODIFIABLE false", LEVEL_USER, not_modifiable, 0 },
    { "a destroyed object is gone", LEVEL_USER, destroy_twice, 0 },
    { "handles of nobody", LEVEL_USER, no_such_object, 0 },
    { "key handles of nobody", LEVEL_USER, no_such_key, 0 },
    { "a data object is no key", LEVEL_USER, data_is_no_key, 0 },
    { "C_GetObjectSize", LEVEL_USER, object_size, 0 },
    { "a token object outlives C_Finalize", LEVEL_USER, token_object_stays, 0 },
    { "a token key outlives C_Finalize and signs", LEVEL_USER, token_key_stays, 0 },
    { "private objects are unseen before login", LEVEL_USER, private_unseen_before_login, 0 },
    { "private objects are gone after logout", LEVEL_PUBLIC, private_gone_after_logout, 0 },
    { "private objects are unseen by the SO", LEVEL_USER, private_unseen_by_so, 0 },
    { "public objects are seen without login", LEVEL_USER, public_object_without_login, 0 },
    { "a value of 40,000 bytes", LEVEL_USER, large_value, 0 },
    { "objects of no known class", LEVEL_USER, unknown_class, 0 },
};

void suite_objects(struct suite *s)
{
    suite_cases(s, cases, COUNT_OF(cases));
}
