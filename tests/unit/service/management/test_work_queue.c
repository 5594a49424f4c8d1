#include "service/management/work_queue.h"

#include <pthread.h>
#include <stdatomic.h>

#include "tests/unit/harness.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool gate_open;
static unsigned entered;
static atomic_uint done;

struct item {
    struct work work;
    bool waits;
};

static void run(struct work *w)
{
    struct item *i = (struct item *)w;

    if (i->waits) {
        pthread_mutex_lock(&lock);
        entered++;
        pthread_cond_broadcast(&changed);
        while (!gate_open)
            pthread_cond_wait(&changed, &lock);
        pthread_mutex_unlock(&lock);
    }
    atomic_fetch_add(&done, 1);
}

static void set_gate(bool open)
{
    pthread_mutex_lock(&lock);
    gate_open = open;
    entered = 0;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void bounded(void)
{
    struct item busy[2] = { { { .run = run }, true }, { { .run = run }, true } };
    struct item waiting[4] = { { .work.run = run }, { .work.run = run }, { .work.run = run }, { .work.run = run } };
    struct work_queue *q;

    atomic_store(&done, 0);
    set_gate(false);
    CU_ASSERT_EQUAL_FATAL(work_queue_start(2, 3, &q), ST_OK);
    for (unsigned i = 0; i < 2; i++)
        CU_ASSERT_EQUAL(work_queue_submit(q, &busy[i].work), ST_OK);
    pthread_mutex_lock(&lock);
    while (entered < 2)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    for (unsigned i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(work_queue_submit(q, &waiting[i].work), ST_OK);
    CU_ASSERT_EQUAL(work_queue_submit(q, &waiting[3].work), ST_BUSY);
    CU_ASSERT_EQUAL(atomic_load(&done), 0);
    set_gate(true);
    work_queue_stop(q);
    CU_ASSERT_EQUAL(atomic_load(&done), 5); /* what was taken is done before the end */
}

#define MANY 1000

static void everything_is_done_once(void)
{
    static struct item items[MANY];
    struct work_queue *q;

    atomic_store(&done, 0);
    CU_ASSERT_EQUAL_FATAL(work_queue_start(4, MANY, &q), ST_OK);
    for (unsigned i = 0; i < MANY; i++) {
        items[i].work.run = run;
        CU_ASSERT_EQUAL(work_queue_submit(q, &items[i].work), ST_OK);
    }
    work_queue_stop(q);
    CU_ASSERT_EQUAL(atomic_load(&done), MANY);
    work_queue_stop(NULL);
}

static CU_TestInfo cases[] = {
    { "no more wait than the limit, and those that wait are done before the end", bounded },
    { "everything is done once", everything_is_done_once },
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = { { .pName = "work_queue", .pTests = cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
