/* A keystore that stalls, lies, dies and comes back: bounded waits, the right error, and then it works again by itself
 * (THREATS.md 5.7). */
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkcs11/module/connection.h"
#include "tests/unit/pkcs11/module/module_rig.h"

static CK_MECHANISM ecdsa = { CKM_ECDSA, NULL, 0 };
static CK_BYTE data[32] = "y";

static CK_RV sign(CK_SESSION_HANDLE s)
{
    CK_BYTE sig[64];
    CK_ULONG n = sizeof sig;
    CK_RV rv = rig.p11->C_SignInit(s, &ecdsa, FAKE_EC_KEY);

    if (rv != CKR_OK)
        return rv;
    rv = rig.p11->C_Sign(s, data, sizeof data, sig, &n);
    CU_ASSERT(rv != CKR_OK || sig[0] == 'y');
    return rv;
}

static void a_stall_is_bounded(void)
{
    CK_SESSION_HANDLE s = rig_session();

    CU_ASSERT_FATAL(sign(s) == CKR_OK);
    fake_fail(rig.fake, FAULT_STALL, MESSAGE_COMPUTE, 1);
    CU_ASSERT(sign(s) == CKR_DEVICE_ERROR);
    CU_ASSERT(sign(s) == CKR_OK); /* the same session, the same connection */
    CU_ASSERT(fake_connections(rig.fake) >= 1);
    rig_finalize();
}

static void half_an_answer_is_bounded(void)
{
    CK_SESSION_HANDLE s = rig_session();

    CU_ASSERT_FATAL(sign(s) == CKR_OK);
    fake_fail(rig.fake, FAULT_HALF, MESSAGE_COMPUTE, 1);
    CU_ASSERT(sign(s) == CKR_DEVICE_ERROR);
    rig_finalize();
}

static void a_late_answer_is_not_taken_for_another(void)
{
    CK_SESSION_HANDLE s = rig_session();

    CU_ASSERT_FATAL(sign(s) == CKR_OK);
    fake_fail(rig.fake, FAULT_LATE, MESSAGE_COMPUTE, 1);
    CU_ASSERT(sign(s) == CKR_DEVICE_ERROR);
    data[0] = 'z';
    CU_ASSERT(rig.p11->C_SignInit(s, &ecdsa, FAKE_EC_KEY) == CKR_OK);
    {
        CK_BYTE sig[64];
        CK_ULONG n = sizeof sig;

        CU_ASSERT(rig.p11->C_Sign(s, data, sizeof data, sig, &n) == CKR_OK && sig[0] == 'z');
    }
    data[0] = 'y';
    CU_ASSERT(sign(s) == CKR_OK);
    rig_finalize();
}

static void wrong_answers_are_refused(void)
{
    static const enum fault faults[] = { FAULT_OTHER_ID, FAULT_OTHER_KIND, FAULT_GARBAGE };

    for (unsigned i = 0; i < ARRAY_LEN(faults); i++) {
        CK_SESSION_HANDLE s = rig_session();
        CK_BYTE random[8];

        fake_fail(rig.fake, faults[i], MESSAGE_RANDOM, 1);
        CU_ASSERT(rig.p11->C_GenerateRandom(s, random, sizeof random) == CKR_DEVICE_ERROR);
        s = rig_session(); /* the link was closed for it, if not for a late answer */
        CU_ASSERT(rig.p11->C_GenerateRandom(s, random, sizeof random) == CKR_OK);
        rig_finalize();
    }
}

static void too_much_output_is_refused(void)
{
    CK_BYTE iv[16] = { 0 }, out[8192] = { 0 };
    CK_MECHANISM cbc = { CKM_AES_CBC_PAD, iv, sizeof iv };
    CK_ULONG n = sizeof out;
    CK_SESSION_HANDLE s = rig_session();

    CU_ASSERT_FATAL(rig.p11->C_EncryptInit(s, &cbc, FAKE_AES_KEY) == CKR_OK);
    fake_fail(rig.fake, FAULT_TOO_MUCH, MESSAGE_OPERATION_UPDATE, 1);
    CU_ASSERT(rig.p11->C_EncryptUpdate(s, data, 32, out, &n) == CKR_DEVICE_ERROR);
    CU_ASSERT_FATAL(rig.p11->C_SignInit(s, &ecdsa, FAKE_EC_KEY) == CKR_OK);
    fake_fail(rig.fake, FAULT_TOO_MUCH, MESSAGE_COMPUTE, 1);
    n = 64;
    CU_ASSERT(rig.p11->C_Sign(s, data, 32, out, &n) == CKR_BUFFER_TOO_SMALL && out[64] == 0);
    rig_finalize();
}

static void gone_in_mid_call_and_back(void)
{
    CK_SESSION_HANDLE s = rig_session(), other = rig_session(), fresh;

    CU_ASSERT_FATAL(sign(s) == CKR_OK);
    fake_fail(rig.fake, FAULT_CLOSE_ALL, MESSAGE_COMPUTE, 1);
    CU_ASSERT(sign(s) == CKR_DEVICE_REMOVED);
    CU_ASSERT(sign(s) == CKR_SESSION_HANDLE_INVALID);
    CU_ASSERT(sign(other) == CKR_DEVICE_REMOVED); /* once, to each */
    CU_ASSERT(sign(other) == CKR_SESSION_HANDLE_INVALID);
    CU_ASSERT(rig.p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &fresh) == CKR_OK);
    CU_ASSERT(fresh != s && sign(fresh) == CKR_OK);
    rig_finalize();
}

static void slow_calls_notice_a_death_at_once(void)
{
    CK_MECHANISM generate = { CKM_EC_KEY_PAIR_GEN, NULL, 0 };
    CK_OBJECT_HANDLE a, b;
    CK_SESSION_HANDLE s = rig_session();

    fake_fail(rig.fake, FAULT_CLOSE, MESSAGE_GENERATE_KEY_PAIR, 1);
    CU_ASSERT(rig.p11->C_GenerateKeyPair(s, &generate, NULL, 0, NULL, 0, &a, &b) == CKR_DEVICE_REMOVED);
    rig_finalize();
}

static void restarts_between_calls(void)
{
    CK_SESSION_HANDLE s = rig_session();
    CK_SLOT_INFO info;
    CK_TOKEN_INFO token;
    CK_ULONG n = 0;

    CU_ASSERT_FATAL(sign(s) == CKR_OK);
    rig_kill();
    CU_ASSERT(rig.p11->C_GetSlotInfo(0, &info) == CKR_OK && (info.flags & CKF_TOKEN_PRESENT) == 0);
    CU_ASSERT(rig.p11->C_GetTokenInfo(0, &token) == CKR_TOKEN_NOT_PRESENT);
    CU_ASSERT(rig.p11->C_GetSlotList(CK_TRUE, NULL, &n) == CKR_OK && n == 0);
    CU_ASSERT(rig.p11->C_GetSlotList(CK_FALSE, NULL, &n) == CKR_OK && n == 1);
    CU_ASSERT(sign(s) == CKR_DEVICE_REMOVED);
    CU_ASSERT(rig.p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &s) == CKR_DEVICE_REMOVED);
    rig_revive();
    CU_ASSERT(rig.p11->C_GetSlotInfo(0, &info) == CKR_OK && (info.flags & CKF_TOKEN_PRESENT) != 0);
    CU_ASSERT(rig.p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &s) == CKR_OK);
    CU_ASSERT(sign(s) == CKR_OK);
    /* Once more, and nobody looks in between: the first call after it works, or says that its session is gone. */
    rig_kill();
    rig_revive();
    CU_ASSERT(sign(s) == CKR_DEVICE_REMOVED);
    CU_ASSERT(rig.p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &s) == CKR_OK && sign(s) == CKR_OK);
    rig_kill();
    rig_revive();
    CU_ASSERT(rig.p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &s) == CKR_OK && sign(s) == CKR_OK);
    rig_finalize();
}

static bool is_one_peer(void *fake)
{
    return fake_peers(fake) == 1;
}

static void a_lost_connection_among_others_ends_nothing(void)
{
    CK_SESSION_HANDLE s = rig_session();
    CK_STRONGROOM_BATCH_PTR batch;
    int fd;

    CU_ASSERT_FATAL(rig.batch->OpenBatch(s, &fd, &batch) == CKR_OK); /* a second connection of the application */
    fake_fail(rig.fake, FAULT_CLOSE, MESSAGE_COMPUTE, 1);
    CU_ASSERT(sign(s) == CKR_DEVICE_REMOVED);
    CU_ASSERT(sign(s) == CKR_OK);
    /* One that was closed while it lay idle is not even noticed: the request had not left. */
    fake_fail(rig.fake, FAULT_CLOSE_AFTER, MESSAGE_COMPUTE, 1);
    CU_ASSERT(sign(s) == CKR_OK);
    CU_ASSERT(wait_until(is_one_peer, rig.fake));
    CU_ASSERT(sign(s) == CKR_OK);
    CU_ASSERT(rig.batch->CloseBatch(batch) == CKR_OK);
    rig_finalize();
}

static void another_keystore_is_not_spoken_to(void)
{
    struct credential thief;
    CK_SESSION_HANDLE s;

    credential_make(&thief, "P-256");
    rig_kill();
    rig.fake = fake_start(rig.socket, &thief);
    CU_ASSERT_FATAL(rig.p11->C_Initialize(NULL) == CKR_OK);
    CU_ASSERT(rig.p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &s) == CKR_DEVICE_ERROR);
    rig_finalize();
    rig_kill();
    rig_revive();
    credential_clear(&thief);
}

static void a_handshake_that_hangs_is_bounded(void)
{
    CK_SESSION_HANDLE s;

    CU_ASSERT_FATAL(rig.p11->C_Initialize(NULL) == CKR_OK);
    fake_fail(rig.fake, FAULT_NO_HANDSHAKE, 0, 0);
    CU_ASSERT(rig.p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &s) == CKR_DEVICE_ERROR);
    rig_finalize();
    rig_kill(); /* it has connections that will not go on */
    rig_revive();
}

static void *sign_many(void *arg)
{
    CK_SESSION_HANDLE s;
    CK_RV *worst = arg;

    *worst = rig.p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &s);
    for (unsigned i = 0; i < 50 && *worst == CKR_OK; i++)
        *worst = sign(s);
    return NULL;
}

static void many_threads_share_the_pool(void)
{
    enum { THREADS = 40 };
    pthread_t threads[THREADS];
    CK_RV results[THREADS];
    CK_SESSION_HANDLE s = rig_session();
    unsigned before = fake_connections(rig.fake), attached = fake_count(rig.fake, MESSAGE_ATTACH);

    for (unsigned i = 0; i < THREADS; i++)
        CU_ASSERT_FATAL(pthread_create(&threads[i], NULL, sign_many, &results[i]) == 0);
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        CU_ASSERT(results[i] == CKR_OK);
    }
    CU_ASSERT(fake_connections(rig.fake) - before < LINKS_PER_APPLICATION_MAX / 2);
    CU_ASSERT(fake_count(rig.fake, MESSAGE_ATTACH) - attached == fake_connections(rig.fake) - before);
    CU_ASSERT(sign(s) == CKR_OK);
    /* Many idle connections, all dead now: the first call finds them out. */
    rig_kill();
    rig_revive();
    CU_ASSERT(rig.p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &s) == CKR_OK && sign(s) == CKR_OK);
    rig_finalize();
}

static void many_threads_make_one_application(void)
{
    enum { THREADS = 16, ROUNDS = 10 };
    pthread_t threads[THREADS];
    CK_RV results[THREADS];

    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned before = fake_applications(rig.fake);

        CU_ASSERT_FATAL(rig.p11->C_Initialize(NULL) == CKR_OK);
        for (unsigned i = 0; i < THREADS; i++)
            CU_ASSERT_FATAL(pthread_create(&threads[i], NULL, sign_many, &results[i]) == 0);
        for (unsigned i = 0; i < THREADS; i++) {
            pthread_join(threads[i], NULL);
            CU_ASSERT(results[i] == CKR_OK);
        }
        CU_ASSERT(fake_applications(rig.fake) == before + 1);
        rig_finalize();
    }
}

static void *close_in_two(void *arg)
{
    (void)arg;
    CU_ASSERT(rig.p11->C_Finalize(NULL) == CKR_OK);
    return NULL;
}

static void finalize_ends_calls_under_way(void)
{
    CK_SESSION_HANDLE s = rig_session();
    CK_MECHANISM generate = { CKM_EC_KEY_PAIR_GEN, NULL, 0 };
    CK_OBJECT_HANDLE a, b;
    pthread_t thread;

    fake_fail(rig.fake, FAULT_STALL, MESSAGE_GENERATE_KEY_PAIR, 1);
    CU_ASSERT_FATAL(pthread_create(&thread, NULL, close_in_two, NULL) == 0);
    /* Before C_Finalize it waits for an answer that does not come; after it there is no library. */
    CK_RV rv = rig.p11->C_GenerateKeyPair(s, &generate, NULL, 0, NULL, 0, &a, &b);
    CU_ASSERT(rv == CKR_DEVICE_REMOVED || rv == CKR_CRYPTOKI_NOT_INITIALIZED);
    pthread_join(thread, NULL);
    fake_fail(rig.fake, FAULT_NONE, 0, 0);
}

int main(void)
{
    static CU_TestInfo cases[] = { { "a stall is bounded, and the session lives on", a_stall_is_bounded },
                                   { "half an answer is bounded", half_an_answer_is_bounded },
                                   { "a late answer is not taken for another", a_late_answer_is_not_taken_for_another },
                                   { "wrong answers are refused", wrong_answers_are_refused },
                                   { "too much output is refused", too_much_output_is_refused },
                                   { "gone in mid-call, and back", gone_in_mid_call_and_back },
                                   { "slow calls notice a death at once", slow_calls_notice_a_death_at_once },
                                   { "restarts between calls", restarts_between_calls },
                                   { "a lost connection among others ends nothing",
                                     a_lost_connection_among_others_ends_nothing },
                                   { "another keystore is not spoken to", another_keystore_is_not_spoken_to },
                                   { "a handshake that hangs is bounded", a_handshake_that_hangs_is_bounded },
                                   { "many threads share the pool", many_threads_share_the_pool },
                                   { "many threads make one application", many_threads_make_one_application },
                                   { "C_Finalize ends calls under way", finalize_ends_calls_under_way },
                                   CU_TEST_INFO_NULL };
    CU_SuiteInfo suites[] = { { "pkcs11 faults", rig_open, rig_close, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
