/* Many of everything: sessions, objects; the limits answer with their code and nothing else breaks. */
#include <string.h>

#include "tests/conformance/keys.h"
#include "tests/conformance/suites.h"

#define SESSIONS 10000

static void sessions(const void *row)
{
    static CK_SESSION_HANDLE s[SESSIONS];
    CK_SESSION_INFO info;
    CK_RV rv = CKR_OK;
    unsigned n = 0;

    (void)row;
    while (n < SESSIONS && (rv = F->C_OpenSession(client.slot, CKF_SERIAL_SESSION, NULL, NULL, &s[n])) == CKR_OK)
        n++;
    CHECK(n >= 500);
    CHECK_ONE(rv, CKR_OK, CKR_SESSION_COUNT);
    CHECK_OK(F->C_GetSessionInfo(s[0], &info));
    CHECK_OK(F->C_GetSessionInfo(s[n - 1], &info));
    for (unsigned i = 0; i < n; i++)
        if (F->C_CloseSession(s[i]) != CKR_OK) {
            CHECK(!"C_CloseSession of one of many");
            break;
        }
    CHECK_OK(F->C_OpenSession(client.slot, CKF_SERIAL_SESSION, NULL, NULL, &s[0]));
}

static void session_objects(const void *row)
{
    CK_OBJECT_HANDLE o, first = 0, last = 0;
    CK_RV rv = CKR_OK;
    unsigned n = 0;

    (void)row;
    for (; n < 20000 && rv == CKR_OK; n++) {
        rv = F->C_CreateObject(S, TEMPLATE(NUMBER(CKA_CLASS, CKO_DATA), TEXT(CKA_VALUE, "one of many")), &o);
        if (rv == CKR_OK)
            last = o;
        if (n == 0)
            first = o;
    }
    CHECK(n > 5000);
    CHECK_ONE(rv, CKR_OK, CKR_DEVICE_MEMORY, CKR_TOKEN_RESOURCE_EXCEEDED);
    CHECK(client_number(S, first, CKA_CLASS) == CKO_DATA && client_number(S, last, CKA_CLASS) == CKO_DATA);
    CHECK_OK(F->C_DestroyObject(S, first));
    CHECK_OK(F->C_CreateObject(S, TEMPLATE(NUMBER(CKA_CLASS, CKO_DATA)), &o));
}

static void searches_in_many_sessions(const void *row)
{
    CK_SESSION_HANDLE s[100];
    CK_OBJECT_HANDLE o;
    CK_ULONG count;

    (void)row;
    for (size_t i = 0; i < COUNT_OF(s); i++) {
        REQUIRE_OK(F->C_OpenSession(client.slot, CKF_SERIAL_SESSION, NULL, NULL, &s[i]));
        REQUIRE_OK(F->C_FindObjectsInit(s[i], NULL, 0));
    }
    for (size_t i = 0; i < COUNT_OF(s); i++) {
        CHECK_OK(F->C_FindObjects(s[i], &o, 1, &count));
        CHECK_OK(F->C_FindObjectsFinal(s[i]));
        F->C_CloseSession(s[i]);
    }
}

static const struct test_case cases[] = {
    { "10,000 sessions, or CKR_SESSION_COUNT", LEVEL_USER, sessions, 120 },
    { "20,000 session objects, or the code for too many", LEVEL_USER, session_objects, 120 },
    { "a search in each of 100 sessions", LEVEL_USER, searches_in_many_sessions, 60 },
};

void suite_many(struct suite *s)
{
    suite_cases(s, cases, COUNT_OF(cases));
}
