/* The keystore is killed under the module (THREATS.md 5.7): CKR_DEVICE_REMOVED or CKR_DEVICE_ERROR within 2 s, and
 * after its start everything works again by itself. $TOKEN_RESTART is a program for "stop", "start" and "restart";
 * without one (SoftHSM has no other process) there is nothing to show. */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/conformance/keys.h"
#include "tests/conformance/suites.h"

static bool token(const char *verb)
{
    const char *program = getenv("TOKEN_RESTART");
    int status = 1;
    pid_t pid;

    if (program == NULL)
        return check_absent("TOKEN_RESTART");
    if ((pid = fork()) == 0) {
        execl(program, program, verb, (char *)NULL);
        _exit(127);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool is_gone(CK_RV rv)
{
    return rv == CKR_DEVICE_REMOVED || rv == CKR_DEVICE_ERROR;
}

static void calls_while_it_is_gone(const void *row)
{
    CK_BYTE room[16];
    CK_SESSION_HANDLE s;
    int64_t began;

    (void)row;
    if (!token("stop"))
        return;
    began = now_ms();
    CHECK(is_gone(F->C_GenerateRandom(S, room, sizeof room)));
    CHECK(now_ms() - began < 2500);
    began = now_ms();
    CHECK(is_gone(F->C_OpenSession(client.slot, CKF_SERIAL_SESSION, NULL, NULL, &s)));
    CHECK(now_ms() - began < 2500);
    CHECK(token("start"));
}

static void works_again(const void *row)
{
    CK_SESSION_INFO info;
    CK_BYTE room[16];
    CK_RV rv;

    (void)row;
    if (!token("restart"))
        return;
    rv = F->C_GenerateRandom(S, room, sizeof room);
    CHECK(rv == CKR_OK || is_gone(rv) || rv == CKR_SESSION_HANDLE_INVALID || rv == CKR_SESSION_CLOSED);
    if (F->C_GetSessionInfo(S, &info) != CKR_OK) /* sessions of the boot before may be gone, for good */
        REQUIRE_OK(F->C_OpenSession(client.slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &S));
    CHECK_OK(F->C_GenerateRandom(S, room, sizeof room));
    rv = F->C_Login(S, CKU_USER, client.pin, client.pin_len);
    CHECK_ONE(rv, CKR_OK, CKR_USER_ALREADY_LOGGED_IN);
}

static void token_objects_stay(const void *row)
{
    CK_ULONG count = 0;
    CK_OBJECT_HANDLE o = 0;

    (void)row;
    if (getenv("TOKEN_RESTART") == NULL) {
        check_absent("TOKEN_RESTART");
        return;
    }
    REQUIRE_OK(F->C_CreateObject(
        S, TEMPLATE(NUMBER(CKA_CLASS, CKO_DATA), YES(CKA_TOKEN), TEXT(CKA_LABEL, "acknowledged")), &o));
    REQUIRE(token("restart"));
    REQUIRE(client_reach(LEVEL_USER, true));
    CHECK_OK(client_count(S, TEMPLATE(TEXT(CKA_LABEL, "acknowledged")), &count));
    CHECK(count == 1);
    client_clean(S);
}

static void session_objects_go(const void *row)
{
    CK_OBJECT_HANDLE o = 0;
    CK_ULONG count = 0;

    (void)row;
    if (getenv("TOKEN_RESTART") == NULL) {
        check_absent("TOKEN_RESTART");
        return;
    }
    REQUIRE_OK(
        F->C_CreateObject(S, TEMPLATE(NUMBER(CKA_CLASS, CKO_DATA), NO(CKA_TOKEN), TEXT(CKA_LABEL, "passing")), &o));
    REQUIRE(token("restart"));
    REQUIRE(client_reach(LEVEL_USER, true));
    CHECK_OK(client_count(S, TEMPLATE(TEXT(CKA_LABEL, "passing")), &count));
    CHECK(count == 0);
}

static void operation_under_way(const void *row)
{
    CK_BYTE out[64], data[16] = { 0 };
    CK_ULONG n = sizeof out;

    (void)row;
    if (getenv("TOKEN_RESTART") == NULL) {
        check_absent("TOKEN_RESTART");
        return;
    }
    REQUIRE_OK(F->C_DigestInit(S, MECHANISM(CKM_SHA256)));
    REQUIRE_OK(F->C_DigestUpdate(S, data, sizeof data));
    REQUIRE(token("restart"));
    CHECK(F->C_DigestFinal(S, out, &n) != CKR_OK || client.f == NULL); /* a digest of half the data would be wrong */
}

static void finalise_while_it_is_gone(const void *row)
{
    int64_t began;

    (void)row;
    if (!token("stop"))
        return;
    began = now_ms();
    CHECK_OK(F->C_Finalize(NULL));
    CHECK(now_ms() - began < 2500);
    CHECK(token("start"));
    CHECK_OK(client_initialize());
    CHECK(client_find_slot());
}

static void initialise_while_it_is_gone(const void *row)
{
    CK_ULONG count = 0;
    CK_RV rv;

    (void)row;
    if (!token("stop"))
        return;
    rv = client_initialize();
    CHECK(rv == CKR_OK || is_gone(rv));
    if (rv == CKR_OK)
        F->C_GetSlotList(CK_FALSE, NULL, &count);
    CHECK(token("start"));
    if (rv != CKR_OK)
        REQUIRE_OK(client_initialize());
    CHECK(client_find_slot());
}

static void wrong_pin_survives(const void *row)
{
    CK_TOKEN_INFO t = { 0 };

    (void)row;
    if (getenv("TOKEN_RESTART") == NULL) {
        check_absent("TOKEN_RESTART");
        return;
    }
    CHECK_RV(F->C_Login(S, CKU_USER, client.pin, client.pin_len - 1), CKR_PIN_INCORRECT);
    REQUIRE(token("restart"));
    REQUIRE(client_reach(LEVEL_PUBLIC, true));
    REQUIRE_OK(F->C_GetTokenInfo(client.slot, &t));
    CHECK((t.flags & CKF_USER_PIN_COUNT_LOW) != 0);
    CHECK_OK(F->C_Login(S, CKU_USER, client.pin, client.pin_len));
}

static const struct test_case cases[] = {
    { "calls while it is gone", LEVEL_USER, calls_while_it_is_gone, 0 },
    { "it works again by itself", LEVEL_USER, works_again, 0 },
    { "token objects stay", LEVEL_USER, token_objects_stay, 0 },
    { "session objects go", LEVEL_USER, session_objects_go, 0 },
    { "an operation under way does not end well", LEVEL_USER, operation_under_way, 0 },
    { "C_Finalize while it is gone", LEVEL_USER, finalise_while_it_is_gone, 0 },
    { "C_Initialize while it is gone", LEVEL_RAW, initialise_while_it_is_gone, 0 },
    { "a wrong PIN is not forgotten", LEVEL_PUBLIC, wrong_pin_survives, 0 },
};

void suite_restart(struct suite *s)
{
    suite_cases(s, cases, COUNT_OF(cases));
}
