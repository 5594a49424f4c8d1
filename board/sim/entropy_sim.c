#include "board/sim/entropy_sim.h"

#include <errno.h>
#include <sys/random.h>
#include <time.h>

enum source {
    SOURCE_KERNEL,
    SOURCE_JITTER,
    SOURCE_TPM,
};

#define JITTER_MEMORY (64u * 1024)
#define JITTER_STEPS  64 /* of work between two looks at the clock */
#define JITTER_FOLD   16 /* times in one sample: one alone holds less than a bit */

const char *entropy_sim_name(const struct tpm *tpm, unsigned source)
{
    static const char *const names[] = {
        [SOURCE_KERNEL] = "kernel",
        [SOURCE_JITTER] = "processor jitter",
        [SOURCE_TPM] = "tpm",
    };

    if (source >= ARRAY_LEN(names) || (source == SOURCE_TPM && tpm == NULL))
        return NULL;
    return names[source];
}

static enum status read_kernel(uint8_t *out, size_t len)
{
    while (len > 0) {
        ssize_t n = getrandom(out, len, 0);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return ST_IO;
        out += n;
        len -= (size_t)n;
    }
    return ST_OK;
}

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* How long a walk through memory takes: caches, memory and interrupts make it differ. The fold is a fixed map of the
 * times, so a clock that stands still or ticks evenly gives samples that are all alike, for the health tests to see. */
static uint8_t jitter_sample(volatile uint8_t *memory, uint32_t *at)
{
    uint8_t sample = 0;

    for (unsigned i = 0; i < JITTER_FOLD; i++) {
        uint64_t before = now_ns();

        for (unsigned step = 0; step < JITTER_STEPS; step++) {
            *at = *at * 1664525u + 1013904223u; /* no randomness, only an order no prefetcher knows */
            memory[*at % JITTER_MEMORY]++;
        }
        sample = (uint8_t)(sample * 5 + (now_ns() - before));
    }
    return sample;
}

static enum status read_jitter(uint8_t *out, size_t len)
{
    uint8_t memory[JITTER_MEMORY] = { 0 };
    uint32_t at = 1;

    for (size_t i = 0; i < len; i++)
        out[i] = jitter_sample(memory, &at);
    return ST_OK;
}

enum status entropy_sim_read(struct tpm *tpm, unsigned source, uint8_t *out, size_t len)
{
    if (entropy_sim_name(tpm, source) == NULL)
        return ST_NOT_FOUND;
    switch ((enum source)source) {
    case SOURCE_KERNEL:
        return read_kernel(out, len);
    case SOURCE_JITTER:
        return read_jitter(out, len);
    case SOURCE_TPM:
        return tpm_random(tpm, out, len) == ST_OK ? ST_OK : ST_IO;
    }
    return ST_NOT_FOUND;
}
