#include "service/identity/throttle.h"

#include <pthread.h>

#include "tests/unit/harness.h"

static void ten_in_a_minute(void)
{
    struct guid client = guid_random(), other = guid_random();
    struct throttle *t = NULL;

    CU_ASSERT_EQUAL_FATAL(throttle_new(&t), ST_OK);
    for (unsigned i = 0; i < THROTTLE_FAILURES; i++)
        CU_ASSERT_FALSE(throttle_failed(t, &client, 1000 + i));
    CU_ASSERT_TRUE(throttle_failed(t, &client, 1010));
    CU_ASSERT_TRUE(throttle_failed(t, &client, 1059));
    CU_ASSERT_FALSE(throttle_failed(t, &other, 1059));  /* others are not harmed */
    CU_ASSERT_FALSE(throttle_failed(t, &client, 1060)); /* a new minute */
    throttle_free(t);
}

static void clock_set_back(void)
{
    struct guid client = guid_random();
    struct throttle *t = NULL;

    CU_ASSERT_EQUAL_FATAL(throttle_new(&t), ST_OK);
    for (unsigned i = 0; i <= THROTTLE_FAILURES; i++)
        CU_ASSERT_EQUAL(throttle_failed(t, &client, 1000000), i == THROTTLE_FAILURES);
    CU_ASSERT_FALSE(throttle_failed(t, &client, 10)); /* not throttled until the year 1970 has gone by */
    throttle_free(t);
    throttle_free(NULL);
}

static void *fail_often(void *arg)
{
    for (unsigned i = 0; i < 20000; i++) {
        struct guid client = guid_random();

        throttle_failed(arg, &client, 1000);
    }
    return NULL;
}

static void flood(void)
{
    struct throttle *t = NULL;
    struct guid client = guid_random();
    pthread_t thread[3];
    bool hot = false;

    CU_ASSERT_EQUAL_FATAL(throttle_new(&t), ST_OK);
    for (unsigned i = 0; i < 3; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&thread[i], NULL, fail_often, t), 0);
    for (unsigned i = 0; i < 3; i++)
        pthread_join(thread[i], NULL);
    for (unsigned i = 0; i <= THROTTLE_FAILURES; i++)
        hot = throttle_failed(t, &client, 1001);
    CU_ASSERT_TRUE(hot);
    throttle_free(t);
}

static CU_TestInfo cases[] = {
    { "the eleventh failure within a minute is told to wait", ten_in_a_minute },
    { "a clock that is set back throttles nobody for long", clock_set_back },
    { "60,000 strangers from three threads fit into the table", flood },
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = { { .pName = "throttle", .pTests = cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
