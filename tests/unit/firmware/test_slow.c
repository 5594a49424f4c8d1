/* Slow work: bounded, in turns, and its answers when nobody waits for them any more. */
#include "firmware/slow.h"

#include "firmware/mailbox.h"
#include "tests/unit/harness.h"

#define JOBS 8

struct job {
    struct slow_job job;
    char name;
};

static struct slow slow;
static struct job jobs[SLOW_QUEUE_MAX + 1];
static char done[SLOW_QUEUE_MAX + 2];
static size_t done_count;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t moved = PTHREAD_COND_INITIALIZER;
static bool is_begun, is_open; /* the worker waits in its first job until the gate is open */

static void note(struct slow_job *job)
{
    done[done_count++] = ((struct job *)job)->name;
}

static void wait_at_the_gate(struct slow_job *job)
{
    (void)job;
    pthread_mutex_lock(&gate);
    is_begun = true;
    pthread_cond_signal(&moved);
    while (!is_open)
        pthread_cond_wait(&moved, &gate);
    pthread_mutex_unlock(&gate);
}

static enum status submit(size_t i, char name, const void *owner)
{
    jobs[i] = (struct job){ .job = { .run = note, .owner = owner }, .name = name };
    return slow_submit(&slow, &jobs[i].job);
}

/* A worker that is busy, and stays so until release(). */
static void start_busy(void)
{
    static struct slow_job first;

    done_count = 0;
    memset(done, 0, sizeof done);
    is_begun = is_open = false;
    CU_ASSERT_FATAL(slow_start(&slow, NULL, NULL) == ST_OK);
    first = (struct slow_job){ .run = wait_at_the_gate };
    CU_ASSERT_FATAL(slow_submit(&slow, &first) == ST_OK);
    pthread_mutex_lock(&gate);
    while (!is_begun)
        pthread_cond_wait(&moved, &gate);
    pthread_mutex_unlock(&gate);
}

static void release(void)
{
    pthread_mutex_lock(&gate);
    is_open = true;
    pthread_cond_signal(&moved);
    pthread_mutex_unlock(&gate);
    slow_stop(&slow); /* what is queued is done first */
}

static void one_owners_jobs_are_done_in_order(void)
{
    start_busy();
    for (size_t i = 0; i < JOBS; i++)
        CU_ASSERT_EQUAL(submit(i, (char)('a' + i), &slow), ST_OK);
    release();
    CU_ASSERT_STRING_EQUAL(done, "abcdefgh");
}

static void owners_take_turns(void)
{
    int first, second, third;

    start_busy();
    for (size_t i = 0; i < 4; i++)
        CU_ASSERT_EQUAL(submit(i, 'a', &first), ST_OK);
    for (size_t i = 4; i < 6; i++)
        CU_ASSERT_EQUAL(submit(i, 'b', &second), ST_OK);
    CU_ASSERT_EQUAL(submit(6, 'c', &third), ST_OK);
    release();
    CU_ASSERT_STRING_EQUAL(done, "abcabaa");
}

static void one_owner_does_not_keep_others_out(void)
{
    int greedy, modest;

    start_busy();
    for (size_t i = 0; i < SLOW_PARTITION_MAX; i++)
        CU_ASSERT_EQUAL(submit(i, 'g', &greedy), ST_OK);
    CU_ASSERT_EQUAL(submit(SLOW_QUEUE_MAX, 'g', &greedy), ST_BUSY);
    CU_ASSERT_EQUAL(submit(SLOW_PARTITION_MAX, 'm', &modest), ST_OK);
    release();
    CU_ASSERT_EQUAL(done[1], 'm');
    CU_ASSERT_EQUAL(done_count, SLOW_PARTITION_MAX + 1);
}

static void the_queue_is_bounded(void)
{
    start_busy();
    for (size_t i = 0; i < SLOW_QUEUE_MAX; i++)
        CU_ASSERT_EQUAL(submit(i, 'x', &jobs[i / SLOW_PARTITION_MAX]), ST_OK);
    CU_ASSERT_EQUAL(submit(SLOW_QUEUE_MAX, 'x', &slow), ST_BUSY);
    release();
    CU_ASSERT_EQUAL(done_count, SLOW_QUEUE_MAX);
}

static void note_idle(void *arg)
{
    (void)arg;
    pthread_mutex_lock(&gate);
    is_begun = true;
    pthread_cond_signal(&moved);
    pthread_mutex_unlock(&gate);
}

static void an_idle_worker_says_so(void)
{
    is_begun = false;
    CU_ASSERT_FATAL(slow_start(&slow, note_idle, NULL) == ST_OK);
    pthread_mutex_lock(&gate);
    while (!is_begun)
        pthread_cond_wait(&moved, &gate);
    pthread_mutex_unlock(&gate);
    slow_stop(&slow);
}

/* --- answers --- */

static unsigned wakes;

static void count_wake(void *arg)
{
    ++*(unsigned *)arg;
}

static struct late_answer *answer_of(const char *text)
{
    struct late_answer *a = late_answer_new(strlen(text));

    CU_ASSERT_FATAL(a != NULL);
    memcpy(a->body, text, strlen(text));
    return a;
}

static void answers_come_in_order_and_wake(void)
{
    struct mailbox *m;
    struct late_answer *a;

    wakes = 0;
    CU_ASSERT_FATAL(mailbox_new(count_wake, &wakes, &m) == ST_OK);
    CU_ASSERT_PTR_NULL(mailbox_take(m));
    mailbox_put(m, answer_of("one"));
    mailbox_put(m, answer_of("two"));
    CU_ASSERT_EQUAL(wakes, 2);
    a = mailbox_take(m);
    CU_ASSERT(a != NULL && memcmp(a->body, "one", 3) == 0);
    late_answer_free(a);
    mailbox_put(m, answer_of("six"));
    a = mailbox_take(m);
    CU_ASSERT(a != NULL && memcmp(a->body, "two", 3) == 0);
    late_answer_free(a);
    mailbox_unref(m); /* with an answer in it */
}

static void nobody_is_woken_after_the_close(void)
{
    struct mailbox *m;

    wakes = 0;
    CU_ASSERT_FATAL(mailbox_new(count_wake, &wakes, &m) == ST_OK);
    CU_ASSERT_FALSE(mailbox_is_closed(m));
    (void)mailbox_ref(m);
    mailbox_close(m);
    mailbox_unref(m); /* the peer is gone; the worker still has it */
    CU_ASSERT(mailbox_is_closed(m));
    mailbox_put(m, answer_of("late"));
    CU_ASSERT_EQUAL(wakes, 0);
    mailbox_unref(m);
}

static CU_TestInfo slow_cases[] = {
    { "one owner's jobs are done in order", one_owners_jobs_are_done_in_order },
    { "owners take turns", owners_take_turns },
    { "one owner does not keep others out", one_owner_does_not_keep_others_out },
    { "the queue is bounded", the_queue_is_bounded },
    { "an idle worker says so", an_idle_worker_says_so },
    CU_TEST_INFO_NULL,
};

static CU_TestInfo mailbox_cases[] = {
    { "answers come in order and wake", answers_come_in_order_and_wake },
    { "nobody is woken after the close", nobody_is_woken_after_the_close },
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = {
        { "slow work", NULL, NULL, NULL, NULL, slow_cases },
        { "mailbox", NULL, NULL, NULL, NULL, mailbox_cases },
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
