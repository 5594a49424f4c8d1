/* PKCS#11 3.0, 5.4: general purpose functions, and what holds for every function before and after initialisation. */
#include <pthread.h>
#include <string.h>

#include "tests/conformance/calls.h"
#include "tests/conformance/suites.h"

static bool is_padded(const CK_UTF8CHAR *text, size_t len)
{
    return memchr(text, '\0', len) == NULL;
}

static void before_initialise(const void *row)
{
    const struct call *c = row;

    CHECK_RV(c->run(1), CKR_CRYPTOKI_NOT_INITIALIZED);
}

static void after_finalise(const void *row)
{
    const struct call *c = row;

    REQUIRE_OK(client_initialize());
    REQUIRE_OK(F->C_Finalize(NULL));
    CHECK_RV(c->run(1), CKR_CRYPTOKI_NOT_INITIALIZED);
}

static void on_invalid_session(const void *row)
{
    const struct call *c = row;

    CHECK_RV(c->run(CK_INVALID_HANDLE), CKR_SESSION_HANDLE_INVALID);
    CHECK_RV(c->run((CK_SESSION_HANDLE)0x7ffffff1), CKR_SESSION_HANDLE_INVALID);
}

static void on_closed_session(const void *row)
{
    const struct call *c = row;
    CK_SESSION_HANDLE s;

    REQUIRE_OK(F->C_OpenSession(client.slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &s));
    REQUIRE_OK(F->C_CloseSession(s));
    CHECK_RV(c->run(s), CKR_SESSION_HANDLE_INVALID);
}

static void without_operation(const void *row)
{
    const struct call *c = row;

    if (c->optional)
        CHECK_ONE(c->run(S), CKR_OPERATION_NOT_INITIALIZED, CKR_FUNCTION_NOT_SUPPORTED);
    else
        CHECK_RV(c->run(S), CKR_OPERATION_NOT_INITIALIZED);
}

static void with_null(const void *row)
{
    const struct null_call *c = row;

    bool optional = strstr(c->name, "Recover") != NULL;

    CHECK_ONE(c->run(S), CKR_ARGUMENTS_BAD, optional ? CKR_FUNCTION_NOT_SUPPORTED : CKR_ARGUMENTS_BAD);
}

static void initialise_without_arguments(const void *row)
{
    (void)row;
    CHECK_OK(F->C_Initialize(NULL));
    CHECK_OK(F->C_Finalize(NULL));
}

static void initialise_twice(const void *row)
{
    (void)row;
    REQUIRE_OK(client_initialize());
    CHECK_RV(client_initialize(), CKR_CRYPTOKI_ALREADY_INITIALIZED);
}

static void initialise_reserved(const void *row)
{
    CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK, .pReserved = &args };

    (void)row;
    CHECK_RV(F->C_Initialize(&args), CKR_ARGUMENTS_BAD);
}

static CK_RV mutex_one(void *m)
{
    return pthread_mutex_lock(m) == 0 ? CKR_OK : CKR_GENERAL_ERROR;
}

static CK_RV mutex_two(void *m)
{
    return pthread_mutex_unlock(m) == 0 ? CKR_OK : CKR_GENERAL_ERROR;
}

static pthread_mutex_t mutexes[64];
static unsigned mutex_next;

static CK_RV mutex_create(void **m)
{
    if (mutex_next == COUNT_OF(mutexes))
        return CKR_HOST_MEMORY;
    *m = &mutexes[mutex_next++];
    return pthread_mutex_init(*m, NULL) == 0 ? CKR_OK : CKR_GENERAL_ERROR;
}

static CK_RV mutex_destroy(void *m)
{
    (void)m;
    return CKR_OK;
}

static void initialise_some_mutexes(const void *row)
{
    CK_C_INITIALIZE_ARGS args = { .LockMutex = mutex_one };

    (void)row;
    CHECK_RV(F->C_Initialize(&args), CKR_ARGUMENTS_BAD);
}

static void initialise_own_mutexes(const void *row)
{
    CK_C_INITIALIZE_ARGS args = {
        .CreateMutex = mutex_create, .DestroyMutex = mutex_destroy, .LockMutex = mutex_one, .UnlockMutex = mutex_two
    };

    (void)row;
    CHECK_ONE(F->C_Initialize(&args), CKR_OK, CKR_CANT_LOCK);
}

static void initialise_both_ways(const void *row)
{
    CK_C_INITIALIZE_ARGS args = { .CreateMutex = mutex_create,
                                  .DestroyMutex = mutex_destroy,
                                  .LockMutex = mutex_one,
                                  .UnlockMutex = mutex_two,
                                  .flags = CKF_OS_LOCKING_OK };

    (void)row;
    CHECK_OK(F->C_Initialize(&args));
}

static void finalise_reserved(const void *row)
{
    int anything;

    (void)row;
    REQUIRE_OK(client_initialize());
    CHECK_RV(F->C_Finalize(&anything), CKR_ARGUMENTS_BAD);
}

static void finalise_twice(const void *row)
{
    (void)row;
    REQUIRE_OK(client_initialize());
    CHECK_OK(F->C_Finalize(NULL));
    CHECK_RV(F->C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
}

static void again_and_again(const void *row)
{
    (void)row;
    for (int i = 0; i < 20; i++) {
        REQUIRE_OK(client_initialize());
        REQUIRE(client_find_slot());
        REQUIRE_OK(F->C_Finalize(NULL));
    }
}

static void finalise_ends_sessions(const void *row)
{
    CK_SESSION_HANDLE s = S;
    CK_SESSION_INFO info;

    (void)row;
    REQUIRE_OK(F->C_Finalize(NULL));
    REQUIRE_OK(client_initialize());
    CHECK_RV(F->C_GetSessionInfo(s, &info), CKR_SESSION_HANDLE_INVALID);
}

static void finalise_ends_login(const void *row)
{
    CK_SESSION_INFO info;
    CK_SESSION_HANDLE s;

    (void)row;
    REQUIRE_OK(F->C_Finalize(NULL));
    REQUIRE_OK(client_initialize());
    REQUIRE_OK(F->C_OpenSession(client.slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &s));
    REQUIRE_OK(F->C_GetSessionInfo(s, &info));
    CHECK(info.state == CKS_RW_PUBLIC_SESSION);
}

static void info_fields(const void *row)
{
    CK_INFO info;

    (void)row;
    memset(&info, 0xa5, sizeof info);
    REQUIRE_OK(F->C_GetInfo(&info));
    CHECK(info.cryptokiVersion.major > 2 || (info.cryptokiVersion.major == 2 && info.cryptokiVersion.minor >= 20));
    CHECK(info.flags == 0);
    CHECK(is_padded(info.manufacturerID, sizeof info.manufacturerID));
    CHECK(is_padded(info.libraryDescription, sizeof info.libraryDescription));
}

static void function_list_is_full(const void *row)
{
    void *const *entry = (void *const *)((const char *)F + offsetof(CK_FUNCTION_LIST, C_Initialize));
    size_t count = (sizeof(CK_FUNCTION_LIST) - offsetof(CK_FUNCTION_LIST, C_Initialize)) / sizeof(void *);

    (void)row;
    CHECK(F->version.major >= 2);
    for (size_t i = 0; i < count; i++)
        CHECK(entry[i] != NULL);
}

static void function_list_of_null(const void *row)
{
    (void)row;
    CHECK_RV(F->C_GetFunctionList(NULL), CKR_ARGUMENTS_BAD);
}

static void function_list_names_itself(const void *row)
{
    CK_FUNCTION_LIST *list = NULL;

    (void)row;
    CHECK_OK(F->C_GetFunctionList(&list));
    CHECK(list == F);
}

static void legacy_parallel(const void *row)
{
    (void)row;
    CHECK_RV(F->C_GetFunctionStatus(S), CKR_FUNCTION_NOT_PARALLEL);
    CHECK_RV(F->C_CancelFunction(S), CKR_FUNCTION_NOT_PARALLEL);
}

static bool has_interface(void)
{
    return client.f3 != NULL || check_absent("C_GetInterface");
}

static void interface_list(const void *row)
{
    struct interface list[16];
    CK_ULONG count = 0, all;
    bool found = false;

    (void)row;
    if (!has_interface())
        return;
    REQUIRE_OK(client.f3->C_GetInterfaceList(NULL, &count));
    REQUIRE(count >= 2 && count <= COUNT_OF(list));
    all = count;
    if (count > 1) {
        count = 1;
        CHECK_RV(client.f3->C_GetInterfaceList(list, &count), CKR_BUFFER_TOO_SMALL);
        CHECK(count == all);
    }
    REQUIRE_OK(client.f3->C_GetInterfaceList(list, &count));
    for (CK_ULONG i = 0; i < count; i++)
        found |= strcmp((const char *)list[i].name, "PKCS 11") == 0 && list[i].functions != NULL;
    CHECK(found);
    CHECK_RV(client.f3->C_GetInterfaceList(list, NULL), CKR_ARGUMENTS_BAD);
}

static void interface_default(const void *row)
{
    struct interface *i = NULL;

    (void)row;
    if (!has_interface())
        return;
    REQUIRE_OK(client.f3->C_GetInterface(NULL, NULL, &i, 0));
    CHECK(i != NULL && strcmp((const char *)i->name, "PKCS 11") == 0 && ((CK_VERSION *)i->functions)->major >= 3);
}

static void interface_2_40(const void *row)
{
    CK_UTF8CHAR name[] = "PKCS 11";
    CK_VERSION version = { 2, 40 };
    struct interface *i = NULL;

    (void)row;
    if (!has_interface())
        return;
    REQUIRE_OK(client.f3->C_GetInterface(name, &version, &i, 0));
    CHECK(i != NULL && ((CK_VERSION *)i->functions)->major == 2 && ((CK_VERSION *)i->functions)->minor == 40);
}

static void interface_unknown(const void *row)
{
    CK_UTF8CHAR name[] = "PKCS 11", other[] = "No such interface";
    CK_VERSION version = { 9, 9 };
    struct interface *i = NULL;

    (void)row;
    if (!has_interface())
        return;
    CHECK(client.f3->C_GetInterface(other, NULL, &i, 0) != CKR_OK);
    CHECK(client.f3->C_GetInterface(name, &version, &i, 0) != CKR_OK);
    CHECK_RV(client.f3->C_GetInterface(name, NULL, NULL, 0), CKR_ARGUMENTS_BAD);
}

static void interface_is_full(const void *row)
{
    (void)row;
    if (!has_interface())
        return;
    CHECK(client.f3->base.version.major == 3);
    CHECK(client.f3->C_LoginUser != NULL && client.f3->C_SessionCancel != NULL &&
          client.f3->C_MessageEncryptInit != NULL);
    for (size_t i = 0; i < COUNT_OF(client.f3->message_functions); i++)
        CHECK(client.f3->message_functions[i] != NULL);
    CHECK_ONE(client.f3->C_MessageEncryptInit(S, MECHANISM(CKM_AES_GCM), 1), CKR_FUNCTION_NOT_SUPPORTED,
              CKR_KEY_HANDLE_INVALID, CKR_MECHANISM_INVALID, CKR_MECHANISM_PARAM_INVALID);
}

static const struct test_case cases[] = {
    { "initialise without arguments", LEVEL_RAW, initialise_without_arguments, 0 },
    { "initialise twice", LEVEL_RAW, initialise_twice, 0 },
    { "initialise with a reserved pointer", LEVEL_RAW, initialise_reserved, 0 },
    { "initialise with some mutex functions only", LEVEL_RAW, initialise_some_mutexes, 0 },
    { "initialise with the application's mutexes", LEVEL_RAW, initialise_own_mutexes, 0 },
    { "initialise with mutexes or the system's", LEVEL_RAW, initialise_both_ways, 0 },
    { "finalise with a reserved pointer", LEVEL_RAW, finalise_reserved, 0 },
    { "finalise twice", LEVEL_RAW, finalise_twice, 0 },
    { "initialise and finalise 20 times", LEVEL_RAW, again_and_again, 0 },
    { "finalise ends the sessions", LEVEL_PUBLIC, finalise_ends_sessions, 0 },
    { "finalise ends the login", LEVEL_USER, finalise_ends_login, 0 },
    { "C_GetInfo", LEVEL_READY, info_fields, 0 },
    { "the function list is full", LEVEL_RAW, function_list_is_full, 0 },
    { "C_GetFunctionList of NULL", LEVEL_RAW, function_list_of_null, 0 },
    { "C_GetFunctionList gives the same list before initialisation", LEVEL_RAW, function_list_names_itself, 0 },
    { "C_GetFunctionStatus, C_CancelFunction", LEVEL_PUBLIC, legacy_parallel, 0 },
    { "C_GetInterfaceList", LEVEL_RAW, interface_list, 0 },
    { "C_GetInterface without a name is 3.x", LEVEL_RAW, interface_default, 0 },
    { "C_GetInterface for 2.40", LEVEL_RAW, interface_2_40, 0 },
    { "C_GetInterface for what is not there", LEVEL_RAW, interface_unknown, 0 },
    { "the 3.0 list is full", LEVEL_PUBLIC, interface_is_full, 0 },
};

void suite_general(struct suite *s)
{
    suite_cases(s, cases, COUNT_OF(cases));
    for (size_t i = 0; i < calls_count; i++)
        suite_row(s, LEVEL_RAW, before_initialise, &calls[i], "%s before C_Initialize", calls[i].name);
    for (size_t i = 0; i < calls_count; i++)
        suite_row(s, LEVEL_RAW, after_finalise, &calls[i], "%s after C_Finalize", calls[i].name);
    for (size_t i = 0; i < calls_count; i++)
        if (calls[i].takes_session)
            suite_row(s, LEVEL_READY, on_invalid_session, &calls[i], "%s on no session's handle", calls[i].name);
    for (size_t i = 0; i < calls_count; i++)
        if (calls[i].takes_session)
            suite_row(s, LEVEL_READY, on_closed_session, &calls[i], "%s on a closed session", calls[i].name);
    for (size_t i = 0; i < calls_count; i++)
        if (calls[i].continues)
            suite_row(s, LEVEL_PUBLIC, without_operation, &calls[i], "%s without an operation", calls[i].name);
    for (size_t i = 0; i < null_calls_count; i++)
        suite_row(s, LEVEL_USER, with_null, &null_calls[i], "NULL for %s", null_calls[i].name);
}
