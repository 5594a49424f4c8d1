/* PKCS#11 3.0, 5.2 and 5.8 to 5.15: what an operation in a session allows beside itself, what ends it and what does
 * not; the dual functions; C_SessionCancel. */
#include <string.h>

#include "tests/conformance/keys.h"
#include "tests/conformance/oracle.h"
#include "tests/conformance/suites.h"

static CK_BYTE data[64] = { 1, 2, 3 }, out[256], iv[16];
static CK_ULONG len;

#define ROOM (len = sizeof out, &len)

static CK_OBJECT_HANDLE cipher_key(void)
{
    CK_BYTE value[32] = { 0x21 };
    CK_OBJECT_HANDLE key = 0;

    REQUIRE_OK(keys_import(S, CKK_AES, value, sizeof value, RIGHTS_ENCRYPT, &key));
    return key;
}

static CK_OBJECT_HANDLE mac_key(void)
{
    CK_BYTE value[32] = { 0x22 };
    CK_OBJECT_HANDLE key = 0;

    REQUIRE_OK(keys_import(S, CKK_GENERIC_SECRET, value, sizeof value, RIGHTS_SIGN, &key));
    return key;
}

static CK_RV encrypt_init(void)
{
    return F->C_EncryptInit(S, MECHANISM_WITH(CKM_AES_CBC, iv, 16), cipher_key());
}

static CK_RV decrypt_init(void)
{
    return F->C_DecryptInit(S, MECHANISM_WITH(CKM_AES_CBC, iv, 16), cipher_key());
}

static CK_RV sign_init(void)
{
    return F->C_SignInit(S, MECHANISM(CKM_SHA256_HMAC), mac_key());
}

static CK_RV verify_init(void)
{
    return F->C_VerifyInit(S, MECHANISM(CKM_SHA256_HMAC), mac_key());
}

static CK_RV digest_init(void)
{
    return F->C_DigestInit(S, MECHANISM(CKM_SHA256));
}

static CK_RV encrypt_once(void)
{
    return F->C_Encrypt(S, data, 16, out, ROOM);
}

static CK_RV encrypt_update(void)
{
    return F->C_EncryptUpdate(S, data, 16, out, ROOM);
}

static CK_RV encrypt_final(void)
{
    return F->C_EncryptFinal(S, out, ROOM);
}

static CK_RV decrypt_once(void)
{
    return F->C_Decrypt(S, data, 16, out, ROOM);
}

static CK_RV decrypt_update(void)
{
    return F->C_DecryptUpdate(S, data, 16, out, ROOM);
}

static CK_RV decrypt_final(void)
{
    return F->C_DecryptFinal(S, out, ROOM);
}

static CK_RV sign_once(void)
{
    return F->C_Sign(S, data, 16, out, ROOM);
}

static CK_RV sign_update(void)
{
    return F->C_SignUpdate(S, data, 16);
}

static CK_RV sign_final(void)
{
    return F->C_SignFinal(S, out, ROOM);
}

static CK_RV verify_once(void)
{
    return F->C_Verify(S, data, 16, out, 32);
}

static CK_RV verify_update(void)
{
    return F->C_VerifyUpdate(S, data, 16);
}

static CK_RV verify_final(void)
{
    return F->C_VerifyFinal(S, out, 32);
}

static CK_RV digest_once(void)
{
    return F->C_Digest(S, data, 16, out, ROOM);
}

static CK_RV digest_update(void)
{
    return F->C_DigestUpdate(S, data, 16);
}

static CK_RV digest_final(void)
{
    return F->C_DigestFinal(S, out, ROOM);
}

typedef CK_RV (*step)(void);

static const struct kind {
    const char *name;
    step init, once, update, final;
    CK_FLAGS cancel;
} kinds[] = {
    { "encryption", encrypt_init, encrypt_once, encrypt_update, encrypt_final, CKF_ENCRYPT },
    { "decryption", decrypt_init, decrypt_once, decrypt_update, decrypt_final, CKF_DECRYPT },
    { "signing", sign_init, sign_once, sign_update, sign_final, CKF_SIGN },
    { "verification", verify_init, verify_once, verify_update, verify_final, CKF_VERIFY },
    { "digesting", digest_init, digest_once, digest_update, digest_final, CKF_DIGEST },
};

static void init_twice(const void *row)
{
    const struct kind *k = row;

    REQUIRE_OK(k->init());
    CHECK_RV(k->init(), CKR_OPERATION_ACTIVE);
    CHECK(k->once() != CKR_OPERATION_NOT_INITIALIZED); /* the first one goes on */
}

static void once_ends_it(const void *row)
{
    const struct kind *k = row;

    REQUIRE_OK(k->init());
    k->once();
    CHECK_RV(k->once(), CKR_OPERATION_NOT_INITIALIZED);
    CHECK_RV(k->update(), CKR_OPERATION_NOT_INITIALIZED);
    CHECK_RV(k->final(), CKR_OPERATION_NOT_INITIALIZED);
    CHECK_OK(k->init());
}

static void final_ends_it(const void *row)
{
    const struct kind *k = row;

    REQUIRE_OK(k->init());
    REQUIRE_OK(k->update());
    k->final();
    CHECK_RV(k->update(), CKR_OPERATION_NOT_INITIALIZED);
    CHECK_RV(k->final(), CKR_OPERATION_NOT_INITIALIZED);
    CHECK_OK(k->init());
}

static void once_after_update(const void *row)
{
    const struct kind *k = row;

    REQUIRE_OK(k->init());
    REQUIRE_OK(k->update());
    CHECK_ONE(k->once(), CKR_OPERATION_ACTIVE, CKR_FUNCTION_REJECTED);
}

static void cancelled(const void *row)
{
    const struct kind *k = row;

    if (client.f3 == NULL) {
        check_absent("C_SessionCancel");
        return;
    }
    REQUIRE_OK(k->init());
    CHECK_OK(client.f3->C_SessionCancel(S, k->cancel));
    CHECK_RV(k->once(), CKR_OPERATION_NOT_INITIALIZED);
    REQUIRE_OK(k->init());
    REQUIRE_OK(k->update());
    CHECK_OK(client.f3->C_SessionCancel(S, k->cancel | CKF_FIND_OBJECTS));
    CHECK_RV(k->final(), CKR_OPERATION_NOT_INITIALIZED);
    CHECK_OK(client.f3->C_SessionCancel(S, k->cancel)); /* nothing to cancel is fine */
}

static void null_where_data_is_due(const void *row)
{
    const struct kind *k = row;
    CK_RV rv;

    REQUIRE_OK(k->init());
    len = sizeof out;
    switch (k->cancel) {
    case CKF_ENCRYPT:
        rv = F->C_Encrypt(S, NULL, 16, out, &len);
        break;
    case CKF_DECRYPT:
        rv = F->C_Decrypt(S, NULL, 16, out, &len);
        break;
    case CKF_SIGN:
        rv = F->C_Sign(S, NULL, 16, out, &len);
        break;
    case CKF_VERIFY:
        rv = F->C_Verify(S, data, 16, NULL, 32);
        break;
    default:
        rv = F->C_Digest(S, NULL, 16, out, &len);
    }
    CHECK_RV(rv, CKR_ARGUMENTS_BAD);
}

/* THREATS.md 5.7: a length query is not the operation, so an update may not follow as if nothing was said. */
static void update_after_length_query(const void *row)
{
    (void)row;
    REQUIRE_OK(sign_init());
    len = 0;
    CHECK_OK(F->C_Sign(S, data, 16, NULL, &len));
    CHECK_ONE(sign_update(), CKR_OPERATION_ACTIVE, CKR_OK);
    REQUIRE(client_reach(LEVEL_USER, false));
    REQUIRE_OK(encrypt_init());
    CHECK_OK(F->C_Encrypt(S, data, 16, NULL, &len));
    CHECK(len == 16);
    CHECK_OK(F->C_Encrypt(S, data, 16, out, ROOM));
}

static void error_ends_it(const void *row)
{
    (void)row;
    REQUIRE_OK(encrypt_init());
    CHECK_RV(F->C_Encrypt(S, data, 15, out, ROOM), CKR_DATA_LEN_RANGE);
    CHECK_RV(F->C_Encrypt(S, data, 16, out, ROOM), CKR_OPERATION_NOT_INITIALIZED);
    REQUIRE_OK(verify_init());
    CHECK_RV(F->C_Verify(S, data, 16, out, 32), CKR_SIGNATURE_INVALID);
    CHECK_RV(F->C_Verify(S, data, 16, out, 32), CKR_OPERATION_NOT_INITIALIZED);
}

static void unfinished_block(const void *row)
{
    (void)row;
    REQUIRE_OK(encrypt_init());
    CHECK_OK(F->C_EncryptUpdate(S, data, 15, out, ROOM));
    CHECK(len == 0);
    CHECK_RV(F->C_EncryptFinal(S, out, ROOM), CKR_DATA_LEN_RANGE);
}

static void update_too_small(const void *row)
{
    (void)row;
    REQUIRE_OK(encrypt_init());
    len = 0;
    CHECK_OK(F->C_EncryptUpdate(S, data, 32, NULL, &len));
    CHECK(len == 32);
    len = 31;
    CHECK_RV(F->C_EncryptUpdate(S, data, 32, out, &len), CKR_BUFFER_TOO_SMALL);
    CHECK(len == 32);
    CHECK_OK(F->C_EncryptUpdate(S, data, 32, out, &len));
    CHECK(len == 32);
    CHECK_OK(F->C_EncryptFinal(S, out, ROOM));
    CHECK(len == 0);
}

static void sessions_are_apart(const void *row)
{
    CK_SESSION_HANDLE other = 0;
    CK_BYTE one[32], two[32];
    CK_ULONG n = sizeof one;

    (void)row;
    REQUIRE_OK(F->C_OpenSession(client.slot, CKF_SERIAL_SESSION, NULL, NULL, &other));
    REQUIRE_OK(digest_init());
    REQUIRE_OK(F->C_DigestInit(other, MECHANISM(CKM_SHA256)));
    REQUIRE_OK(F->C_DigestUpdate(S, data, 16));
    REQUIRE_OK(F->C_DigestUpdate(other, data + 1, 16));
    CHECK_OK(F->C_DigestFinal(S, one, &n));
    CHECK_OK(F->C_DigestFinal(other, two, &n));
    CHECK(oracle_digest("SHA256", data, 16, out) == 32 && memcmp(out, one, 32) == 0);
    CHECK(oracle_digest("SHA256", data + 1, 16, out) == 32 && memcmp(out, two, 32) == 0);
}

static void key_of_another_session(const void *row)
{
    CK_SESSION_HANDLE other = 0;
    CK_OBJECT_HANDLE key = mac_key();

    (void)row;
    REQUIRE_OK(F->C_OpenSession(client.slot, CKF_SERIAL_SESSION, NULL, NULL, &other));
    CHECK_OK(F->C_SignInit(other, MECHANISM(CKM_SHA256_HMAC), key));
    CHECK_OK(F->C_Sign(other, data, 16, out, ROOM));
}

static void key_destroyed_meanwhile(const void *row)
{
    CK_OBJECT_HANDLE key = mac_key();
    CK_BYTE mac[64], value[32] = { 0x22 };
    CK_RV rv;

    (void)row;
    REQUIRE_OK(F->C_SignInit(S, MECHANISM(CKM_SHA256_HMAC), key));
    REQUIRE_OK(F->C_DestroyObject(S, key));
    rv = F->C_Sign(S, data, 16, out, ROOM);
    if (rv == CKR_OK) /* it goes on with the key it began with, or not at all */
        CHECK(oracle_mac("SHA256", value, 32, data, 16, mac) == 32 && memcmp(mac, out, 32) == 0);
    else
        CHECK_ONE(rv, CKR_KEY_HANDLE_INVALID, CKR_OPERATION_NOT_INITIALIZED, CKR_OBJECT_HANDLE_INVALID);
}

static void digest_and_encrypt(const void *row)
{
    CK_BYTE digest[32];
    CK_RV rv;

    (void)row;
    REQUIRE_OK(digest_init());
    rv = encrypt_init();
    if (rv == CKR_OK)
        rv = F->C_DigestEncryptUpdate(S, data, 32, out, ROOM);
    if (rv == CKR_OPERATION_ACTIVE || rv == CKR_FUNCTION_NOT_SUPPORTED) {
        check_absent("C_DigestEncryptUpdate");
        return;
    }
    REQUIRE_OK(rv);
    CHECK(len == 32);
    CHECK_OK(F->C_EncryptFinal(S, out + 32, ROOM));
    CHECK_OK(F->C_DigestFinal(S, digest, ROOM));
    CHECK(oracle_digest("SHA256", data, 32, out) == 32 && memcmp(out, digest, 32) == 0);
}

static void decrypt_and_digest(const void *row)
{
    CK_RV rv;

    (void)row;
    REQUIRE_OK(digest_init());
    rv = decrypt_init();
    if (rv == CKR_OK)
        rv = F->C_DecryptDigestUpdate(S, data, 32, out, ROOM);
    if (rv == CKR_OPERATION_ACTIVE || rv == CKR_FUNCTION_NOT_SUPPORTED)
        check_absent("C_DecryptDigestUpdate");
    else
        CHECK_OK(rv);
}

static void sign_and_encrypt(const void *row)
{
    CK_BYTE mac[32], value[32] = { 0x22 };
    CK_RV rv;

    (void)row;
    REQUIRE_OK(sign_init());
    rv = encrypt_init();
    if (rv == CKR_OK)
        rv = F->C_SignEncryptUpdate(S, data, 32, out, ROOM);
    if (rv == CKR_OPERATION_ACTIVE || rv == CKR_FUNCTION_NOT_SUPPORTED) {
        check_absent("C_SignEncryptUpdate");
        return;
    }
    REQUIRE_OK(rv);
    CHECK_OK(F->C_EncryptFinal(S, out + 32, ROOM));
    CHECK_OK(F->C_SignFinal(S, mac, ROOM));
    CHECK(oracle_mac("SHA256", value, 32, data, 32, out) == 32 && memcmp(out, mac, 32) == 0);
}

static void decrypt_and_verify(const void *row)
{
    CK_RV rv;

    (void)row;
    REQUIRE_OK(verify_init());
    rv = decrypt_init();
    if (rv == CKR_OK)
        rv = F->C_DecryptVerifyUpdate(S, data, 32, out, ROOM);
    if (rv == CKR_OPERATION_ACTIVE || rv == CKR_FUNCTION_NOT_SUPPORTED)
        check_absent("C_DecryptVerifyUpdate");
    else
        CHECK_OK(rv);
}

static void long_messages(const void *row)
{
    static CK_BYTE big[1000000], back[1000064], ours[64], mac[64];
    CK_BYTE value[32] = { 0x22 };
    CK_ULONG n = sizeof mac;

    (void)row;
    memset(big, 0x7b, sizeof big);
    CHECK_OK(keys_sign(S, MECHANISM(CKM_SHA256_HMAC), mac_key(), big, sizeof big, mac, &n));
    CHECK(oracle_mac("SHA256", value, 32, big, sizeof big, ours) == 32 && memcmp(ours, mac, 32) == 0);
    n = sizeof back;
    CHECK_OK(keys_encrypt(S, MECHANISM_WITH(CKM_AES_CBC, iv, 16), cipher_key(), big, sizeof big, back, &n));
    CHECK(n == sizeof big);
    CHECK_OK(keys_decrypt(S, MECHANISM_WITH(CKM_AES_CBC, iv, 16), cipher_key(), back, sizeof big, back, &n));
    CHECK(n == sizeof big && memcmp(big, back, n) == 0); /* in place, too */
}

static const struct test_case cases[] = {
    { "an update after a length query", LEVEL_USER, update_after_length_query, 0 },
    { "an error ends the operation", LEVEL_USER, error_ends_it, 0 },
    { "an unfinished block", LEVEL_USER, unfinished_block, 0 },
    { "C_EncryptUpdate with too small a buffer", LEVEL_USER, update_too_small, 0 },
    { "operations of two sessions are apart", LEVEL_USER, sessions_are_apart, 0 },
    { "a session key of another session", LEVEL_USER, key_of_another_session, 0 },
    { "a key destroyed during its operation", LEVEL_USER, key_destroyed_meanwhile, 0 },
    { "C_DigestEncryptUpdate", LEVEL_USER, digest_and_encrypt, 0 },
    { "C_DecryptDigestUpdate", LEVEL_USER, decrypt_and_digest, 0 },
    { "C_SignEncryptUpdate", LEVEL_USER, sign_and_encrypt, 0 },
    { "C_DecryptVerifyUpdate", LEVEL_USER, decrypt_and_verify, 0 },
    { "messages of a million bytes", LEVEL_USER, long_messages, 0 },
};

void suite_operation(struct suite *s)
{
    static const struct {
        const char *name;
        void (*run)(const void *row);
    } ways[] = { { "initialised twice", init_twice }, { "one-shot ends it", once_ends_it },
                 { "final ends it", final_ends_it },  { "one-shot after an update", once_after_update },
                 { "cancelled", cancelled },          { "NULL where data is due", null_where_data_is_due } };

    for (size_t w = 0; w < COUNT_OF(ways); w++)
        for (size_t i = 0; i < COUNT_OF(kinds); i++)
            suite_row(s, LEVEL_USER, ways[w].run, &kinds[i], "%s: %s", kinds[i].name, ways[w].name);
    suite_cases(s, cases, COUNT_OF(cases));
}
