/* A token that fails, goes away and comes back; single flight; missing mechanisms. All through token_shim, which
 * forwards to SoftHSM (shim.h). */
#include <dlfcn.h>
#include <errno.h>
#include <openssl/err.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/pkcs11/token/fixture.h"
#include "tests/unit/pkcs11/token/shim.h"

static struct token_config config;
static const struct shim_controls *shim;
static struct token *token;
static struct test_key key;
static EVP_PKEY *tls_key, *tls_public;

static const uint8_t digest[32] = { 5 };

/* token_shim lies beside this program. */
static const char *shim_path(void)
{
    static char path[512];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 32);
    char *slash;

    INVARIANT(n > 0);
    path[n] = '\0';
    slash = strrchr(path, '/');
    memcpy(slash + 1, "libtoken_shim.so", sizeof "libtoken_shim.so");
    return path;
}

static int start(void)
{
    void *library = dlopen(shim_path(), RTLD_NOW | RTLD_LOCAL);
    struct key_spec p256 = ec_spec(KEY_CURVE_P256);

    INVARIANT(library != NULL && (shim = dlsym(library, SHIM_SYMBOL)) != NULL);
    config = fixture_config();
    config.module = shim_path();
    token = fixture_open(&config);
    INVARIANT(token_provision_key_pair(token, TOKEN_LABEL_TLS, &p256) == ST_OK);
    INVARIANT(token_private_key(token, TOKEN_LABEL_TLS, &tls_key) == ST_OK);
    INVARIANT(token_public_key(token, TOKEN_LABEL_TLS, &tls_public) == ST_OK);
    test_key_make(&key, token, p256, KEY_USE_SIGN, "key");
    return 0;
}

static int stop(void)
{
    EVP_PKEY_free(tls_key);
    EVP_PKEY_free(tls_public);
    test_key_clear(&key);
    token_close(token);
    return 0;
}

static enum status sign(void)
{
    struct token_job job = { 0 };
    enum status st = run_on(token, &job, TOKEN_SIGN, TOKEN_ES256, &key, span_of(digest, 32));

    CU_ASSERT_EQUAL(job.output.len, st == ST_OK ? 64 : 0);
    token_job_clear(&job);
    return st;
}

static bool evp_signs(void)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t signature[128];
    size_t len = sizeof signature;
    bool ok = EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, tls_key) == 1 &&
              EVP_DigestSign(ctx, signature, &len, digest, 32) == 1;

    EVP_MD_CTX_reset(ctx);
    ok = ok && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, tls_public) == 1 &&
         EVP_DigestVerify(ctx, signature, len, digest, 32) == 1;
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return ok;
}

static enum status sign_by_label(void)
{
    struct token_job job = { .op = TOKEN_SIGN, .alg = TOKEN_ES256, .label = TOKEN_LABEL_TLS };
    enum status st;

    job.input = span_of(digest, 32);
    st = token_run(token, &job);
    token_job_clear(&job);
    return st;
}

static void pause_ms(long ms)
{
    struct timespec t = { 0, ms * 1000000 };

    nanosleep(&t, NULL);
}

static bool is_up(void *arg)
{
    (void)arg;
    return token_is_up(token);
}

static bool comes_back(void)
{
    return wait_until(is_up, NULL);
}

static void away_and_back(void)
{
    static const CK_RV answers[] = { CKR_DEVICE_REMOVED, CKR_TOKEN_NOT_PRESENT, CKR_DEVICE_ERROR };
    struct key_spec p256 = ec_spec(KEY_CURVE_P256);
    EVP_PKEY *none;

    for (unsigned i = 0; i < ARRAY_LEN(answers); i++) {
        CU_ASSERT_EQUAL(sign(), ST_OK);
        CU_ASSERT_TRUE(evp_signs());
        shim->take_away(answers[i]);
        CU_ASSERT_EQUAL(sign(), ST_UNAVAILABLE);
        CU_ASSERT_FALSE(token_is_up(token));
        CU_ASSERT_EQUAL(sign(), ST_UNAVAILABLE);
        CU_ASSERT_EQUAL(sign_by_label(), ST_UNAVAILABLE);
        CU_ASSERT_FALSE(evp_signs());
        CU_ASSERT_EQUAL(token_private_key(token, TOKEN_LABEL_TLS, &none), ST_UNAVAILABLE);
        CU_ASSERT_EQUAL(token_public_key(token, TOKEN_LABEL_TLS, &none), ST_UNAVAILABLE);
        CU_ASSERT_EQUAL(token_provision_sealing(token), ST_UNAVAILABLE);
        CU_ASSERT_EQUAL(token_provision_key_pair(token, "x", &p256), ST_UNAVAILABLE);
        shim->bring_back();
        CU_ASSERT_TRUE_FATAL(comes_back());
        CU_ASSERT_EQUAL(sign(), ST_OK);
        CU_ASSERT_EQUAL(sign_by_label(), ST_OK);
        CU_ASSERT_TRUE(evp_signs()); /* the key that was given out before */
    }
}

/* Only the EVP_PKEY is used: a front that does nothing but handshakes must notice as well. */
static void noticed_by_a_handshake(void)
{
    shim->take_away(CKR_DEVICE_REMOVED);
    CU_ASSERT_FALSE(evp_signs());
    CU_ASSERT_FALSE(token_is_up(token));
    shim->bring_back();
    CU_ASSERT_TRUE_FATAL(comes_back());
    CU_ASSERT_TRUE(evp_signs());
}

/* A look-up takes a lock that another handshake would find taken, and fail. */
static void keys_come_back_with_the_token(void)
{
    unsigned before;

    shim->take_away(CKR_DEVICE_REMOVED);
    CU_ASSERT_FALSE(evp_signs());
    shim->bring_back();
    CU_ASSERT_TRUE_FATAL(comes_back());
    before = shim->finds();
    CU_ASSERT_TRUE(evp_signs());
    CU_ASSERT_EQUAL(shim->finds(), before);
}

static void each_sign_of_loss(void)
{
    static const CK_RV answers[] = {
        CKR_DEVICE_ERROR,    CKR_DEVICE_REMOVED,     CKR_TOKEN_NOT_PRESENT,        CKR_SESSION_HANDLE_INVALID,
        CKR_SESSION_CLOSED,  CKR_USER_NOT_LOGGED_IN, CKR_CRYPTOKI_NOT_INITIALIZED, CKR_KEY_HANDLE_INVALID,
        CKR_OPERATION_ACTIVE
    };

    for (unsigned i = 0; i < ARRAY_LEN(answers); i++) {
        unsigned before;

        CU_ASSERT_EQUAL(sign(), ST_OK);
        before = shim->unwraps();
        shim->fail_sign(answers[i]);
        CU_ASSERT_EQUAL(sign(), ST_UNAVAILABLE);
        CU_ASSERT_TRUE_FATAL(comes_back());
        CU_ASSERT_EQUAL(sign(), ST_OK);
        CU_ASSERT_EQUAL(shim->unwraps(), before + 1); /* the cache was dropped */
    }
}

static void other_failures_stay_small(void)
{
    static const struct {
        CK_RV answer;
        enum status want;
    } cases[] = { { CKR_GENERAL_ERROR, ST_INTERNAL },
                  { CKR_FUNCTION_FAILED, ST_INTERNAL },
                  { CKR_HOST_MEMORY, ST_NO_MEMORY },
                  { CKR_DEVICE_MEMORY, ST_UNAVAILABLE },
                  { CKR_KEY_FUNCTION_NOT_PERMITTED, ST_INTERNAL } };

    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        shim->fail_sign(cases[i].answer);
        CU_ASSERT_EQUAL(sign(), cases[i].want);
        CU_ASSERT_TRUE(token_is_up(token));
        CU_ASSERT_EQUAL(sign(), ST_OK);
    }
}

static void finalised_by_another(void)
{
    shim->finalise();
    CU_ASSERT_EQUAL(sign(), ST_UNAVAILABLE);
    CU_ASSERT_TRUE_FATAL(comes_back());
    CU_ASSERT_EQUAL(sign(), ST_OK);
    CU_ASSERT_TRUE(evp_signs());
}

/* Of a connection: two for each of two workers, the key maker and the callers. */
#define SESSIONS 8

/* Each session of a new connection in turn; the last is the first one of libp11, which would wait for ever. */
static void a_session_that_cannot_be_opened(void)
{
    for (unsigned n = 0; n <= SESSIONS; n++) {
        CU_ASSERT_EQUAL(sign(), ST_OK);
        shim->take_away(CKR_DEVICE_REMOVED);
        CU_ASSERT_EQUAL(sign(), ST_UNAVAILABLE);
        shim->fail_open(n);
        shim->bring_back();
        CU_ASSERT_TRUE_FATAL(comes_back());
        CU_ASSERT_TRUE(evp_signs());
    }
    shim->fail_open((unsigned)-1);
}

/* So that it could have tried the PIN again each time. */
static bool has_come_four_times(void *opens_before)
{
    return shim->opens() >= *(unsigned *)opens_before + 4 * SESSIONS;
}

static void a_wrong_pin_is_tried_once(void)
{
    unsigned before, opens;

    CU_ASSERT_EQUAL(sign(), ST_OK);
    before = shim->logins();
    shim->take_away(CKR_DEVICE_REMOVED);
    CU_ASSERT_EQUAL(sign(), ST_UNAVAILABLE);
    fixture_write(config.pin_file, "000000", 0600);
    opens = shim->opens();
    shim->bring_back();
    CU_ASSERT(wait_until(has_come_four_times, &opens));
    CU_ASSERT_FALSE(token_is_up(token));
    CU_ASSERT_EQUAL(shim->logins(), before + 1);
    fixture_write(config.pin_file, FIXTURE_PIN, 0600);
    CU_ASSERT_TRUE_FATAL(comes_back());
    CU_ASSERT_EQUAL(shim->logins(), before + 2);
    CU_ASSERT_EQUAL(sign(), ST_OK);
}

/* A wrong PIN would lock the token, and only a person knows whether this one is right. */
static void the_last_try_is_not_risked(void)
{
    unsigned before, opens;

    CU_ASSERT_EQUAL(sign(), ST_OK);
    before = shim->logins();
    shim->take_away(CKR_DEVICE_REMOVED);
    CU_ASSERT_EQUAL(sign(), ST_UNAVAILABLE);
    opens = shim->opens();
    shim->set_flags(CKF_USER_PIN_FINAL_TRY);
    shim->bring_back();
    CU_ASSERT(wait_until(has_come_four_times, &opens));
    CU_ASSERT_FALSE(token_is_up(token));
    CU_ASSERT_EQUAL(shim->logins(), before);
    shim->set_flags(0); /* somebody has logged in by the right one */
    CU_ASSERT_TRUE_FATAL(comes_back());
    CU_ASSERT_EQUAL(sign(), ST_OK);
}

/* For the daemon to exit so that nobody starts it again. */
static void who_opens_it_is_told_of_a_refused_pin(void)
{
    struct token_config c = config;
    struct token *t = NULL;
    bool refused = true;

    c.pin_refused = &refused;
    token_close(token);
    token = NULL;
    shim->set_flags(CKF_USER_PIN_FINAL_TRY);
    CU_ASSERT_EQUAL(token_open(&c, &t), ST_NOT_PERMITTED);
    CU_ASSERT(refused);
    shim->set_flags(0);
    c.pin_file = "/nonexistent/pin"; /* it may come */
    CU_ASSERT_EQUAL(token_open(&c, &t), ST_NOT_PERMITTED);
    CU_ASSERT_FALSE(refused);
    c.pin_file = config.pin_file;
    fixture_write(config.pin_file, "000000", 0600);
    CU_ASSERT_EQUAL(token_open(&c, &t), ST_NOT_PERMITTED);
    CU_ASSERT(refused);
    fixture_write(config.pin_file, FIXTURE_PIN, 0600);
    CU_ASSERT_EQUAL(token_open(&c, &token), ST_OK);
    CU_ASSERT_FALSE(refused);
    CU_ASSERT_EQUAL(sign(), ST_OK);
}

static atomic_bool enough;
static atomic_uint good, unavailable, other;

static void *keep_signing(void *arg)
{
    (void)arg;
    while (!atomic_load(&enough)) {
        struct token_job job = { 0 };
        enum status st = run_on(token, &job, TOKEN_SIGN, TOKEN_ES256, &key, span_of(digest, 32));

        atomic_fetch_add(st == ST_OK ? &good : st == ST_UNAVAILABLE ? &unavailable : &other, 1);
        token_job_clear(&job);
        if (st != ST_OK)
            sched_yield();
    }
    return NULL;
}

static void *keep_shaking_hands(void *arg)
{
    (void)arg;
    while (!atomic_load(&enough))
        (void)evp_signs();
    return NULL;
}

static void under_load(void)
{
    pthread_t threads[5];

    atomic_store(&enough, false);
    for (unsigned i = 0; i < 5; i++)
        pthread_create(&threads[i], NULL, i == 4 ? keep_shaking_hands : keep_signing, NULL);
    for (unsigned round = 0; round < 8; round++) {
        unsigned before = atomic_load(&good);

        while (atomic_load(&good) < before + 20)
            pause_ms(1);
        shim->take_away(CKR_DEVICE_REMOVED);
        while (token_is_up(token))
            pause_ms(1);
        shim->bring_back();
        CU_ASSERT_TRUE_FATAL(comes_back());
    }
    atomic_store(&enough, true);
    for (unsigned i = 0; i < 5; i++)
        pthread_join(threads[i], NULL);
    CU_ASSERT_EQUAL(atomic_load(&other), 0);
    CU_ASSERT_TRUE(atomic_load(&unavailable) > 0);
    CU_ASSERT_EQUAL(sign(), ST_OK);
    CU_ASSERT_TRUE(evp_signs());
}

#define CROWD 32

static atomic_uint crowd_done;

static void count_done(struct token_job *job)
{
    (void)job;
    atomic_fetch_add(&crowd_done, 1);
}

static void submit_crowd(struct token_job jobs[CROWD], const struct test_key *k)
{
    atomic_store(&crowd_done, 0);
    for (unsigned i = 0; i < CROWD; i++) {
        jobs[i] = (struct token_job){
            .op = TOKEN_SIGN, .alg = TOKEN_ES256, .key = &k->sealed, .input = span_of(digest, 32), .done = count_done
        };
        CU_ASSERT_EQUAL(token_submit(token, &jobs[i]), ST_OK);
    }
}

static void *submit_one(void *arg)
{
    CU_ASSERT_EQUAL(token_submit(token, arg), ST_OK);
    return NULL;
}

static void wait_for_crowd(void)
{
    while (atomic_load(&crowd_done) < CROWD)
        pause_ms(1);
}

/* One worker is held in C_UnwrapKey. The other one takes all that came before the last job, and parks it. */
static void let_the_rest_park(unsigned unwraps_before)
{
    struct token_job last = { .op = TOKEN_RANDOM, .length = 1 };

    while (shim->unwraps() == unwraps_before)
        pause_ms(1);
    CU_ASSERT_EQUAL(token_run(token, &last), ST_OK);
    token_job_clear(&last);
}

static void one_unwrap_for_many(void)
{
    static struct token_job jobs[CROWD];
    unsigned before = shim->unwraps();
    pthread_t threads[CROWD];

    test_key_new_id(&key);
    shim->hold_unwraps(true);
    atomic_store(&crowd_done, 0);
    for (unsigned i = 0; i < CROWD; i++) {
        jobs[i] = (struct token_job){
            .op = TOKEN_SIGN, .alg = TOKEN_ES256, .key = &key.sealed, .input = span_of(digest, 32), .done = count_done
        };
        pthread_create(&threads[i], NULL, submit_one, &jobs[i]);
    }
    for (unsigned i = 0; i < CROWD; i++)
        pthread_join(threads[i], NULL);
    let_the_rest_park(before);
    CU_ASSERT_EQUAL(atomic_load(&crowd_done), 0);
    shim->hold_unwraps(false);
    wait_for_crowd();
    CU_ASSERT_EQUAL(shim->unwraps(), before + 1);
    for (unsigned i = 0; i < CROWD; i++) {
        CU_ASSERT_EQUAL(jobs[i].status, ST_OK);
        token_job_clear(&jobs[i]);
    }
}

static void lost_while_opening(void)
{
    static struct token_job jobs[CROWD];
    unsigned before = shim->unwraps();

    test_key_new_id(&key);
    shim->hold_unwraps(true);
    submit_crowd(jobs, &key);
    let_the_rest_park(before);
    shim->take_away(CKR_DEVICE_REMOVED);
    shim->hold_unwraps(false);
    wait_for_crowd();
    for (unsigned i = 0; i < CROWD; i++) {
        CU_ASSERT_EQUAL(jobs[i].status, ST_UNAVAILABLE);
        token_job_clear(&jobs[i]);
    }
    shim->bring_back();
    CU_ASSERT_TRUE_FATAL(comes_back());
    CU_ASSERT_EQUAL(sign(), ST_OK);
}

static void evicted_objects_are_destroyed(void)
{
    unsigned before;

    token_close(token);
    config.cache_limit = 3;
    token = fixture_open(&config);
    before = shim->destroys();
    for (unsigned i = 0; i < 10; i++) {
        test_key_new_id(&key);
        CU_ASSERT_EQUAL(sign(), ST_OK);
    }
    CU_ASSERT_EQUAL(shim->destroys(), before + 7);
    config.cache_limit = 0;
}

static void missing_mechanisms(void)
{
    struct token_job job = { .op = TOKEN_GENERATE, .spec = oct_spec(128), .uses = KEY_USE_DECRYPT };
    struct test_key aes;

    token_close(token);
    shim->hide(CKM_AES_KEY_WRAP_PAD);
    CU_ASSERT_EQUAL(token_open(&config, &token), ST_UNSUPPORTED);
    shim->hide(CKM_AES_GCM);
    token = fixture_open(&config);
    CU_ASSERT_FALSE(token_offers(token, TOKEN_A128GCM));
    CU_ASSERT_TRUE(token_offers(token, TOKEN_A128CBC));
    test_key_make(&aes, token, job.spec, job.uses, "aes");
    CU_ASSERT_EQUAL(run_on(token, &job, TOKEN_ENCRYPT, TOKEN_A128GCM, &aes, span_text("x")), ST_UNSUPPORTED);
    CU_ASSERT_EQUAL(run_on(token, &job, TOKEN_ENCRYPT, TOKEN_A128CBCPAD, &aes, span_text("x")), ST_OK);
    shim->hide(CKM_VENDOR_DEFINED);
    token_job_clear(&job);
    test_key_clear(&aes);
}

static void closed_while_away(void)
{
    shim->take_away(CKR_DEVICE_REMOVED);
    CU_ASSERT_EQUAL(sign(), ST_UNAVAILABLE);
    token_close(token);
    CU_ASSERT_EQUAL(token_open(&config, &token), ST_UNAVAILABLE);
    shim->bring_back();
    token = fixture_open(&config);
    CU_ASSERT_EQUAL(sign(), ST_OK);
}

int main(void)
{
    CU_TestInfo cases[] = {
        { "away: unavailable at once; back: everything works again, old EVP_PKEYs too", away_and_back },
        { "a handshake alone notices", noticed_by_a_handshake },
        { "a token that is back needs no look-up to sign", keys_come_back_with_the_token },
        { "each answer that means a lost token leads to a new connection", each_sign_of_loss },
        { "other failures end one job only", other_failures_stay_small },
        { "a module finalised by another is initialised again", finalised_by_another },
        { "a session that cannot be opened: the next try has it", a_session_that_cannot_be_opened },
        { "a refused PIN is not tried again until its file changes", a_wrong_pin_is_tried_once },
        { "the last try is not risked", the_last_try_is_not_risked },
        { "away and back under load", under_load },
        { "32 threads that miss one key cause one unwrap", one_unwrap_for_many },
        { "a token lost while a key is opened: all who wait are told", lost_while_opening },
        { "evicted keys leave the token", evicted_objects_are_destroyed },
        { "mechanisms that the token lacks", missing_mechanisms },
        { "closing and opening while away", closed_while_away },
        { "who opens it is told of a refused PIN", who_opens_it_is_told_of_a_refused_pin },
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = { { "reconnect", start, stop, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
