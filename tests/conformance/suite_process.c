/* Forked children and other processes: what a process has in the token is its own. */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/conformance/calls.h"
#include "tests/conformance/keys.h"
#include "tests/conformance/oracle.h"
#include "tests/conformance/suites.h"

static CK_OBJECT_HANDLE parents_key;

/* Run in a forked child, within 20 s; its answer is the exit code's low 7 bits. */
static int in_child(int (*run)(const void *), const void *arg)
{
    int status = 0;
    pid_t pid = fork();

    REQUIRE(pid >= 0);
    if (pid == 0) {
        alarm(20);
        _exit(run(arg));
    }
    REQUIRE(waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 0x100 | WTERMSIG(status);
}

static int call_refused(const void *arg)
{
    const struct call *c = arg;

    return c->run(S) == CKR_CRYPTOKI_NOT_INITIALIZED ? 0 : 1;
}

static void call_in_child(const void *row)
{
    CHECK(in_child(call_refused, row) == 0);
}

static int begin_anew(const void *arg)
{
    CK_SESSION_HANDLE s = 0;
    CK_SESSION_INFO info;
    CK_BYTE room[16];

    (void)arg;
    if (client_initialize() != CKR_OK)
        return 1;
    if (F->C_OpenSession(client.slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &s) != CKR_OK)
        return 2;
    if (F->C_GetSessionInfo(s, &info) != CKR_OK || info.state != CKS_RW_PUBLIC_SESSION)
        return 3; /* the parent's login is not the child's */
    if (F->C_Login(s, CKU_USER, client.pin, client.pin_len) != CKR_OK)
        return 4;
    if (F->C_GenerateRandom(s, room, sizeof room) != CKR_OK)
        return 5;
    return F->C_Finalize(NULL) == CKR_OK ? 0 : 6;
}

static void child_begins_anew(const void *row)
{
    CK_BYTE room[16];

    (void)row;
    CHECK(in_child(begin_anew, NULL) == 0);
    CHECK_OK(F->C_GenerateRandom(S, room, sizeof room)); /* the parent goes on */
    CHECK_RV(F->C_Login(S, CKU_USER, client.pin, client.pin_len), CKR_USER_ALREADY_LOGGED_IN);
}

static int use_parents_handles(const void *arg)
{
    CK_SESSION_INFO info;
    CK_SESSION_HANDLE s = 0;
    CK_BYTE out[64];
    CK_ULONG n = sizeof out;

    (void)arg;
    if (client_initialize() != CKR_OK)
        return 1;
    if (F->C_GetSessionInfo(S, &info) == CKR_OK)
        return 2;
    if (F->C_OpenSession(client.slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &s) != CKR_OK ||
        F->C_Login(s, CKU_USER, client.pin, client.pin_len) != CKR_OK)
        return 3;
    return keys_sign(s, MECHANISM(CKM_SHA256_HMAC), parents_key, "x", 1, out, &n) == CKR_OK ? 4 : 0;
}

static void handles_of_another_process(const void *row)
{
    CK_BYTE value[32] = { 1 };

    (void)row;
    REQUIRE_OK(keys_import(S, CKK_GENERIC_SECRET, value, sizeof value, RIGHTS_SIGN, &parents_key));
    CHECK(in_child(use_parents_handles, NULL) == 0);
}

static int exit_at_once(const void *arg)
{
    (void)arg;
    return 0;
}

static void child_that_does_nothing(const void *row)
{
    CK_BYTE value[32] = { 0x19 }, ours[64], theirs[64];
    CK_OBJECT_HANDLE key = 0;
    CK_ULONG n = sizeof theirs;

    (void)row;
    REQUIRE_OK(keys_import(S, CKK_GENERIC_SECRET, value, sizeof value, RIGHTS_SIGN, &key));
    REQUIRE_OK(F->C_SignInit(S, MECHANISM(CKM_SHA256_HMAC), key));
    REQUIRE_OK(F->C_SignUpdate(S, value, 16));
    CHECK(in_child(exit_at_once, NULL) == 0);
    REQUIRE_OK(F->C_SignUpdate(S, value + 16, 16));
    CHECK_OK(F->C_SignFinal(S, theirs, &n));
    CHECK(oracle_mac("SHA256", value, 32, value, 32, ours) == n && memcmp(ours, theirs, n) == 0);
}

static int make_token_object(const void *arg)
{
    CK_SESSION_HANDLE s = 0;
    CK_OBJECT_HANDLE o = 0;

    (void)arg;
    if (client_initialize() != CKR_OK ||
        F->C_OpenSession(client.slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &s) != CKR_OK ||
        F->C_Login(s, CKU_USER, client.pin, client.pin_len) != CKR_OK)
        return 1;
    if (F->C_CreateObject(s, TEMPLATE(NUMBER(CKA_CLASS, CKO_DATA), YES(CKA_TOKEN), TEXT(CKA_LABEL, "from a child")),
                          &o) != CKR_OK ||
        F->C_CreateObject(s, TEMPLATE(NUMBER(CKA_CLASS, CKO_DATA), NO(CKA_TOKEN), TEXT(CKA_LABEL, "of a child")), &o) !=
            CKR_OK)
        return 2;
    return F->C_Finalize(NULL) == CKR_OK ? 0 : 3;
}

static void token_objects_are_seen(const void *row)
{
    CK_ULONG count = 0;

    (void)row;
    REQUIRE(in_child(make_token_object, NULL) == 0);
    CHECK_OK(client_count(S, TEMPLATE(TEXT(CKA_LABEL, "from a child")), &count));
    CHECK(count == 1);
    CHECK_OK(client_count(S, TEMPLATE(TEXT(CKA_LABEL, "of a child")), &count));
    CHECK(count == 0);
    client_clean(S);
}

static int log_out(const void *arg)
{
    CK_SESSION_HANDLE s = 0;

    (void)arg;
    if (client_initialize() != CKR_OK ||
        F->C_OpenSession(client.slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &s) != CKR_OK ||
        F->C_Login(s, CKU_USER, client.pin, client.pin_len) != CKR_OK || F->C_Logout(s) != CKR_OK)
        return 1;
    return F->C_CloseAllSessions(client.slot) == CKR_OK ? 0 : 2;
}

static void logins_are_apart(const void *row)
{
    CK_SESSION_INFO info = { 0 };

    (void)row;
    REQUIRE(in_child(log_out, NULL) == 0);
    CHECK_OK(F->C_GetSessionInfo(S, &info));
    CHECK(info.state == CKS_RW_USER_FUNCTIONS);
}

static const struct test_case cases[] = {
    { "a child begins anew", LEVEL_USER, child_begins_anew, 0 },
    { "handles mean nothing in another process", LEVEL_USER, handles_of_another_process, 0 },
    { "a child that does nothing leaves the parent alone", LEVEL_USER, child_that_does_nothing, 0 },
    { "token objects of another process are seen, session objects not", LEVEL_USER, token_objects_are_seen, 0 },
    { "another process logs out for itself alone", LEVEL_USER, logins_are_apart, 0 },
};

void suite_process(struct suite *s)
{
    suite_cases(s, cases, COUNT_OF(cases));
    for (size_t i = 0; i < calls_count; i++)
        suite_row(s, LEVEL_USER, call_in_child, &calls[i], "%s in a forked child", calls[i].name);
}
