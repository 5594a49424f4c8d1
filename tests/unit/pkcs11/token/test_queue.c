#include "pkcs11/token/queue.h"

#include <stdatomic.h>

#include "tests/unit/harness.h"

#define JOBS 20000

static void bounded(void)
{
    struct token_job jobs[4] = { 0 };
    struct queue q;

    queue_init(&q, 3, 1);
    for (unsigned i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(queue_put(&q, &jobs[i]), ST_OK);
    CU_ASSERT_EQUAL(queue_put(&q, &jobs[3]), ST_BUSY);
    CU_ASSERT_PTR_EQUAL(queue_take(&q), &jobs[0]); /* 3 / 2: one at a time */
    CU_ASSERT_EQUAL(queue_put(&q, &jobs[3]), ST_OK);
    CU_ASSERT_PTR_EQUAL(queue_take(&q), &jobs[1]);
    CU_ASSERT_PTR_EQUAL(queue_take(&q), &jobs[2]);
    CU_ASSERT_PTR_EQUAL(queue_take(&q), &jobs[3]);
    queue_destroy(&q);
}

static void shares(void)
{
    static struct token_job jobs[64];
    struct token_job *batch;
    struct queue q;
    unsigned n = 0, order = 0, largest = 0;

    queue_init(&q, 64, 2);
    for (unsigned i = 0; i < 64; i++)
        CU_ASSERT_EQUAL(queue_put(&q, &jobs[i]), ST_OK);
    while (order < 64) {
        n = 0;
        for (batch = queue_take(&q); batch != NULL; batch = batch->next, n++)
            CU_ASSERT_PTR_EQUAL(batch, &jobs[order++]);
        largest = n > largest ? n : largest;
    }
    CU_ASSERT_EQUAL(largest, 8);
    CU_ASSERT_EQUAL(n, 1); /* the last ones come alone, so that nobody waits behind another */
    queue_destroy(&q);
}

static unsigned length_of(const struct token_job *jobs)
{
    unsigned n = 0;

    for (; jobs != NULL; jobs = jobs->next)
        n++;
    return n;
}

static void together(void)
{
    struct token_job jobs[8] = { 0 };
    struct queue q;

    queue_init(&q, 64, 2);
    q.together = true;
    for (unsigned i = 0; i < 8; i++) {
        jobs[i].op = TOKEN_SIGN;
        jobs[i].alg = i < 6 ? TOKEN_ES256 : TOKEN_RS256;
        CU_ASSERT_EQUAL(queue_put(&q, &jobs[i]), ST_OK);
    }
    CU_ASSERT_EQUAL(length_of(queue_take(&q)), 6); /* all that are quick, */
    CU_ASSERT_EQUAL(length_of(queue_take(&q)), 1); /* and of the others a half */
    CU_ASSERT_EQUAL(length_of(queue_take(&q)), 1);
    queue_destroy(&q);
}

static void holding(void)
{
    struct token_job jobs[3] = { 0 };
    struct queue q;

    queue_init(&q, 2, 2);
    q.together = true;
    queue_hold();
    CU_ASSERT_EQUAL(queue_put(&q, &jobs[0]), ST_OK);
    CU_ASSERT_EQUAL(queue_put(&q, &jobs[1]), ST_OK);
    CU_ASSERT_EQUAL(queue_put(&q, &jobs[2]), ST_BUSY); /* they count */
    CU_ASSERT_PTR_NULL(q.head);                        /* but nobody takes them */
    queue_release(&q);
    CU_ASSERT_PTR_EQUAL(queue_take(&q), &jobs[0]);
    CU_ASSERT_EQUAL(queue_put(&q, &jobs[2]), ST_OK); /* no longer kept back */
    CU_ASSERT_PTR_EQUAL(queue_take(&q), &jobs[1]);
    CU_ASSERT_PTR_EQUAL(queue_take(&q), &jobs[2]);
    queue_hold();
    queue_release(&q); /* nothing was put */
    queue_close(&q);
    CU_ASSERT_PTR_NULL(queue_take(&q));
    queue_destroy(&q);
}

static void closing(void)
{
    struct token_job jobs[2] = { 0 };
    struct queue q;

    queue_init(&q, 3, 1);
    CU_ASSERT_EQUAL(queue_put(&q, &jobs[0]), ST_OK);
    queue_close(&q);
    CU_ASSERT_EQUAL(queue_put(&q, &jobs[1]), ST_CLOSED);
    CU_ASSERT_PTR_EQUAL(queue_take(&q), &jobs[0]); /* what was taken in is served */
    CU_ASSERT_PTR_NULL(queue_take(&q));
    queue_destroy(&q);
}

static void returning(void)
{
    struct token_job jobs[4] = { 0 };
    struct queue q;

    queue_init(&q, 1, 1);
    CU_ASSERT_EQUAL(queue_put(&q, &jobs[2]), ST_OK);
    jobs[0].next = &jobs[1];
    queue_return(&q, &jobs[0]); /* beyond the limit, and ahead of the rest */
    queue_return(&q, NULL);
    CU_ASSERT_EQUAL(queue_put(&q, &jobs[3]), ST_BUSY);
    for (unsigned i = 0; i < 3; i++)
        CU_ASSERT_PTR_EQUAL(queue_take(&q), &jobs[i]);
    CU_ASSERT_EQUAL(queue_put(&q, &jobs[3]), ST_OK);
    CU_ASSERT_PTR_EQUAL(queue_take(&q), &jobs[3]);
    queue_destroy(&q);
}

static struct queue shared;
static struct token_job many[2][JOBS];
static atomic_uint served;

static void *producer(void *arg)
{
    struct token_job *jobs = arg;

    for (unsigned i = 0; i < JOBS; i++)
        while (queue_put(&shared, &jobs[i]) == ST_BUSY)
            sched_yield();
    return NULL;
}

static void *consumer(void *arg)
{
    struct token_job *job, *next;

    (void)arg;
    while ((job = queue_take(&shared)) != NULL)
        for (; job != NULL; job = next) {
            next = job->next;
            job->length++;
            if (job->length == 1 && atomic_fetch_add(&served, 1) % 97 == 0) {
                job->next = NULL;
                queue_return(&shared, job);
            }
        }
    return NULL;
}

static void many_threads(void)
{
    pthread_t producers[2], consumers[3];
    unsigned once = 0, twice = 0;

    queue_init(&shared, 50, 3);
    for (unsigned i = 0; i < 3; i++)
        pthread_create(&consumers[i], NULL, consumer, NULL);
    for (unsigned i = 0; i < 2; i++)
        pthread_create(&producers[i], NULL, producer, many[i]);
    for (unsigned i = 0; i < 2; i++)
        pthread_join(producers[i], NULL);
    queue_close(&shared);
    for (unsigned i = 0; i < 3; i++)
        pthread_join(consumers[i], NULL);
    for (unsigned i = 0; i < 2 * JOBS; i++) {
        once += many[i / JOBS][i % JOBS].length == 1;
        twice += many[i / JOBS][i % JOBS].length == 2;
    }
    CU_ASSERT_EQUAL(once + twice, 2 * JOBS); /* none lost, none doubled */
    CU_ASSERT_EQUAL(twice, (2 * JOBS + 96) / 97);
    queue_destroy(&shared);
}

int main(void)
{
    CU_TestInfo cases[] = {
        { "a full queue refuses", bounded },
        { "a taker gets a shrinking share, in order", shares },
        { "what goes to the token together is shared by how long it takes", together },
        { "what is put between hold and release is taken after the release", holding },
        { "a closed queue refuses, but gives what it holds", closing },
        { "jobs come back at the front, whatever the limit", returning },
        { "many threads: every job once", many_threads },
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = { { "queue", NULL, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
