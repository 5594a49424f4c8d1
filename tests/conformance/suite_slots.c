/* PKCS#11 3.0, 5.5: slots, tokens and mechanisms. */
#include <string.h>

#include "tests/conformance/suites.h"

#define NO_SLOT ((CK_SLOT_ID)0x7ffffffe)

static bool is_padded(const CK_UTF8CHAR *text, size_t len)
{
    return memchr(text, '\0', len) == NULL;
}

static void list_counts(const void *row)
{
    CK_ULONG count = 0, present = 0;

    (void)row;
    CHECK_OK(F->C_GetSlotList(CK_FALSE, NULL, &count));
    CHECK_OK(F->C_GetSlotList(CK_TRUE, NULL, &present));
    CHECK(present >= 1 && present <= count);
}

static void list_too_small(const void *row)
{
    CK_SLOT_ID slots[2];
    CK_ULONG count = 0, all = 0;

    (void)row;
    REQUIRE_OK(F->C_GetSlotList(CK_FALSE, NULL, &all));
    CHECK_RV(F->C_GetSlotList(CK_FALSE, slots, &count), CKR_BUFFER_TOO_SMALL);
    CHECK(count == all);
}

static void slot_fields(const void *row)
{
    CK_SLOT_INFO info;

    (void)row;
    memset(&info, 0, sizeof info);
    REQUIRE_OK(F->C_GetSlotInfo(client.slot, &info));
    CHECK((info.flags & CKF_TOKEN_PRESENT) != 0);
    CHECK((info.flags & ~(CK_FLAGS)(CKF_TOKEN_PRESENT | CKF_REMOVABLE_DEVICE | CKF_HW_SLOT)) == 0);
    CHECK(is_padded(info.slotDescription, sizeof info.slotDescription));
    CHECK(is_padded(info.manufacturerID, sizeof info.manufacturerID));
}

static void slot_unknown(const void *row)
{
    CK_MECHANISM_INFO mechanism;
    CK_SLOT_INFO slot;
    CK_TOKEN_INFO token;
    CK_SESSION_HANDLE s;
    CK_ULONG count = 0;

    (void)row;
    CHECK_RV(F->C_GetSlotInfo(NO_SLOT, &slot), CKR_SLOT_ID_INVALID);
    CHECK_RV(F->C_GetTokenInfo(NO_SLOT, &token), CKR_SLOT_ID_INVALID);
    CHECK_RV(F->C_GetMechanismList(NO_SLOT, NULL, &count), CKR_SLOT_ID_INVALID);
    CHECK_RV(F->C_GetMechanismInfo(NO_SLOT, CKM_RSA_PKCS, &mechanism), CKR_SLOT_ID_INVALID);
    CHECK_RV(F->C_OpenSession(NO_SLOT, CKF_SERIAL_SESSION, NULL, NULL, &s), CKR_SLOT_ID_INVALID);
    CHECK_RV(F->C_CloseAllSessions(NO_SLOT), CKR_SLOT_ID_INVALID);
    CHECK_RV(F->C_InitToken(NO_SLOT, client.so_pin, client.so_pin_len, (CK_UTF8CHAR *)(uintptr_t) "x"),
             CKR_SLOT_ID_INVALID);
}

static void token_fields(const void *row)
{
    CK_TOKEN_INFO t;

    (void)row;
    memset(&t, 0, sizeof t);
    REQUIRE_OK(F->C_GetTokenInfo(client.slot, &t));
    CHECK(is_padded(t.label, sizeof t.label) && is_padded(t.manufacturerID, sizeof t.manufacturerID) &&
          is_padded(t.model, sizeof t.model) && is_padded(t.serialNumber, sizeof t.serialNumber));
    CHECK(t.ulMinPinLen >= 1 && t.ulMinPinLen <= t.ulMaxPinLen && t.ulMaxPinLen <= 4096);
}

static void token_flags(const void *row)
{
    const CK_FLAGS want = CKF_RNG | CKF_LOGIN_REQUIRED | CKF_USER_PIN_INITIALIZED | CKF_TOKEN_INITIALIZED;
    CK_TOKEN_INFO t;

    (void)row;
    REQUIRE_OK(F->C_GetTokenInfo(client.slot, &t));
    CHECK((t.flags & want) == want);
    CHECK((t.flags & (CKF_WRITE_PROTECTED | CKF_USER_PIN_LOCKED | CKF_SO_PIN_LOCKED)) == 0);
}

static void token_counts_sessions(const void *row)
{
    CK_TOKEN_INFO before, after;
    CK_SESSION_HANDLE ro, rw;

    (void)row;
    REQUIRE_OK(F->C_GetTokenInfo(client.slot, &before));
    REQUIRE_OK(F->C_OpenSession(client.slot, CKF_SERIAL_SESSION, NULL, NULL, &ro));
    REQUIRE_OK(F->C_OpenSession(client.slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &rw));
    REQUIRE_OK(F->C_GetTokenInfo(client.slot, &after));
    if (before.ulSessionCount == CK_UNAVAILABLE_INFORMATION)
        return;
    CHECK(after.ulSessionCount == before.ulSessionCount + 2);
    CHECK(after.ulRwSessionCount == before.ulRwSessionCount + 1);
    F->C_CloseSession(ro);
    F->C_CloseSession(rw);
    REQUIRE_OK(F->C_GetTokenInfo(client.slot, &after));
    CHECK(after.ulSessionCount == before.ulSessionCount);
}

static void mechanisms_listed(const void *row)
{
    CK_MECHANISM_TYPE types[512];
    CK_MECHANISM_INFO info;
    CK_ULONG count = 0, room = COUNT_OF(types);

    (void)row;
    REQUIRE_OK(F->C_GetMechanismList(client.slot, NULL, &count));
    REQUIRE(count > 0 && count <= room);
    REQUIRE_OK(F->C_GetMechanismList(client.slot, types, &room));
    CHECK(room == count);
    for (CK_ULONG i = 0; i < count; i++) {
        CHECK_OK(F->C_GetMechanismInfo(client.slot, types[i], &info));
        CHECK(info.ulMinKeySize <= info.ulMaxKeySize);
        for (CK_ULONG k = 0; k < i; k++)
            CHECK(types[k] != types[i]);
    }
}

static void mechanisms_too_small(const void *row)
{
    CK_MECHANISM_TYPE types[1];
    CK_ULONG count = 1, all = 0;

    (void)row;
    REQUIRE_OK(F->C_GetMechanismList(client.slot, NULL, &all));
    CHECK_RV(F->C_GetMechanismList(client.slot, types, &count), CKR_BUFFER_TOO_SMALL);
    CHECK(count == all);
}

static void mechanism_unknown(const void *row)
{
    CK_MECHANISM_INFO info;

    (void)row;
    CHECK_RV(F->C_GetMechanismInfo(client.slot, CKM_VENDOR_DEFINED | 0x12345, &info), CKR_MECHANISM_INVALID);
}

/* What any token that calls itself one for TLS, signing and storage has; the flags say what for. */
static const struct wanted {
    const char *name;
    CK_MECHANISM_TYPE type;
    CK_FLAGS flags;
} wanted[] = {
    { "RSA key pairs", CKM_RSA_PKCS_KEY_PAIR_GEN, CKF_GENERATE_KEY_PAIR },
    { "RSA PKCS#1", CKM_RSA_PKCS, CKF_SIGN | CKF_VERIFY | CKF_ENCRYPT | CKF_DECRYPT },
    { "RSA PKCS#1 with SHA-256", CKM_SHA256_RSA_PKCS, CKF_SIGN | CKF_VERIFY },
    { "RSA PSS", CKM_RSA_PKCS_PSS, CKF_SIGN | CKF_VERIFY },
    { "RSA OAEP", CKM_RSA_PKCS_OAEP, CKF_ENCRYPT | CKF_DECRYPT },
    { "EC key pairs", CKM_EC_KEY_PAIR_GEN, CKF_GENERATE_KEY_PAIR },
    { "ECDSA", CKM_ECDSA, CKF_SIGN | CKF_VERIFY },
    { "ECDH", CKM_ECDH1_DERIVE, CKF_DERIVE },
    { "AES keys", CKM_AES_KEY_GEN, CKF_GENERATE },
    { "AES CBC", CKM_AES_CBC, CKF_ENCRYPT | CKF_DECRYPT },
    { "AES GCM", CKM_AES_GCM, CKF_ENCRYPT | CKF_DECRYPT },
    { "AES key wrap", CKM_AES_KEY_WRAP, CKF_WRAP | CKF_UNWRAP },
    { "generic secrets", CKM_GENERIC_SECRET_KEY_GEN, CKF_GENERATE },
    { "HMAC SHA-256", CKM_SHA256_HMAC, CKF_SIGN | CKF_VERIFY },
    { "SHA-256", CKM_SHA256, CKF_DIGEST },
    { "SHA-384", CKM_SHA384, CKF_DIGEST },
    { "SHA-512", CKM_SHA512, CKF_DIGEST },
};

static void mechanism_is_there(const void *row)
{
    const struct wanted *w = row;

    CHECK(client_offers(w->type, w->flags));
}

static void wait_without_blocking(const void *row)
{
    CK_SLOT_ID slot;

    (void)row;
    CHECK_ONE(F->C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, NULL), CKR_NO_EVENT, CKR_OK, CKR_FUNCTION_NOT_SUPPORTED);
    CHECK_RV(F->C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, &slot), CKR_ARGUMENTS_BAD);
}

static const struct test_case cases[] = {
    { "C_GetSlotList counts", LEVEL_READY, list_counts, 0 },
    { "C_GetSlotList with too small a list", LEVEL_READY, list_too_small, 0 },
    { "C_GetSlotInfo", LEVEL_READY, slot_fields, 0 },
    { "a slot that is not there", LEVEL_READY, slot_unknown, 0 },
    { "C_GetTokenInfo: texts and PIN lengths", LEVEL_READY, token_fields, 0 },
    { "C_GetTokenInfo: flags", LEVEL_READY, token_flags, 0 },
    { "C_GetTokenInfo counts the sessions", LEVEL_PUBLIC, token_counts_sessions, 0 },
    { "every listed mechanism has its facts, once", LEVEL_READY, mechanisms_listed, 0 },
    { "C_GetMechanismList with too small a list", LEVEL_READY, mechanisms_too_small, 0 },
    { "a mechanism that is not there", LEVEL_READY, mechanism_unknown, 0 },
    { "C_WaitForSlotEvent without blocking", LEVEL_READY, wait_without_blocking, 0 },
};

void suite_slots(struct suite *s)
{
    suite_cases(s, cases, COUNT_OF(cases));
    for (size_t i = 0; i < COUNT_OF(wanted); i++)
        suite_row(s, LEVEL_READY, mechanism_is_there, &wanted[i], "the token has %s", wanted[i].name);
}
