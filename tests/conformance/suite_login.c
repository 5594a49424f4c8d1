/* PKCS#11 3.0, 5.5.7 to 5.5.9 and 5.6.8 to 5.6.10: PINs and logging in. Each case leaves the PINs as they were, and few
 * enough tries spent: a right PIN gives them back. */
#include <string.h>

#include "tests/conformance/suites.h"

static CK_BYTE other_pin[] = "another-pin-8841", wrong_pin[] = "certainly-wrong", long_pin[300];

static CK_RV login(CK_USER_TYPE user)
{
    return user == CKU_SO ? F->C_Login(S, CKU_SO, client.so_pin, client.so_pin_len)
                          : F->C_Login(S, user, client.pin, client.pin_len);
}

static CK_FLAGS token_flags(void)
{
    CK_TOKEN_INFO t = { 0 };

    return F->C_GetTokenInfo(client.slot, &t) == CKR_OK ? t.flags : 0;
}

static void wrong_user_pin(const void *row)
{
    (void)row;
    CHECK_RV(F->C_Login(S, CKU_USER, wrong_pin, sizeof wrong_pin - 1), CKR_PIN_INCORRECT);
    CHECK((token_flags() & CKF_USER_PIN_COUNT_LOW) != 0);
    CHECK_OK(login(CKU_USER));
    CHECK((token_flags() & CKF_USER_PIN_COUNT_LOW) == 0);
}

static void wrong_so_pin(const void *row)
{
    (void)row;
    CHECK_RV(F->C_Login(S, CKU_SO, wrong_pin, sizeof wrong_pin - 1), CKR_PIN_INCORRECT);
    CHECK((token_flags() & CKF_SO_PIN_COUNT_LOW) != 0);
    CHECK_OK(login(CKU_SO));
    CHECK((token_flags() & CKF_SO_PIN_COUNT_LOW) == 0);
}

static void swapped_pins(const void *row)
{
    (void)row;
    CHECK_RV(F->C_Login(S, CKU_USER, client.so_pin, client.so_pin_len), CKR_PIN_INCORRECT);
    CHECK_RV(F->C_Login(S, CKU_SO, client.pin, client.pin_len), CKR_PIN_INCORRECT);
    CHECK_OK(login(CKU_USER));
    F->C_Logout(S);
    CHECK_OK(login(CKU_SO));
}

static void near_misses(const void *row)
{
    CK_BYTE near[PIN_ROOM];

    (void)row;
    memcpy(near, client.pin, client.pin_len);
    CHECK_RV(F->C_Login(S, CKU_USER, near, client.pin_len - 1), CKR_PIN_INCORRECT);
    near[client.pin_len] = 0;
    CHECK_RV(F->C_Login(S, CKU_USER, near, client.pin_len + 1), CKR_PIN_INCORRECT);
    near[0] ^= 0x20;
    CHECK_RV(F->C_Login(S, CKU_USER, near, client.pin_len), CKR_PIN_INCORRECT);
    CHECK_OK(login(CKU_USER));
}

static void lengths_out_of_range(const void *row)
{
    (void)row;
    memset(long_pin, 'x', sizeof long_pin);
    CHECK_ONE(F->C_Login(S, CKU_USER, wrong_pin, 0), CKR_PIN_INCORRECT, CKR_PIN_LEN_RANGE, CKR_ARGUMENTS_BAD);
    CHECK_ONE(F->C_Login(S, CKU_USER, long_pin, sizeof long_pin), CKR_PIN_INCORRECT, CKR_PIN_LEN_RANGE);
    CHECK_ONE(F->C_Login(S, CKU_USER, long_pin, (CK_ULONG)-1), CKR_PIN_INCORRECT, CKR_PIN_LEN_RANGE, CKR_ARGUMENTS_BAD);
    CHECK_OK(login(CKU_USER));
}

static void login_twice(const void *row)
{
    (void)row;
    REQUIRE_OK(login(CKU_USER));
    CHECK_RV(login(CKU_USER), CKR_USER_ALREADY_LOGGED_IN);
}

static void two_users(const void *row)
{
    (void)row;
    REQUIRE_OK(login(CKU_USER));
    CHECK_RV(login(CKU_SO), CKR_USER_ANOTHER_ALREADY_LOGGED_IN);
    REQUIRE_OK(F->C_Logout(S));
    REQUIRE_OK(login(CKU_SO));
    CHECK_RV(login(CKU_USER), CKR_USER_ANOTHER_ALREADY_LOGGED_IN);
}

static void unknown_user(const void *row)
{
    (void)row;
    CHECK_RV(F->C_Login(S, 77, client.pin, client.pin_len), CKR_USER_TYPE_INVALID);
}

static void context_without_operation(const void *row)
{
    (void)row;
    CHECK_RV(F->C_Login(S, CKU_CONTEXT_SPECIFIC, client.pin, client.pin_len), CKR_OPERATION_NOT_INITIALIZED);
}

static void logout_twice(const void *row)
{
    (void)row;
    CHECK_RV(F->C_Logout(S), CKR_USER_NOT_LOGGED_IN);
    REQUIRE_OK(login(CKU_USER));
    CHECK_OK(F->C_Logout(S));
    CHECK_RV(F->C_Logout(S), CKR_USER_NOT_LOGGED_IN);
}

static void set_pin(const void *row)
{
    (void)row;
    REQUIRE_OK(login(CKU_USER));
    REQUIRE_OK(F->C_SetPIN(S, client.pin, client.pin_len, other_pin, sizeof other_pin - 1));
    CHECK_OK(F->C_Logout(S));
    CHECK_RV(login(CKU_USER), CKR_PIN_INCORRECT);
    CHECK_OK(F->C_Login(S, CKU_USER, other_pin, sizeof other_pin - 1));
    CHECK_OK(F->C_SetPIN(S, other_pin, sizeof other_pin - 1, client.pin, client.pin_len));
}

/* Without a login C_SetPIN changes the user's PIN (PKCS#11 3.0, 5.5.9). */
static void set_pin_before_login(const void *row)
{
    (void)row;
    REQUIRE_OK(F->C_SetPIN(S, client.pin, client.pin_len, other_pin, sizeof other_pin - 1));
    CHECK_OK(F->C_SetPIN(S, other_pin, sizeof other_pin - 1, client.pin, client.pin_len));
    CHECK_OK(login(CKU_USER));
}

static void set_pin_wrong_old(const void *row)
{
    (void)row;
    REQUIRE_OK(login(CKU_USER));
    CHECK_RV(F->C_SetPIN(S, wrong_pin, sizeof wrong_pin - 1, other_pin, sizeof other_pin - 1), CKR_PIN_INCORRECT);
    F->C_Logout(S);
    CHECK_OK(login(CKU_USER));
}

static void set_pin_lengths(const void *row)
{
    (void)row;
    memset(long_pin, 'x', sizeof long_pin);
    REQUIRE_OK(login(CKU_USER));
    CHECK_RV(F->C_SetPIN(S, client.pin, client.pin_len, other_pin, 1), CKR_PIN_LEN_RANGE);
    CHECK_ONE(F->C_SetPIN(S, client.pin, client.pin_len, other_pin, 0), CKR_PIN_LEN_RANGE, CKR_ARGUMENTS_BAD);
    CHECK_RV(F->C_SetPIN(S, client.pin, client.pin_len, long_pin, sizeof long_pin), CKR_PIN_LEN_RANGE);
    F->C_Logout(S);
    CHECK_OK(login(CKU_USER));
}

static void set_pin_read_only(const void *row)
{
    CK_SESSION_HANDLE ro = 0;

    (void)row;
    REQUIRE_OK(F->C_OpenSession(client.slot, CKF_SERIAL_SESSION, NULL, NULL, &ro));
    CHECK_RV(F->C_SetPIN(ro, client.pin, client.pin_len, other_pin, sizeof other_pin - 1), CKR_SESSION_READ_ONLY);
}

static void set_so_pin(const void *row)
{
    (void)row;
    REQUIRE_OK(login(CKU_SO));
    REQUIRE_OK(F->C_SetPIN(S, client.so_pin, client.so_pin_len, other_pin, sizeof other_pin - 1));
    CHECK_OK(F->C_Logout(S));
    CHECK_RV(login(CKU_SO), CKR_PIN_INCORRECT);
    CHECK_OK(F->C_Login(S, CKU_SO, other_pin, sizeof other_pin - 1));
    CHECK_OK(F->C_SetPIN(S, other_pin, sizeof other_pin - 1, client.so_pin, client.so_pin_len));
}

static void init_pin_by_others(const void *row)
{
    (void)row;
    CHECK_RV(F->C_InitPIN(S, other_pin, sizeof other_pin - 1), CKR_USER_NOT_LOGGED_IN);
    REQUIRE_OK(login(CKU_USER));
    CHECK_RV(F->C_InitPIN(S, other_pin, sizeof other_pin - 1), CKR_USER_NOT_LOGGED_IN);
}

static void init_pin(const void *row)
{
    (void)row;
    REQUIRE_OK(login(CKU_SO));
    REQUIRE_OK(F->C_InitPIN(S, other_pin, sizeof other_pin - 1));
    CHECK_OK(F->C_Logout(S));
    CHECK_OK(F->C_Login(S, CKU_USER, other_pin, sizeof other_pin - 1));
    F->C_Logout(S);
    CHECK_OK(login(CKU_SO));
    CHECK_OK(F->C_InitPIN(S, client.pin, client.pin_len));
}

static void init_pin_lengths(const void *row)
{
    (void)row;
    memset(long_pin, 'x', sizeof long_pin);
    REQUIRE_OK(login(CKU_SO));
    CHECK_RV(F->C_InitPIN(S, other_pin, 1), CKR_PIN_LEN_RANGE);
    CHECK_RV(F->C_InitPIN(S, long_pin, sizeof long_pin), CKR_PIN_LEN_RANGE);
    F->C_Logout(S);
    CHECK_OK(login(CKU_USER));
}

static void init_token_with_sessions(const void *row)
{
    CK_UTF8CHAR label[32];

    (void)row;
    memset(label, ' ', sizeof label);
    CHECK_RV(F->C_InitToken(client.slot, client.so_pin, client.so_pin_len, label), CKR_SESSION_EXISTS);
}

static void init_token_wrong_pin(const void *row)
{
    CK_UTF8CHAR label[32];

    (void)row;
    memset(label, ' ', sizeof label);
    CHECK_RV(F->C_InitToken(client.slot, wrong_pin, sizeof wrong_pin - 1, label), CKR_PIN_INCORRECT);
    CHECK(client_find_slot()); /* nothing has changed */
}

static void login_user_3_0(const void *row)
{
    CK_UTF8CHAR name[] = "somebody";

    (void)row;
    if (client.f3 == NULL) {
        check_absent("C_LoginUser");
        return;
    }
    CHECK_ONE(client.f3->C_LoginUser(S, CKU_USER, client.pin, client.pin_len, name, sizeof name - 1), CKR_OK,
              CKR_FUNCTION_NOT_SUPPORTED, CKR_ARGUMENTS_BAD, CKR_PIN_INCORRECT,
              CKR_USER_TYPE_INVALID); /* no named users */
}

static void key_always_authenticates(const void *row)
{
    CK_OBJECT_HANDLE public_key = 0, key = 0;
    CK_BYTE digest[32] = { 1 }, sig[64];
    CK_ULONG len = sizeof sig;

    (void)row;
    REQUIRE_OK(F->C_GenerateKeyPair(
        S, MECHANISM(CKM_EC_KEY_PAIR_GEN), TEMPLATE(CURVE("P-256"), NO(CKA_TOKEN), YES(CKA_VERIFY)),
        TEMPLATE(NO(CKA_TOKEN), YES(CKA_PRIVATE), YES(CKA_SENSITIVE), YES(CKA_SIGN), YES(CKA_ALWAYS_AUTHENTICATE)),
        &public_key, &key));
    REQUIRE_OK(F->C_SignInit(S, MECHANISM(CKM_ECDSA), key));
    CHECK_RV(F->C_Sign(S, digest, sizeof digest, sig, &len), CKR_USER_NOT_LOGGED_IN);
    REQUIRE_OK(F->C_SignInit(S, MECHANISM(CKM_ECDSA), key));
    CHECK_RV(F->C_Login(S, CKU_CONTEXT_SPECIFIC, wrong_pin, sizeof wrong_pin - 1), CKR_PIN_INCORRECT);
    if (!CHECK_OK(F->C_Login(S, CKU_CONTEXT_SPECIFIC, client.pin, client.pin_len))) {
        F->C_SignInit(S, MECHANISM(CKM_ECDSA), key);
        F->C_Login(S, CKU_CONTEXT_SPECIFIC, client.pin, client.pin_len);
    }
    len = sizeof sig;
    CHECK_OK(F->C_Sign(S, digest, sizeof digest, sig, &len));
    REQUIRE_OK(F->C_SignInit(S, MECHANISM(CKM_ECDSA), key)); /* once per use */
    len = sizeof sig;
    CHECK_RV(F->C_Sign(S, digest, sizeof digest, sig, &len), CKR_USER_NOT_LOGGED_IN);
}

static const struct test_case cases[] = {
    { "a wrong user PIN, and the flag of it", LEVEL_PUBLIC, wrong_user_pin, 0 },
    { "a wrong SO PIN, and the flag of it", LEVEL_PUBLIC, wrong_so_pin, 0 },
    { "the other's PIN", LEVEL_PUBLIC, swapped_pins, 0 },
    { "a PIN cut, extended, changed in one bit", LEVEL_PUBLIC, near_misses, 0 },
    { "PINs of impossible lengths", LEVEL_PUBLIC, lengths_out_of_range, 0 },
    { "logging in twice", LEVEL_PUBLIC, login_twice, 0 },
    { "user beside SO, SO beside user", LEVEL_PUBLIC, two_users, 0 },
    { "a user type that is none", LEVEL_PUBLIC, unknown_user, 0 },
    { "context-specific login without an operation", LEVEL_USER, context_without_operation, 0 },
    { "logging out twice", LEVEL_PUBLIC, logout_twice, 0 },
    { "C_SetPIN by the user", LEVEL_PUBLIC, set_pin, 0 },
    { "C_SetPIN before login", LEVEL_PUBLIC, set_pin_before_login, 0 },
    { "C_SetPIN with the wrong old PIN", LEVEL_PUBLIC, set_pin_wrong_old, 0 },
    { "C_SetPIN to impossible lengths", LEVEL_PUBLIC, set_pin_lengths, 0 },
    { "C_SetPIN in a read-only session", LEVEL_READY, set_pin_read_only, 0 },
    { "C_SetPIN by the SO", LEVEL_PUBLIC, set_so_pin, 0 },
    { "C_InitPIN by nobody and by the user", LEVEL_PUBLIC, init_pin_by_others, 0 },
    { "C_InitPIN by the SO", LEVEL_PUBLIC, init_pin, 0 },
    { "C_InitPIN to impossible lengths", LEVEL_PUBLIC, init_pin_lengths, 0 },
    { "C_InitToken while sessions are open", LEVEL_PUBLIC, init_token_with_sessions, 0 },
    { "C_InitToken with the wrong SO PIN", LEVEL_READY, init_token_wrong_pin, 0 },
    { "C_LoginUser", LEVEL_PUBLIC, login_user_3_0, 0 },
    { "a key that always authenticates", LEVEL_USER, key_always_authenticates, 0 },
};

void suite_login(struct suite *s)
{
    suite_cases(s, cases, COUNT_OF(cases));
}
