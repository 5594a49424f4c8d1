/* PKCS#11 3.0, 5.6: sessions, and section 6.7's states of them. */
#include <string.h>

#include "tests/conformance/suites.h"

static CK_RV open_session(CK_FLAGS more, CK_SESSION_HANDLE *s)
{
    return F->C_OpenSession(client.slot, CKF_SERIAL_SESSION | more, NULL, NULL, s);
}

static CK_ULONG state_of(CK_SESSION_HANDLE s)
{
    CK_SESSION_INFO info = { 0 };

    return F->C_GetSessionInfo(s, &info) == CKR_OK ? info.state : CK_UNAVAILABLE_INFORMATION;
}

static void not_serial(const void *row)
{
    CK_SESSION_HANDLE s;

    (void)row;
    CHECK_RV(F->C_OpenSession(client.slot, CKF_RW_SESSION, NULL, NULL, &s), CKR_SESSION_PARALLEL_NOT_SUPPORTED);
}

static void public_states(const void *row)
{
    CK_SESSION_HANDLE ro = 0, rw = 0;

    (void)row;
    REQUIRE_OK(open_session(0, &ro));
    REQUIRE_OK(open_session(CKF_RW_SESSION, &rw));
    CHECK(state_of(ro) == CKS_RO_PUBLIC_SESSION);
    CHECK(state_of(rw) == CKS_RW_PUBLIC_SESSION);
}

static void info_fields(const void *row)
{
    CK_SESSION_INFO info = { 0 };

    (void)row;
    REQUIRE_OK(F->C_GetSessionInfo(S, &info));
    CHECK(info.slotID == client.slot);
    CHECK(info.flags == (CKF_SERIAL_SESSION | CKF_RW_SESSION));
    CHECK(info.ulDeviceError == 0);
}

static void login_reaches_all(const void *row)
{
    CK_SESSION_HANDLE ro = 0, later = 0;

    (void)row;
    REQUIRE_OK(open_session(0, &ro));
    REQUIRE_OK(F->C_Login(S, CKU_USER, client.pin, client.pin_len));
    CHECK(state_of(S) == CKS_RW_USER_FUNCTIONS);
    CHECK(state_of(ro) == CKS_RO_USER_FUNCTIONS);
    REQUIRE_OK(open_session(CKF_RW_SESSION, &later));
    CHECK(state_of(later) == CKS_RW_USER_FUNCTIONS);
    REQUIRE_OK(F->C_Logout(later));
    CHECK(state_of(S) == CKS_RW_PUBLIC_SESSION);
    CHECK(state_of(ro) == CKS_RO_PUBLIC_SESSION);
}

static void login_through_read_only(const void *row)
{
    CK_SESSION_HANDLE ro = 0;

    (void)row;
    REQUIRE_OK(open_session(0, &ro));
    CHECK_OK(F->C_Login(ro, CKU_USER, client.pin, client.pin_len));
    CHECK(state_of(ro) == CKS_RO_USER_FUNCTIONS);
}

static void so_state(const void *row)
{
    (void)row;
    REQUIRE_OK(F->C_Login(S, CKU_SO, client.so_pin, client.so_pin_len));
    CHECK(state_of(S) == CKS_RW_SO_FUNCTIONS);
}

static void so_through_read_only(const void *row)
{
    CK_SESSION_HANDLE ro = 0;

    (void)row;
    REQUIRE_OK(open_session(0, &ro));
    CHECK_ONE(F->C_Login(ro, CKU_SO, client.so_pin, client.so_pin_len), CKR_SESSION_READ_ONLY,
              CKR_SESSION_READ_ONLY_EXISTS);
}

static void so_beside_read_only(const void *row)
{
    CK_SESSION_HANDLE ro = 0;

    (void)row;
    REQUIRE_OK(open_session(0, &ro));
    CHECK_RV(F->C_Login(S, CKU_SO, client.so_pin, client.so_pin_len), CKR_SESSION_READ_ONLY_EXISTS);
}

static void read_only_beside_so(const void *row)
{
    CK_SESSION_HANDLE ro = 0;

    (void)row;
    REQUIRE_OK(F->C_Login(S, CKU_SO, client.so_pin, client.so_pin_len));
    CHECK_RV(open_session(0, &ro), CKR_SESSION_READ_WRITE_SO_EXISTS);
}

static void close_twice(const void *row)
{
    CK_SESSION_HANDLE s = 0;

    (void)row;
    REQUIRE_OK(open_session(0, &s));
    CHECK_OK(F->C_CloseSession(s));
    CHECK_RV(F->C_CloseSession(s), CKR_SESSION_HANDLE_INVALID);
}

static void close_all(const void *row)
{
    CK_SESSION_HANDLE s = 0;

    (void)row;
    REQUIRE_OK(open_session(0, &s));
    CHECK_OK(F->C_CloseAllSessions(client.slot));
    CHECK(state_of(s) == CK_UNAVAILABLE_INFORMATION && state_of(S) == CK_UNAVAILABLE_INFORMATION);
    CHECK_OK(F->C_CloseAllSessions(client.slot));
}

static void close_all_logs_out(const void *row)
{
    CK_SESSION_HANDLE s = 0;

    (void)row;
    REQUIRE_OK(F->C_Login(S, CKU_USER, client.pin, client.pin_len));
    REQUIRE_OK(F->C_CloseAllSessions(client.slot));
    REQUIRE_OK(open_session(0, &s));
    CHECK(state_of(s) == CKS_RO_PUBLIC_SESSION);
}

static void last_close_logs_out(const void *row)
{
    CK_SESSION_HANDLE s = 0;

    (void)row;
    REQUIRE_OK(F->C_Login(S, CKU_USER, client.pin, client.pin_len));
    REQUIRE_OK(open_session(0, &s));
    REQUIRE_OK(F->C_CloseSession(S));
    CHECK(state_of(s) == CKS_RO_USER_FUNCTIONS);
    REQUIRE_OK(F->C_CloseSession(s));
    REQUIRE_OK(open_session(0, &s));
    CHECK(state_of(s) == CKS_RO_PUBLIC_SESSION);
}

static void handles_differ(const void *row)
{
    CK_SESSION_HANDLE s[32];

    (void)row;
    for (size_t i = 0; i < COUNT_OF(s); i++) {
        REQUIRE_OK(open_session(0, &s[i]));
        CHECK(s[i] != CK_INVALID_HANDLE);
        for (size_t k = 0; k < i; k++)
            CHECK(s[k] != s[i]);
    }
}

static void session_objects_end(const void *row)
{
    CK_OBJECT_HANDLE o = 0;
    CK_SESSION_HANDLE s = 0;
    CK_ULONG count = 0;
    CK_ATTRIBUTE t[] = { NUMBER(CKA_CLASS, CKO_DATA), TEXT(CKA_LABEL, "ends with its session"), NO(CKA_TOKEN),
                         NO(CKA_PRIVATE) };

    (void)row;
    REQUIRE_OK(open_session(CKF_RW_SESSION, &s));
    REQUIRE_OK(F->C_CreateObject(s, t, COUNT_OF(t), &o));
    REQUIRE_OK(client_count(S, t, 2, &count));
    CHECK(count == 1); /* of the application, so other sessions see it */
    REQUIRE_OK(F->C_CloseSession(s));
    REQUIRE_OK(client_count(S, t, 2, &count));
    CHECK(count == 0);
    CHECK_RV(F->C_DestroyObject(S, o), CKR_OBJECT_HANDLE_INVALID);
}

static void read_only_may_not_keep(const void *row)
{
    CK_SESSION_HANDLE ro = 0;
    CK_OBJECT_HANDLE o = 0, k = 0;

    (void)row;
    REQUIRE_OK(open_session(0, &ro));
    CHECK_RV(F->C_CreateObject(ro, TEMPLATE(NUMBER(CKA_CLASS, CKO_DATA), YES(CKA_TOKEN)), &o), CKR_SESSION_READ_ONLY);
    CHECK_RV(F->C_GenerateKey(ro, MECHANISM(CKM_AES_KEY_GEN), TEMPLATE(NUMBER(CKA_VALUE_LEN, 32), YES(CKA_TOKEN)), &o),
             CKR_SESSION_READ_ONLY);
    CHECK_RV(F->C_GenerateKeyPair(ro, MECHANISM(CKM_EC_KEY_PAIR_GEN), TEMPLATE(CURVE("P-256"), NO(CKA_TOKEN)),
                                  TEMPLATE(YES(CKA_TOKEN)), &o, &k),
             CKR_SESSION_READ_ONLY);
}

static void read_only_may_work(const void *row)
{
    CK_SESSION_HANDLE ro = 0;
    CK_OBJECT_HANDLE o = 0, copy = 0;

    (void)row;
    REQUIRE_OK(open_session(0, &ro));
    CHECK_OK(F->C_GenerateKey(ro, MECHANISM(CKM_AES_KEY_GEN), TEMPLATE(NUMBER(CKA_VALUE_LEN, 32), NO(CKA_TOKEN)), &o));
    CHECK_OK(F->C_CreateObject(ro, TEMPLATE(NUMBER(CKA_CLASS, CKO_DATA), NO(CKA_TOKEN)), &o));
    CHECK_RV(F->C_CopyObject(ro, o, TEMPLATE(YES(CKA_TOKEN)), &copy), CKR_SESSION_READ_ONLY);
    CHECK_OK(F->C_DestroyObject(ro, o));
}

static void read_only_may_not_change(const void *row)
{
    CK_SESSION_HANDLE ro = 0;
    CK_OBJECT_HANDLE o = 0;

    (void)row;
    REQUIRE_OK(F->C_CreateObject(S, TEMPLATE(NUMBER(CKA_CLASS, CKO_DATA), YES(CKA_TOKEN)), &o));
    REQUIRE_OK(open_session(0, &ro));
    CHECK_RV(F->C_SetAttributeValue(ro, o, TEMPLATE(TEXT(CKA_LABEL, "changed"))), CKR_SESSION_READ_ONLY);
    CHECK_RV(F->C_DestroyObject(ro, o), CKR_SESSION_READ_ONLY);
    CHECK_OK(F->C_DestroyObject(S, o));
}

static void public_may_not_private(const void *row)
{
    CK_OBJECT_HANDLE o = 0;

    (void)row;
    CHECK_RV(F->C_CreateObject(S, TEMPLATE(NUMBER(CKA_CLASS, CKO_DATA), YES(CKA_PRIVATE)), &o), CKR_USER_NOT_LOGGED_IN);
    CHECK_RV(F->C_GenerateKey(S, MECHANISM(CKM_AES_KEY_GEN), TEMPLATE(NUMBER(CKA_VALUE_LEN, 32), YES(CKA_PRIVATE)), &o),
             CKR_USER_NOT_LOGGED_IN);
}

static void so_may_not_private(const void *row)
{
    CK_OBJECT_HANDLE o = 0;

    (void)row;
    REQUIRE_OK(F->C_Login(S, CKU_SO, client.so_pin, client.so_pin_len));
    CHECK_RV(F->C_CreateObject(S, TEMPLATE(NUMBER(CKA_CLASS, CKO_DATA), YES(CKA_PRIVATE)), &o), CKR_USER_NOT_LOGGED_IN);
}

static void operation_state(const void *row)
{
    CK_BYTE state[4096];
    CK_ULONG len = sizeof state;

    (void)row;
    CHECK_ONE(F->C_GetOperationState(S, state, &len), CKR_OPERATION_NOT_INITIALIZED, CKR_FUNCTION_NOT_SUPPORTED,
              CKR_STATE_UNSAVEABLE);
    CHECK_ONE(F->C_SetOperationState(S, state, 16, 0, 0), CKR_FUNCTION_NOT_SUPPORTED, CKR_SAVED_STATE_INVALID);
}

static void logout_ends_operations(const void *row)
{
    CK_OBJECT_HANDLE key = 0;
    CK_BYTE mac[64];
    CK_ULONG len = sizeof mac;

    (void)row;
    REQUIRE_OK(F->C_Login(S, CKU_USER, client.pin, client.pin_len));
    REQUIRE_OK(F->C_GenerateKey(S, MECHANISM(CKM_GENERIC_SECRET_KEY_GEN),
                                TEMPLATE(NUMBER(CKA_VALUE_LEN, 32), NO(CKA_TOKEN), YES(CKA_PRIVATE), YES(CKA_SIGN)),
                                &key));
    REQUIRE_OK(F->C_SignInit(S, MECHANISM(CKM_SHA256_HMAC), key));
    REQUIRE_OK(F->C_Logout(S));
    CHECK(F->C_Sign(S, mac, 4, mac, &len) != CKR_OK);
}

static const struct test_case cases[] = {
    { "a session must be serial", LEVEL_READY, not_serial, 0 },
    { "states before login", LEVEL_READY, public_states, 0 },
    { "C_GetSessionInfo", LEVEL_PUBLIC, info_fields, 0 },
    { "a login reaches all sessions, a logout too", LEVEL_PUBLIC, login_reaches_all, 0 },
    { "the user logs in through a read-only session", LEVEL_READY, login_through_read_only, 0 },
    { "the SO's state", LEVEL_PUBLIC, so_state, 0 },
    { "the SO through a read-only session", LEVEL_READY, so_through_read_only, 0 },
    { "the SO beside a read-only session", LEVEL_PUBLIC, so_beside_read_only, 0 },
    { "a read-only session beside the SO", LEVEL_PUBLIC, read_only_beside_so, 0 },
    { "closing twice", LEVEL_READY, close_twice, 0 },
    { "C_CloseAllSessions", LEVEL_PUBLIC, close_all, 0 },
    { "C_CloseAllSessions logs out", LEVEL_PUBLIC, close_all_logs_out, 0 },
    { "closing the last session logs out", LEVEL_PUBLIC, last_close_logs_out, 0 },
    { "handles differ and are not 0", LEVEL_READY, handles_differ, 0 },
    { "session objects end with their session", LEVEL_PUBLIC, session_objects_end, 0 },
    { "a read-only session may not make token objects", LEVEL_USER, read_only_may_not_keep, 0 },
    { "a read-only session may make session objects", LEVEL_USER, read_only_may_work, 0 },
    { "a read-only session may not change or destroy token objects", LEVEL_USER, read_only_may_not_change, 0 },
    { "no private objects before login", LEVEL_PUBLIC, public_may_not_private, 0 },
    { "no private objects for the SO", LEVEL_PUBLIC, so_may_not_private, 0 },
    { "C_GetOperationState, C_SetOperationState", LEVEL_PUBLIC, operation_state, 0 },
    { "a logout ends operations with private keys", LEVEL_PUBLIC, logout_ends_operations, 0 },
};

void suite_sessions(struct suite *s)
{
    suite_cases(s, cases, COUNT_OF(cases));
}
