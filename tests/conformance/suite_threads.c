/* Threads: many sessions at once, and many threads on one session, whose calls are then served one after the other. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "tests/conformance/keys.h"
#include "tests/conformance/oracle.h"
#include "tests/conformance/suites.h"

#define THREADS 8
#define ROUNDS  200

static CK_OBJECT_HANDLE shared_key;
static CK_SESSION_HANDLE shared_session;
static CK_BYTE key_value[32] = { 0x51 }, wanted[64];
static atomic_uint good, wrong, refused;

static void check_mac(CK_RV rv, const CK_BYTE *mac)
{
    if (rv != CKR_OK)
        atomic_fetch_add(&refused, 1);
    else if (memcmp(mac, wanted, 32) == 0)
        atomic_fetch_add(&good, 1);
    else
        atomic_fetch_add(&wrong, 1);
}

static void *own_session(void *arg)
{
    CK_SESSION_HANDLE s = 0;
    CK_BYTE mac[64];
    CK_ULONG n;

    (void)arg;
    if (F->C_OpenSession(client.slot, CKF_SERIAL_SESSION, NULL, NULL, &s) != CKR_OK) {
        atomic_fetch_add(&refused, ROUNDS);
        return NULL;
    }
    for (int i = 0; i < ROUNDS; i++) {
        n = sizeof mac;
        check_mac(keys_sign(s, MECHANISM(CKM_SHA256_HMAC), shared_key, "text", 4, mac, &n), mac);
    }
    F->C_CloseSession(s);
    return NULL;
}

/* Several threads in one session cannot all have an operation there: each call may be refused, but none may crash, hang
 * or give a wrong result. */
static void *one_session(void *arg)
{
    CK_BYTE mac[64];
    CK_ULONG n;

    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        n = sizeof mac;
        check_mac(keys_sign(shared_session, MECHANISM(CKM_SHA256_HMAC), shared_key, "text", 4, mac, &n), mac);
    }
    return NULL;
}

static void *object_churn(void *arg)
{
    CK_OBJECT_HANDLE o;
    CK_ULONG count;

    (void)arg;
    for (int i = 0; i < 50; i++) {
        if (F->C_CreateObject(shared_session, TEMPLATE(NUMBER(CKA_CLASS, CKO_DATA), TEXT(CKA_LABEL, "churn")), &o) !=
                CKR_OK ||
            F->C_DestroyObject(shared_session, o) != CKR_OK)
            atomic_fetch_add(&wrong, 1);
        if (F->C_GetObjectSize(shared_session, o, &count) == CKR_OK)
            atomic_fetch_add(&wrong, 1);
    }
    return NULL;
}

static void *session_churn(void *arg)
{
    CK_SESSION_HANDLE s = 0;
    CK_BYTE room[32];

    (void)arg;
    for (int i = 0; i < 100; i++) {
        if (F->C_OpenSession(client.slot, CKF_SERIAL_SESSION, NULL, NULL, &s) != CKR_OK ||
            F->C_GenerateRandom(s, room, sizeof room) != CKR_OK || F->C_CloseSession(s) != CKR_OK)
            atomic_fetch_add(&wrong, 1);
    }
    return NULL;
}

static void run_threads(void *(*run)(void *))
{
    pthread_t threads[THREADS];

    atomic_store(&good, 0);
    atomic_store(&wrong, 0);
    atomic_store(&refused, 0);
    shared_session = S;
    REQUIRE_OK(keys_import(S, CKK_GENERIC_SECRET, key_value, sizeof key_value, RIGHTS_SIGN, &shared_key));
    REQUIRE(oracle_mac("SHA256", key_value, sizeof key_value, "text", 4, wanted) == 32);
    for (int i = 0; i < THREADS; i++)
        REQUIRE(pthread_create(&threads[i], NULL, run, NULL) == 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void sessions_of_their_own(const void *row)
{
    (void)row;
    run_threads(own_session);
    CHECK(atomic_load(&good) == THREADS * ROUNDS);
    CHECK(atomic_load(&wrong) == 0);
}

static void all_on_one_session(const void *row)
{
    (void)row;
    run_threads(one_session);
    CHECK(atomic_load(&wrong) == 0);
    CHECK(atomic_load(&good) > 0);
}

static void objects_on_one_session(const void *row)
{
    (void)row;
    run_threads(object_churn);
    CHECK(atomic_load(&wrong) == 0);
}

static void opening_and_closing(const void *row)
{
    (void)row;
    run_threads(session_churn);
    CHECK(atomic_load(&wrong) == 0);
}

static void *finalise_late(void *arg)
{
    (void)arg;
    F->C_Finalize(NULL);
    return NULL;
}

static void *sign_until_refused(void *arg)
{
    CK_BYTE mac[64];
    CK_ULONG n = sizeof mac;

    (void)arg;
    for (int i = 0; i < 100000; i++) {
        n = sizeof mac;
        if (keys_sign(shared_session, MECHANISM(CKM_SHA256_HMAC), shared_key, "text", 4, mac, &n) ==
            CKR_CRYPTOKI_NOT_INITIALIZED)
            return arg;
    }
    return NULL;
}

/* The standard leaves the result open (5.4.2), a crash it does not. */
static void finalise_under_load(const void *row)
{
    pthread_t signer, finaliser;
    void *ended = NULL;

    (void)row;
    shared_session = S;
    REQUIRE_OK(keys_import(S, CKK_GENERIC_SECRET, key_value, sizeof key_value, RIGHTS_SIGN, &shared_key));
    REQUIRE(pthread_create(&signer, NULL, sign_until_refused, &ended) == 0);
    REQUIRE(pthread_create(&finaliser, NULL, finalise_late, NULL) == 0);
    pthread_join(finaliser, NULL);
    pthread_join(signer, &ended);
    CHECK(ended != NULL);
}

static const struct test_case cases[] = {
    { "8 threads, a session each", LEVEL_USER, sessions_of_their_own, 0 },
    { "8 threads on one session", LEVEL_USER, all_on_one_session, 0 },
    { "8 threads make objects in one session", LEVEL_USER, objects_on_one_session, 0 },
    { "8 threads open and close sessions", LEVEL_USER, opening_and_closing, 0 },
    { "C_Finalize while another thread signs", LEVEL_USER, finalise_under_load, 0 },
};

void suite_threads(struct suite *s)
{
    suite_cases(s, cases, COUNT_OF(cases));
}
