/* bench_local - the rows that need no service, in a process of their own:
 *   references  what other rows are compared with, one after the other: `raw` libcrypto alone, key and context warm;
 *               `direct1` C_SignInit and C_Sign on a session key of SoftHSM's; `direct2` the same on two threads, a
 *               session each
 *   token1      pkcs11/token, one job at a time
 *   token64     pkcs11/token, 64 jobs under way
 * Each is measured for the seconds given, after a short warm-up. */
#include <openssl/ec.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdio.h>

#include "firmware/base/clock.h"
#include "pkcs11/token/token.h"
#include "tests/bench/measure.h"
#include "tests/bench/softhsm.h"

#define WARM_UP_US  100000u
#define DIGEST_LEN  32
#define JOBS        64
#define THREADS_MAX 2

/* DER of DigestInfo up to a SHA-256 digest (RFC 8017, 9.2, note 1): CKM_RSA_PKCS signs what it is given. */
static const uint8_t sha256_info[] = { 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                       0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20 };

struct bench {
    struct softhsm hsm;
    const char *alg_name;
    bool rsa;
    uint64_t duration_us;
    uint8_t digest[DIGEST_LEN];
    struct measure measure;
};

/* Run `operation` until the time is over. A first round warms caches and blinding, and is not kept. */
static enum status repeat(struct bench *b, bool (*operation)(void *), void *arg)
{
    uint64_t spans_us[] = { WARM_UP_US, b->duration_us };
    enum status st = ST_OK;

    for (size_t i = 0; st == ST_OK && i < ARRAY_LEN(spans_us); i++) {
        uint64_t now, until;

        if ((st = measure_start(&b->measure)) != ST_OK)
            break;
        now = b->measure.started_us;
        until = now + spans_us[i];
        while (now < until) {
            uint64_t before = now;

            if (!operation(arg))
                return ST_INTERNAL;
            now = clock_monotonic_us();
            measure_operation(&b->measure, now - before);
        }
        st = measure_end(&b->measure);
    }
    return st;
}

/* raw */

struct raw {
    EVP_PKEY_CTX *ctx;
    const uint8_t *digest;
};

static bool sign_raw(void *arg)
{
    struct raw *r = arg;
    uint8_t signature[256];
    size_t len = sizeof signature;

    return EVP_PKEY_sign(r->ctx, signature, &len, r->digest, DIGEST_LEN) == 1;
}

static enum status bench_raw(struct bench *b)
{
    EVP_PKEY *key = b->rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
    struct raw r = { key != NULL ? EVP_PKEY_CTX_new(key, NULL) : NULL, b->digest };
    enum status st = ST_INTERNAL;

    if (r.ctx != NULL && EVP_PKEY_sign_init(r.ctx) == 1 &&
        (!b->rsa || EVP_PKEY_CTX_set_rsa_padding(r.ctx, RSA_PKCS1_PADDING) == 1) &&
        EVP_PKEY_CTX_set_signature_md(r.ctx, EVP_sha256()) == 1)
        st = repeat(b, sign_raw, &r);
    if (st == ST_OK)
        measure_print(&b->measure, "raw", b->alg_name);
    EVP_PKEY_CTX_free(r.ctx);
    EVP_PKEY_free(key);
    return st;
}

/* direct */

struct direct {
    struct bench *bench;
    CK_FUNCTION_LIST *f;
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE key;
    uint8_t input[sizeof sha256_info + DIGEST_LEN];
    CK_ULONG input_len;
};

static bool sign_direct(void *arg)
{
    struct direct *d = arg;
    CK_MECHANISM mechanism = { .mechanism = d->bench->rsa ? CKM_RSA_PKCS : CKM_ECDSA };
    CK_BYTE signature[256];
    CK_ULONG len = sizeof signature;

    return d->f->C_SignInit(d->session, &mechanism, d->key) == CKR_OK &&
           d->f->C_Sign(d->session, d->input, d->input_len, signature, &len) == CKR_OK;
}

static void set_input(struct direct *d)
{
    size_t info_len = d->bench->rsa ? sizeof sha256_info : 0;

    memcpy(d->input, sha256_info, info_len);
    memcpy(d->input + info_len, d->bench->digest, DIGEST_LEN);
    d->input_len = info_len + DIGEST_LEN;
}

/* A key with the rights that sealed keys have, too: what is measured is the same object. */
static CK_RV make_key(const struct direct *d, CK_OBJECT_HANDLE *private)
{
    static CK_BYTE p256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 }, f4[] = { 1, 0, 1 };
    CK_MECHANISM mechanism = { .mechanism = d->bench->rsa ? CKM_RSA_PKCS_KEY_PAIR_GEN : CKM_EC_KEY_PAIR_GEN };
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_ULONG bits = 2048;
    CK_ATTRIBUTE ec[] = { { CKA_TOKEN, &no, 1 }, { CKA_EC_PARAMS, p256, sizeof p256 } };
    CK_ATTRIBUTE rsa[] = { { CKA_TOKEN, &no, 1 },
                           { CKA_MODULUS_BITS, &bits, sizeof bits },
                           { CKA_PUBLIC_EXPONENT, f4, sizeof f4 } };
    CK_ATTRIBUTE rights[] = { { CKA_TOKEN, &no, 1 },
                              { CKA_PRIVATE, &yes, 1 },
                              { CKA_SENSITIVE, &yes, 1 },
                              { CKA_EXTRACTABLE, &no, 1 },
                              { CKA_SIGN, &yes, 1 } };
    CK_OBJECT_HANDLE public;

    return d->f->C_GenerateKeyPair(d->session, &mechanism, d->bench->rsa ? rsa : ec,
                                   d->bench->rsa ? ARRAY_LEN(rsa) : ARRAY_LEN(ec), rights, ARRAY_LEN(rights), &public,
                                   private);
}

/* The threads of one row count into one measure, so the first of them starts and ends it for all. */
struct crew {
    pthread_barrier_t barrier;
    atomic_bool stop, failed;
};

struct member {
    struct crew *crew;
    struct direct direct;
};

static void *sign_until_stopped(void *arg)
{
    struct member *m = arg;
    uint64_t before = clock_monotonic_us(), now;

    while (!atomic_load_explicit(&m->crew->stop, memory_order_relaxed)) {
        if (!sign_direct(&m->direct)) {
            atomic_store(&m->crew->failed, true);
            break;
        }
        now = clock_monotonic_us();
        measure_operation(&m->direct.bench->measure, now - before);
        before = now;
    }
    return NULL;
}

static void sleep_us(uint64_t us)
{
    struct timespec ts = { (time_t)(us / 1000000), (long)(us % 1000000) * 1000 };

    nanosleep(&ts, NULL);
}

static enum status run_crew(struct bench *b, struct member *members, unsigned threads)
{
    pthread_t ids[THREADS_MAX];
    enum status st = ST_OK;
    unsigned started = 0;

    while (started < threads && pthread_create(&ids[started], NULL, sign_until_stopped, &members[started]) == 0)
        started++;
    if (started < threads)
        st = ST_NO_MEMORY;
    sleep_us(WARM_UP_US);
    if (st == ST_OK && (st = measure_start(&b->measure)) == ST_OK) {
        sleep_us(b->duration_us);
        st = measure_end(&b->measure);
    }
    atomic_store(&members[0].crew->stop, true);
    while (started > 0)
        pthread_join(ids[--started], NULL);
    return st == ST_OK && atomic_load(&members[0].crew->failed) ? ST_INTERNAL : st;
}

static enum status run_threads(struct bench *b, const struct direct *first, CK_SLOT_ID slot, unsigned threads)
{
    struct crew crew = { .stop = false, .failed = false };
    struct member members[THREADS_MAX] = { 0 };

    for (unsigned i = 0; i < threads; i++) {
        members[i] = (struct member){ &crew, *first };
        if (first->f->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &members[i].direct.session) != CKR_OK)
            return ST_INTERNAL;
    }
    return run_crew(b, members, threads);
}

static enum status bench_direct(struct bench *b)
{
    struct direct first = { .bench = b, .f = softhsm_load(&b->hsm) };
    CK_SLOT_ID slot = 0;
    enum status st;

    if (first.f == NULL)
        return ST_NOT_FOUND;
    if ((st = softhsm_login(&b->hsm, first.f, &slot, &first.session)) != ST_OK)
        return st;
    if (make_key(&first, &first.key) != CKR_OK)
        return ST_INTERNAL;
    set_input(&first);
    if ((st = repeat(b, sign_direct, &first)) != ST_OK)
        return st;
    measure_print(&b->measure, "direct1", b->alg_name);
    if ((st = run_threads(b, &first, slot, THREADS_MAX)) == ST_OK)
        measure_print(&b->measure, "direct2", b->alg_name);
    return st;
}

/* token */

struct token_bench {
    struct bench *bench;
    struct token *token;
    struct sealed_key key;
    struct token_job made; /* owns what `key` borrows */
    struct slot {
        struct token_bench *owner;
        struct token_job job;
        uint64_t submitted_us;
    } slots[JOBS];
    atomic_bool stop;
    atomic_uint failed;
    pthread_mutex_t lock;
    pthread_cond_t idle;
    unsigned under_way;
};

static enum status open_token(struct token_bench *t)
{
    const struct softhsm *hsm = &t->bench->hsm;
    struct token_config config = {
        .module = hsm->module, .label = SOFTHSM_LABEL, .pin_file = hsm->pin_file, .module_config = hsm->config
    };
    enum status st = token_open(&config, &t->token);

    return st == ST_OK ? token_provision_sealing(t->token) : st;
}

static enum status make_sealed_key(struct token_bench *t)
{
    static const struct key_spec p256 = { KEY_TYPE_EC, KEY_CURVE_P256, 256 }, rsa2048 = { KEY_TYPE_RSA, 0, 2048 };
    enum status st;

    t->made = (struct token_job){ .op = TOKEN_GENERATE,
                                  .spec = t->bench->rsa ? rsa2048 : p256,
                                  .uses = KEY_USE_SIGN,
                                  .context = span_text("bench") };
    if ((st = token_run(t->token, &t->made)) != ST_OK)
        return st;
    t->key = (struct sealed_key){ .cache_id = "bench",
                                  .spec = t->made.spec,
                                  .uses = t->made.uses,
                                  .blob = bytes_span(&t->made.sealed),
                                  .context = t->made.context,
                                  .public_der = bytes_span(&t->made.public_key) };
    return ST_OK;
}

static void fill_job(struct token_bench *t, struct token_job *job)
{
    *job = (struct token_job){ .op = TOKEN_SIGN,
                               .alg = t->bench->rsa ? TOKEN_RS256 : TOKEN_ES256,
                               .key = &t->key,
                               .input = span_of(t->bench->digest, DIGEST_LEN) };
}

static bool is_signature(const struct token_bench *t, const struct token_job *job)
{
    const uint8_t *der = t->key.public_der.p;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &der, (long)t->key.public_der.len);
    bool ok = key != NULL && signature_valid(key, job->input, bytes_span(&job->output));

    EVP_PKEY_free(key);
    return ok;
}

static bool sign_one_at_a_time(void *arg)
{
    struct slot *s = arg;

    return token_run(s->owner->token, &s->job) == ST_OK;
}

static void slot_ended(struct token_bench *t, bool failed)
{
    pthread_mutex_lock(&t->lock);
    if (failed)
        t->failed++;
    if (--t->under_way == 0)
        pthread_cond_signal(&t->idle);
    pthread_mutex_unlock(&t->lock);
}

/* Each job is submitted again where it ends, so their number stays the same. */
static void on_done(struct token_job *job)
{
    struct slot *s = job->owner;
    struct token_bench *t = s->owner;
    uint64_t now = clock_monotonic_us();

    measure_operation(&t->bench->measure, now - s->submitted_us);
    s->submitted_us = now;
    if (job->status != ST_OK)
        slot_ended(t, true);
    else if (atomic_load_explicit(&t->stop, memory_order_relaxed))
        slot_ended(t, false);
    else if (token_submit(t->token, job) != ST_OK)
        slot_ended(t, true);
}

static enum status run_pipelined(struct token_bench *t)
{
    enum status st = ST_OK;

    for (unsigned i = 0; i < JOBS; i++) {
        struct slot *s = &t->slots[i];

        fill_job(t, &s->job);
        s->owner = t;
        s->job.done = on_done;
        s->job.owner = s;
        s->submitted_us = clock_monotonic_us();
        pthread_mutex_lock(&t->lock);
        t->under_way++;
        pthread_mutex_unlock(&t->lock);
        if (token_submit(t->token, &s->job) != ST_OK)
            slot_ended(t, true);
    }
    sleep_us(WARM_UP_US);
    if ((st = measure_start(&t->bench->measure)) == ST_OK) {
        sleep_us(t->bench->duration_us);
        st = measure_end(&t->bench->measure);
    }
    atomic_store(&t->stop, true);
    pthread_mutex_lock(&t->lock);
    while (t->under_way > 0)
        pthread_cond_wait(&t->idle, &t->lock);
    pthread_mutex_unlock(&t->lock);
    return st == ST_OK && t->failed > 0 ? ST_INTERNAL : st;
}

static enum status run_one_at_a_time(struct token_bench *t)
{
    fill_job(t, &t->slots[0].job);
    t->slots[0].owner = t;
    return repeat(t->bench, sign_one_at_a_time, &t->slots[0]);
}

static enum status bench_token(struct bench *b, const char *row, bool pipelined)
{
    struct token_bench t = { .bench = b, .lock = PTHREAD_MUTEX_INITIALIZER, .idle = PTHREAD_COND_INITIALIZER };
    enum status st;

    if ((st = open_token(&t)) == ST_OK && (st = make_sealed_key(&t)) == ST_OK &&
        (st = pipelined ? run_pipelined(&t) : run_one_at_a_time(&t)) == ST_OK) {
        if (is_signature(&t, &t.slots[0].job))
            measure_print(&b->measure, row, b->alg_name);
        else
            st = ST_CORRUPT;
    }
    token_close(t.token);
    for (unsigned i = 0; i < JOBS; i++)
        token_job_clear(&t.slots[i].job);
    token_job_clear(&t.made);
    return st;
}

static enum status bench_references(struct bench *b)
{
    enum status st = bench_raw(b);

    return st == ST_OK ? bench_direct(b) : st;
}

static enum status run_row(struct bench *b, const char *row)
{
    struct span name = span_text(row);

    if (span_is(name, "references"))
        return bench_references(b);
    if (span_is(name, "token1") || span_is(name, "token64"))
        return bench_token(b, row, span_is(name, "token64"));
    return ST_NOT_FOUND;
}

static int usage(void)
{
    fputs("usage: bench_local MODULE DIRECTORY make\n"
          "       bench_local MODULE DIRECTORY references|token1|token64 ES256|RS256 SECONDS\n",
          stderr);
    return EXIT_FAILURE;
}

static int report(enum status st, const char *row)
{
    if (st != ST_OK)
        fprintf(stderr, "bench_local: %s: %s\n", row, status_name(st));
    return st == ST_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    struct bench b = { 0 };
    enum status st;
    double seconds;

    if (argc < 4 || softhsm_at(&b.hsm, argv[1], argv[2]) != ST_OK || secret_init_process() != ST_OK)
        return usage();
    if (argc == 4 && span_is(span_text(argv[3]), "make"))
        return report(softhsm_make(&b.hsm), argv[3]);
    if (argc != 6 || (seconds = strtod(argv[5], NULL)) <= 0 || seconds > 600)
        return usage();
    b.alg_name = argv[4];
    b.rsa = span_is(span_text(argv[4]), "RS256");
    b.duration_us = (uint64_t)(seconds * 1e6);
    if (RAND_bytes(b.digest, sizeof b.digest) != 1 || measure_init(&b.measure) != ST_OK)
        return report(ST_NO_MEMORY, argv[3]);
    st = run_row(&b, argv[3]);
    measure_clear(&b.measure);
    return report(st, argv[3]);
}
