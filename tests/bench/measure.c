#include "tests/bench/measure.h"

#include <inttypes.h>
#include <openssl/ecdsa.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <time.h>

#include "firmware/base/clock.h"

enum status measure_init(struct measure *m)
{
    *m = (struct measure){ 0 };
    /* Touched now, so that page faults are not measured. */
    m->latencies_us = malloc(MEASURE_LATENCIES_MAX * sizeof *m->latencies_us);
    if (m->latencies_us == NULL)
        return ST_NO_MEMORY;
    memset(m->latencies_us, 0xff, MEASURE_LATENCIES_MAX * sizeof *m->latencies_us);
    return ST_OK;
}

void measure_clear(struct measure *m)
{
    free(m->latencies_us);
    *m = (struct measure){ 0 };
}

static uint64_t cpu_of_clock(clockid_t id)
{
    struct timespec ts = { 0 };

    clock_gettime(id, &ts);
    return (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec;
}

/* The CPU clock of a process counts nanoseconds of all its threads, user and system, also of those that have ended;
 * /proc/<pid>/stat has the same in hundredths of a second. */
static enum status cpu_of_processes(const struct measure *m, uint64_t *ns)
{
    clockid_t id;

    *ns = 0;
    for (unsigned i = 0; i < m->process_count; i++) {
        if (clock_getcpuclockid(m->processes[i], &id) != 0)
            return ST_NOT_FOUND;
        *ns += cpu_of_clock(id);
    }
    if (m->process_count == 0)
        *ns = cpu_of_clock(CLOCK_PROCESS_CPUTIME_ID);
    return ST_OK;
}

enum status measure_start(struct measure *m)
{
    atomic_store(&m->count, 0);
    atomic_store(&m->failures, 0);
    m->own_cpu_ns = cpu_of_clock(CLOCK_PROCESS_CPUTIME_ID);
    m->started_us = clock_monotonic_us();
    return cpu_of_processes(m, &m->cpu_ns);
}

void measure_operation(struct measure *m, uint64_t us)
{
    uint64_t at = atomic_fetch_add_explicit(&m->count, 1, memory_order_relaxed);

    if (at < MEASURE_LATENCIES_MAX)
        m->latencies_us[at] = us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
}

void measure_failure(struct measure *m)
{
    atomic_fetch_add_explicit(&m->failures, 1, memory_order_relaxed);
}

enum status measure_end(struct measure *m)
{
    uint64_t cpu_before = m->cpu_ns;
    enum status st = cpu_of_processes(m, &m->cpu_ns);

    m->ended_us = clock_monotonic_us();
    m->cpu_ns -= cpu_before;
    m->own_cpu_ns = cpu_of_clock(CLOCK_PROCESS_CPUTIME_ID) - m->own_cpu_ns;
    return st;
}

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

void measure_print(struct measure *m, const char *row, const char *alg)
{
    uint64_t count = atomic_load(&m->count), failures = atomic_load(&m->failures);
    size_t known = count < MEASURE_LATENCIES_MAX ? count : MEASURE_LATENCIES_MAX;
    double each = count > 0 ? 1000.0 * (double)count : 1;
    uint32_t p50 = 0, p99 = 0;

    if (known > 0) {
        qsort(m->latencies_us, known, sizeof *m->latencies_us, by_value);
        p50 = m->latencies_us[known / 2];
        p99 = m->latencies_us[known - 1 - known / 100];
    }
    printf("%s\t%s\t%" PRIu64 "\t%" PRIu64 "\t%.6f\t%.2f\t%.2f\t%" PRIu32 "\t%" PRIu32 "\n", row, alg, count, failures,
           (double)(m->ended_us - m->started_us) / 1e6, (double)m->cpu_ns / each, (double)m->own_cpu_ns / each, p50,
           p99);
}

/* libcrypto wants ECDSA signatures in DER. */
static size_t ecdsa_der(struct span raw, uint8_t *out, size_t room)
{
    ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(raw.p, (int)(raw.len / 2), NULL);
    BIGNUM *s = BN_bin2bn(raw.p + raw.len / 2, (int)(raw.len / 2), NULL);
    uint8_t *p = out;
    int len = 0;

    if (sig != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(sig, r, s) == 1) {
        r = s = NULL; /* now the signature's */
        if (i2d_ECDSA_SIG(sig, NULL) <= (int)room)
            len = i2d_ECDSA_SIG(sig, &p);
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(sig);
    return len > 0 ? (size_t)len : 0;
}

bool signature_valid(EVP_PKEY *key, struct span digest, struct span signature)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    uint8_t der[128];
    bool ok = ctx != NULL && EVP_PKEY_verify_init(ctx) == 1;

    if (ok && EVP_PKEY_is_a(key, "RSA"))
        ok = EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1;
    else if (ok && signature.len == 64)
        signature = span_of(der, ecdsa_der(signature, der, sizeof der));
    else
        ok = false;
    ok = ok && EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1 &&
         EVP_PKEY_verify(ctx, signature.p, signature.len, digest.p, digest.len) == 1;
    EVP_PKEY_CTX_free(ctx);
    return ok;
}
