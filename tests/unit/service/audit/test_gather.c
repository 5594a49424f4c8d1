/* Records of requests under way wait for each other, so that one flush serves many; nobody waits in vain. */
#include "tests/unit/service/audit/trails.h"

#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "firmware/base/clock.h"

#define FOR_EVER_US (UINT64_C(3600) * 1000000) /* a test that waits for this fails by its time-out */
#define ENTRIES     64

/* The flush of the code under test comes here, to be counted. */
static _Atomic unsigned flushes;

int fdatasync(int fd)
{
    flushes++;
    return (int)syscall(SYS_fdatasync, fd);
}

/* Requests under way, and how many of their records have become durable. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned durable;
static struct audit_entry entries[ENTRIES];

static void on_done(struct audit_entry *e)
{
    pthread_mutex_lock(&lock);
    durable += e->status == ST_OK;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
}

static void await_durable(unsigned count)
{
    pthread_mutex_lock(&lock);
    while (durable < count)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

static unsigned durable_now(void)
{
    unsigned n;

    pthread_mutex_lock(&lock);
    n = durable;
    pthread_mutex_unlock(&lock);
    return n;
}

static struct audit *open_gathering(const char *path, uint64_t gather_us)
{
    struct audit_config config = {
        .directory = path, .source = "test-d", .signing_key = trail_key(), .gather_us = gather_us
    };
    struct audit *a = NULL;

    CU_ASSERT_FATAL(audit_open(&config, &a) == ST_OK);
    durable = 0;
    return a;
}

static void announce(struct audit *a, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        entries[i] = (struct audit_entry){ .done = on_done };
        audit_announce(a, &entries[i]);
    }
}

static void submit(struct audit *a, unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++) {
        bytes_append_text(&entries[i].record, "\"n\":1");
        CU_ASSERT(audit_submit(a, &entries[i]) == ST_OK);
        CU_ASSERT(!entries[i].announced);
    }
}

static void half_of_many_are_written_together(void)
{
    const char *path = new_trail_path();
    struct audit *a = open_gathering(path, FOR_EVER_US);
    unsigned before;

    announce(a, 16);
    submit(a, 0, 7);
    usleep(20000); /* time to do it wrong */
    CU_ASSERT(durable_now() == 0);
    before = flushes;
    submit(a, 7, 8);
    await_durable(8);
    CU_ASSERT(flushes - before <= 2); /* the other is a checkpoint's */
    submit(a, 8, 16);                 /* now fewer are under way than are waited for */
    await_durable(16);
    audit_close(a);
    CU_ASSERT(is_whole(path, 16));
}

static void who_is_alone_does_not_wait(void)
{
    const char *path = new_trail_path();
    struct audit *a = open_gathering(path, FOR_EVER_US);

    announce(a, 1);
    submit(a, 0, 1);
    await_durable(1);
    CU_ASSERT(record_text(a, "\"n\":2") == ST_OK); /* not announced at all */
    audit_close(a);
    CU_ASSERT(is_whole(path, 2));
}

static void one_of_a_few_does_not_wait(void)
{
    const char *path = new_trail_path();
    struct audit *a = open_gathering(path, FOR_EVER_US);

    announce(a, 4);
    for (unsigned i = 0; i < 4; i++) {
        submit(a, i, i + 1);
        await_durable(i + 1);
    }
    audit_close(a);
    CU_ASSERT(is_whole(path, 4));
}

static void nobody_waits_longer_than_said(void)
{
    const char *path = new_trail_path();
    struct audit *a = open_gathering(path, 3000);
    uint64_t from = clock_monotonic_us();

    announce(a, ENTRIES);
    submit(a, 0, 1);
    await_durable(1);
    CU_ASSERT(clock_monotonic_us() - from >= 3000);
    submit(a, 1, ENTRIES);
    await_durable(ENTRIES);
    audit_close(a);
    CU_ASSERT(is_whole(path, ENTRIES));
}

static void a_close_waits_for_nobody(void)
{
    const char *path = new_trail_path();
    struct audit *a = open_gathering(path, FOR_EVER_US);

    announce(a, ENTRIES);
    submit(a, 0, 3);
    audit_close(a);
    CU_ASSERT(durable_now() == 3);
    CU_ASSERT(is_whole(path, 3));
}

static CU_TestInfo gather_cases[] = { { "half of many are written together", half_of_many_are_written_together },
                                      { "who is alone does not wait", who_is_alone_does_not_wait },
                                      { "one of a few does not wait", one_of_a_few_does_not_wait },
                                      { "nobody waits longer than said", nobody_waits_longer_than_said },
                                      { "a close waits for nobody", a_close_waits_for_nobody },
                                      CU_TEST_INFO_NULL };

int main(void)
{
    CU_SuiteInfo suites[] = { { .pName = "gathering records", .pTests = gather_cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
