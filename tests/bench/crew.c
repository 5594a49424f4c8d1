#include "tests/bench/crew.h"

#include <pthread.h>
#include <stdalign.h>
#include <time.h>

#include "firmware/base/clock.h"

#define WARM_UP_US 100000u

struct crew {
    crew_step *step;
    atomic_bool stop, failed;
};

struct member {
    alignas(128) atomic_uint_fast64_t count; /* on a cache line of its own */
    struct crew *crew;
    void *arg;
    pthread_t thread;
};

static void *work(void *arg)
{
    struct member *m = arg;
    uint64_t count = 0;
    unsigned n;

    while (!atomic_load_explicit(&m->crew->stop, memory_order_relaxed)) {
        if ((n = m->crew->step(m->arg)) == 0) {
            atomic_store(&m->crew->failed, true);
            break;
        }
        count += n;
        atomic_store_explicit(&m->count, count, memory_order_relaxed);
    }
    return NULL;
}

static void sleep_us(uint64_t us)
{
    struct timespec ts = { (time_t)(us / 1000000), (long)(us % 1000000) * 1000 };

    nanosleep(&ts, NULL);
}

static uint64_t sum(const struct member *members, unsigned count)
{
    uint64_t all = 0;

    for (unsigned i = 0; i < count; i++)
        all += atomic_load_explicit(&members[i].count, memory_order_relaxed);
    return all;
}

static enum status time_them(struct measure *m, const struct member *members, unsigned threads, uint64_t duration_us)
{
    uint64_t before;
    enum status st;

    sleep_us(WARM_UP_US);
    if ((st = measure_start(m)) != ST_OK)
        return st;
    before = sum(members, threads);
    sleep_us(duration_us);
    atomic_store(&m->count, sum(members, threads) - before);
    return measure_end(m);
}

/* Alone it looks at the clock between steps, so that a step of many operations is counted whole or not at all. */
static enum status run_alone(struct measure *m, crew_step *step, void *arg, uint64_t duration_us)
{
    uint64_t spans_us[] = { WARM_UP_US, duration_us }, count;
    enum status st = ST_OK;

    for (size_t i = 0; st == ST_OK && i < ARRAY_LEN(spans_us); i++) {
        if ((st = measure_start(m)) != ST_OK)
            break;
        count = 0;
        do {
            unsigned n = step(arg);

            if (n == 0)
                return ST_INTERNAL;
            count += n;
        } while (clock_monotonic_us() < m->started_us + spans_us[i]);
        atomic_store(&m->count, count);
        st = measure_end(m);
    }
    return st;
}

enum status crew_run(struct measure *m, crew_step *step, void *const *args, unsigned threads, uint64_t duration_us)
{
    struct crew crew = { .step = step, .stop = false, .failed = false };
    struct member members[CREW_MAX] = { 0 };
    enum status st = ST_NO_MEMORY;
    unsigned started = 0;

    INVARIANT(threads <= CREW_MAX);
    if (threads == 1)
        return run_alone(m, step, args[0], duration_us);
    for (; started < threads; started++) {
        members[started].crew = &crew;
        members[started].arg = args[started];
        if (pthread_create(&members[started].thread, NULL, work, &members[started]) != 0)
            break;
    }
    if (started == threads)
        st = time_them(m, members, threads, duration_us);
    atomic_store(&crew.stop, true);
    while (started > 0)
        pthread_join(members[--started].thread, NULL);
    return st == ST_OK && atomic_load(&crew.failed) ? ST_INTERNAL : st;
}
