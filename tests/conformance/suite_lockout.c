/* PINs run out of tries, and C_InitToken begins anew: on a token of its own, in this order. */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/conformance/suites.h"

#define TRIES 10

static CK_BYTE wrong_pin[] = "certainly-wrong";

static CK_FLAGS token_flags(void)
{
    CK_TOKEN_INFO t = { 0 };

    return F->C_GetTokenInfo(client.slot, &t) == CKR_OK ? t.flags : 0;
}

static CK_RV try_wrong(CK_USER_TYPE user)
{
    return F->C_Login(S, user, wrong_pin, sizeof wrong_pin - 1);
}

/* The try that locks may already say so. */
static CK_RV last_try(int i)
{
    return i == TRIES - 1 ? CKR_PIN_LOCKED : CKR_PIN_INCORRECT;
}

static void restart_if_possible(void)
{
    const char *program = getenv("TOKEN_RESTART");
    int status = 1;
    pid_t pid;

    if (program == NULL)
        return;
    if ((pid = fork()) == 0) {
        execl(program, program, "restart", (char *)NULL);
        _exit(127);
    }
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
    REQUIRE(client_reach(LEVEL_PUBLIC, true));
}

static void right_pin_resets(const void *row)
{
    (void)row;
    for (int i = 0; i < TRIES - 1; i++)
        CHECK_RV(try_wrong(CKU_USER), CKR_PIN_INCORRECT);
    CHECK((token_flags() & CKF_USER_PIN_FINAL_TRY) != 0);
    CHECK_OK(F->C_Login(S, CKU_USER, client.pin, client.pin_len));
    CHECK((token_flags() & (CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_COUNT_LOW)) == 0);
    CHECK_OK(F->C_Logout(S));
    for (int i = 0; i < TRIES - 1; i++)
        CHECK_RV(try_wrong(CKU_USER), CKR_PIN_INCORRECT);
    CHECK_OK(F->C_Login(S, CKU_USER, client.pin, client.pin_len));
}

/* The tries are counted over sessions, C_Finalize and the death of the keystore. */
static void user_locks(const void *row)
{
    (void)row;
    for (int i = 0; i < TRIES; i++) {
        CHECK_ONE(try_wrong(CKU_USER), CKR_PIN_INCORRECT, last_try(i));
        if (i == 3)
            REQUIRE(client_reach(LEVEL_PUBLIC, true));
        if (i == 6)
            restart_if_possible();
    }
    CHECK_RV(try_wrong(CKU_USER), CKR_PIN_LOCKED);
    CHECK_RV(F->C_Login(S, CKU_USER, client.pin, client.pin_len), CKR_PIN_LOCKED);
    CHECK((token_flags() & CKF_USER_PIN_LOCKED) != 0);
}

static void still_locked(const void *row)
{
    (void)row;
    restart_if_possible();
    CHECK_RV(F->C_Login(S, CKU_USER, client.pin, client.pin_len), CKR_PIN_LOCKED);
    CHECK_RV(F->C_SetPIN(S, client.pin, client.pin_len, wrong_pin, sizeof wrong_pin - 1), CKR_PIN_LOCKED);
}

static void so_unlocks(const void *row)
{
    (void)row;
    REQUIRE_OK(F->C_Login(S, CKU_SO, client.so_pin, client.so_pin_len));
    CHECK_OK(F->C_InitPIN(S, client.pin, client.pin_len));
    CHECK_OK(F->C_Logout(S));
    CHECK((token_flags() & CKF_USER_PIN_LOCKED) == 0);
    CHECK_OK(F->C_Login(S, CKU_USER, client.pin, client.pin_len));
}

/* C_SetPIN with a wrong old PIN is a guess like any other. */
static void set_pin_counts(const void *row)
{
    (void)row;
    for (int i = 0; i < TRIES; i++)
        CHECK_ONE(F->C_SetPIN(S, wrong_pin, sizeof wrong_pin - 1, wrong_pin, sizeof wrong_pin - 1), CKR_PIN_INCORRECT,
                  last_try(i));
    CHECK_RV(F->C_Login(S, CKU_USER, client.pin, client.pin_len), CKR_PIN_LOCKED);
    REQUIRE_OK(F->C_Login(S, CKU_SO, client.so_pin, client.so_pin_len));
    CHECK_OK(F->C_InitPIN(S, client.pin, client.pin_len));
}

static void init_token(const void *row)
{
    CK_UTF8CHAR label[32];
    const char *text = getenv("TOKEN_LABEL");
    CK_OBJECT_HANDLE o = 0;
    CK_ULONG count = 9;

    (void)row;
    memset(label, ' ', sizeof label);
    memcpy(label, text, strlen(text));
    REQUIRE_OK(F->C_Login(S, CKU_USER, client.pin, client.pin_len));
    REQUIRE_OK(F->C_CreateObject(S, TEMPLATE(NUMBER(CKA_CLASS, CKO_DATA), YES(CKA_TOKEN), TEXT(CKA_LABEL, "old")), &o));
    REQUIRE_OK(F->C_CloseAllSessions(client.slot));
    REQUIRE_OK(F->C_InitToken(client.slot, client.so_pin, client.so_pin_len, label));
    REQUIRE(client_reach(LEVEL_PUBLIC, true));
    CHECK((token_flags() & CKF_USER_PIN_INITIALIZED) == 0);
    CHECK_RV(F->C_Login(S, CKU_USER, client.pin, client.pin_len), CKR_USER_PIN_NOT_INITIALIZED);
    CHECK_OK(client_count(S, TEMPLATE(TEXT(CKA_LABEL, "old")), &count));
    CHECK(count == 0);
    REQUIRE_OK(F->C_Login(S, CKU_SO, client.so_pin, client.so_pin_len));
    CHECK_OK(F->C_InitPIN(S, client.pin, client.pin_len));
    CHECK_OK(F->C_Logout(S));
    CHECK_OK(F->C_Login(S, CKU_USER, client.pin, client.pin_len));
    CHECK_OK(client_count(S, TEMPLATE(TEXT(CKA_LABEL, "old")), &count));
    CHECK(count == 0);
}

static void so_locks(const void *row)
{
    CK_UTF8CHAR label[32];

    (void)row;
    memset(label, ' ', sizeof label);
    for (int i = 0; i < TRIES; i++)
        CHECK_ONE(try_wrong(CKU_SO), CKR_PIN_INCORRECT, last_try(i));
    CHECK_RV(F->C_Login(S, CKU_SO, client.so_pin, client.so_pin_len), CKR_PIN_LOCKED);
    CHECK((token_flags() & CKF_SO_PIN_LOCKED) != 0);
    CHECK_OK(F->C_Login(S, CKU_USER, client.pin, client.pin_len)); /* the user's is another */
    REQUIRE_OK(F->C_CloseAllSessions(client.slot));
    CHECK_RV(F->C_InitToken(client.slot, client.so_pin, client.so_pin_len, label), CKR_PIN_LOCKED);
}

static const struct test_case cases[] = {
    { "the right PIN gives the tries back", LEVEL_PUBLIC, right_pin_resets, 120 },
    { "ten wrong PINs lock the user, over sessions and restarts", LEVEL_PUBLIC, user_locks, 120 },
    { "a lock stays", LEVEL_PUBLIC, still_locked, 0 },
    { "the SO unlocks", LEVEL_PUBLIC, so_unlocks, 0 },
    { "C_SetPIN counts, too", LEVEL_PUBLIC, set_pin_counts, 120 },
    { "C_InitToken begins anew", LEVEL_PUBLIC, init_token, 0 },
    { "ten wrong PINs lock the SO", LEVEL_PUBLIC, so_locks, 120 },
};

void suite_lockout(struct suite *s)
{
    suite_cases(s, cases, COUNT_OF(cases));
}
