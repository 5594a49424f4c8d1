/* measure.h - what every row of the table is made of: latencies, CPU time of processes, and one line of output.
 * A measurement is bounded in time and its latencies in number; those beyond are counted, but not remembered. */
#ifndef STRONGROOM_BENCH_MEASURE_H
#define STRONGROOM_BENCH_MEASURE_H

#include <openssl/evp.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "firmware/base/bytes.h"

#define MEASURE_LATENCIES_MAX 2000000u
#define MEASURE_PROCESSES_MAX 4

struct measure {
    uint32_t *latencies_us;
    atomic_uint_fast64_t count;             /* operations that ended well */
    atomic_uint_fast64_t failures;          /* operations that did not */
    pid_t processes[MEASURE_PROCESSES_MAX]; /* whose CPU time counts; none: this one's */
    unsigned process_count;
    uint64_t started_us, ended_us;
    uint64_t cpu_ns, own_cpu_ns; /* between start and end */
};

/* Errors: ST_NO_MEMORY. */
MUST_CHECK enum status measure_init(struct measure *m);
void measure_clear(struct measure *m);
/* From here on. Forgets what was counted before. Errors: ST_NOT_FOUND one of the processes is not there. */
MUST_CHECK enum status measure_start(struct measure *m);
/* One operation took that long. Any thread. */
void measure_operation(struct measure *m, uint64_t us);
void measure_failure(struct measure *m);
MUST_CHECK enum status measure_end(struct measure *m);
/* One line on standard output, separated by tabs: row, algorithm, operations, failures, seconds, CPU us per operation,
 * this process's own CPU us per operation, p50 and p99 of the latency in us. */
void measure_print(struct measure *m, const char *row, const char *alg);

/* Is `signature` (REST's form: ECDSA as r || s) the one of `digest` (SHA-256) under `key`? */
bool signature_valid(EVP_PKEY *key, struct span digest, struct span signature);

#endif
