#include "service/identity/replay.h"

#include <pthread.h>
#include <stdio.h>

#include "tests/unit/harness.h"

static enum status use(struct replay *r, const struct guid *client, const char *jti, const char *text, int64_t now,
                       int64_t end)
{
    return replay_use(r, client, span_text(jti), span_text(text), now, end);
}

static void reuse_window(void)
{
    struct guid a = guid_random(), b = guid_random();
    struct replay *r = NULL;

    CU_ASSERT_EQUAL_FATAL(replay_new(false, &r), ST_OK);
    CU_ASSERT_EQUAL(use(r, &a, "1", "text", 1000, 50000), ST_OK);
    CU_ASSERT_EQUAL(use(r, &a, "1", "text", 1000, 50000), ST_OK);
    CU_ASSERT_EQUAL(use(r, &a, "1", "text", 1000 + REPLAY_REUSE_S - 1, 50000), ST_OK);
    CU_ASSERT_EQUAL(use(r, &a, "1", "text", 1000 + REPLAY_REUSE_S, 50000), ST_UNAUTHENTICATED);
    CU_ASSERT_EQUAL(use(r, &a, "1", "text", 49999, 50000), ST_UNAUTHENTICATED);
    CU_ASSERT_EQUAL(use(r, &a, "1", "another", 1001, 50000), ST_UNAUTHENTICATED); /* a name is used once */
    CU_ASSERT_EQUAL(use(r, &a, "2", "text", 1001, 50000), ST_OK);
    CU_ASSERT_EQUAL(use(r, &b, "1", "another", 1001, 50000), ST_OK); /* another client's */
    CU_ASSERT_EQUAL(use(r, &a, "1", "new", 50000, 50600), ST_OK);    /* the old one has ended */
    replay_free(r);
}

static void single_use(void)
{
    struct guid a = guid_random();
    struct replay *r = NULL;

    CU_ASSERT_EQUAL_FATAL(replay_new(true, &r), ST_OK);
    CU_ASSERT_EQUAL(use(r, &a, "1", "text", 1000, 1600), ST_OK);
    CU_ASSERT_EQUAL(use(r, &a, "1", "text", 1000, 1600), ST_UNAUTHENTICATED);
    CU_ASSERT_EQUAL(use(r, &a, "2", "text2", 1000, 1600), ST_OK);
    replay_free(r);
    replay_free(NULL);
}

static void flood(void)
{
    struct guid a = guid_random(), b;
    struct replay *r = NULL;
    unsigned taken = 0, harmed = 0;
    char jti[16];

    CU_ASSERT_EQUAL_FATAL(replay_new(true, &r), ST_OK);
    for (unsigned i = 0; i < 10000; i++) {
        enum status st;

        snprintf(jti, sizeof jti, "%u", i);
        st = use(r, &a, jti, jti, 1000 + i / 1000, 5000);
        CU_ASSERT(st == ST_OK || st == ST_BUSY);
        taken += st == ST_OK;
    }
    CU_ASSERT_EQUAL(taken, 4096);
    CU_ASSERT_EQUAL(use(r, &a, "1", "1", 1100, 5000), ST_UNAUTHENTICATED); /* nothing was forgotten to make room */
    for (unsigned i = 0; i < 200; i++) { /* others: all but those few who share its part */
        b = guid_random();
        harmed += use(r, &b, "1", "1", 1100, 5000) != ST_OK;
    }
    CU_ASSERT(harmed < 30);
    CU_ASSERT_EQUAL(use(r, &a, "new", "new", 5000, 6000), ST_OK); /* they have ended, there is room again */
    replay_free(r);
}

static struct replay *shared;
static unsigned wins;

static void *race(void *arg)
{
    const struct guid *client = arg;
    char jti[16];

    for (unsigned i = 0; i < 2000; i++) {
        snprintf(jti, sizeof jti, "%u", i);
        if (use(shared, client, jti, "t", 1000, 2000) == ST_OK)
            __atomic_fetch_add(&wins, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

static void threads(void)
{
    struct guid client = guid_random();
    pthread_t thread[4];

    CU_ASSERT_EQUAL_FATAL(replay_new(true, &shared), ST_OK);
    for (unsigned i = 0; i < 4; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&thread[i], NULL, race, &client), 0);
    for (unsigned i = 0; i < 4; i++)
        pthread_join(thread[i], NULL);
    CU_ASSERT_EQUAL(wins, 2000);
    replay_free(shared);
}

static CU_TestInfo cases[] = {
    { "the same assertion may come again for ten minutes, another of its name never", reuse_window },
    { "or, when so configured, only once", single_use },
    { "a flood harms the flooder", flood },
    { "of four threads with one assertion, one wins", threads },
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = { { .pName = "replay", .pTests = cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
