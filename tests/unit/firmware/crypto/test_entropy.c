#include "firmware/crypto/entropy.h"

#include <openssl/rand.h>

#include "tests/unit/harness.h"

#define DRAWS 5000 /* beyond one reseeding */

/* A board with two sources, each of which can be spoilt. */
enum behaviour { GOOD, STUCK, BIASED, ALTERNATING, UNPLUGGED, ABSENT };

static enum behaviour behaviours[HAL_ENTROPY_SOURCES];
static unsigned samples_taken;

static enum status sample(void *self, unsigned source, uint8_t *out, size_t len)
{
    enum behaviour b = behaviours[source];

    (void)self;
    samples_taken++;
    if (b == ABSENT)
        return ST_NOT_FOUND;
    if (b == UNPLUGGED)
        return ST_IO;
    CU_ASSERT_FATAL(RAND_bytes(out, (int)len) == 1);
    for (size_t i = 0; i < len; i++) {
        if (b == STUCK)
            out[i] = 0x55;
        if (b == BIASED && i % 4 != 3) /* three of four alike, the first of each window among them */
            out[i] = 7;
        if (b == ALTERNATING)
            out[i] = i & 1;
    }
    return ST_OK;
}

static const char *source_name(void *self, unsigned source)
{
    static const char *const names[] = { "ring", "jitter", "third", "fourth" };

    (void)self;
    return behaviours[source] == ABSENT ? NULL : names[source];
}

static const struct hal board = { .entropy = sample, .entropy_name = source_name };

static enum status start(enum behaviour first, enum behaviour second, const char **failed)
{
    behaviours[0] = first;
    behaviours[1] = second;
    behaviours[2] = behaviours[3] = ABSENT;
    return entropy_start(&board, failed);
}

static void nothing_is_drawn_before_the_start(void)
{
    uint8_t out[16];

    CU_ASSERT(!entropy_is_healthy());
    CU_ASSERT(entropy_draw(out, sizeof out) == ST_CORRUPT);
}

static void good_sources_give_bytes(void)
{
    uint8_t a[32] = { 0 }, b[32] = { 0 };
    const char *failed;

    CU_ASSERT(start(GOOD, GOOD, &failed) == ST_OK && failed == NULL && entropy_is_healthy());
    CU_ASSERT(entropy_draw(a, sizeof a) == ST_OK && entropy_draw(b, sizeof b) == ST_OK);
    CU_ASSERT(memcmp(a, b, sizeof a) != 0);
    CU_ASSERT(start(GOOD, ABSENT, &failed) == ST_OK && entropy_is_healthy());
    CU_ASSERT(start(ABSENT, ABSENT, &failed) == ST_UNAVAILABLE && !entropy_is_healthy());
}

static void a_bad_source_does_not_start(void)
{
    static const enum behaviour bad[] = { STUCK, BIASED, ALTERNATING, UNPLUGGED };
    const char *failed;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        uint8_t out[4];
        bool seen = bad[i] != ALTERNATING; /* half of its samples are alike: below the cutoff, with 1 bit a sample */

        CU_ASSERT(start(GOOD, bad[i], &failed) == (seen ? ST_CORRUPT : ST_OK));
        CU_ASSERT(!seen || (failed != NULL && strcmp(failed, "jitter") == 0));
        CU_ASSERT(entropy_is_healthy() == !seen);
        CU_ASSERT((entropy_draw(out, sizeof out) == ST_OK) == !seen);
    }
}

/* The other source is good all the time, and does not hide it. */
static void a_source_that_fails_later_takes_the_generator_down(void)
{
    static const enum behaviour bad[] = { STUCK, UNPLUGGED, ABSENT };
    uint8_t out[16];
    const char *failed;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        unsigned draws = 0;

        CU_ASSERT_FATAL(start(GOOD, GOOD, &failed) == ST_OK);
        behaviours[0] = bad[i];
        while (draws < DRAWS && entropy_draw(out, sizeof out) == ST_OK)
            draws++;
        CU_ASSERT(draws < DRAWS && !entropy_is_healthy());
        behaviours[0] = GOOD;
        CU_ASSERT(entropy_draw(out, sizeof out) == ST_CORRUPT);
    }
}

static void good_sources_are_asked_again(void)
{
    uint8_t out[16];
    const char *failed;
    unsigned before, failures = 0;

    CU_ASSERT_FATAL(start(GOOD, GOOD, &failed) == ST_OK);
    before = samples_taken;
    for (unsigned i = 0; i < DRAWS; i++)
        failures += entropy_draw(out, sizeof out) != ST_OK;
    CU_ASSERT(failures == 0 && samples_taken >= before + 2);
}

static void repetition_is_counted(void)
{
    uint8_t same[31] = { 0 }, other = 1;
    struct health h;

    health_init(&h);
    CU_ASSERT(health_feed(&h, same, 30));
    CU_ASSERT(health_feed(&h, &other, 1));
    CU_ASSERT(health_feed(&h, same, 30));
    CU_ASSERT(!health_feed(&h, same, 1));
    CU_ASSERT(!health_feed(&h, &other, 1)); /* for good */
    health_init(&h);
    CU_ASSERT(!health_feed(&h, same, 31));
}

/* `equal` of the first 512 samples are like the first, never 31 in a row. */
static bool window_passes(unsigned equal)
{
    uint8_t samples[512];
    struct health h;
    unsigned left = equal;

    for (unsigned i = 0; i < sizeof samples; i++) {
        bool like = left > 0 && i % 30 != 29;

        samples[i] = like ? 9 : (uint8_t)(10 + i % 200);
        left -= like;
    }
    CU_ASSERT_FATAL(left == 0);
    health_init(&h);
    return health_feed(&h, samples, sizeof samples);
}

static void proportion_is_counted(void)
{
    CU_ASSERT(window_passes(1));
    CU_ASSERT(window_passes(324));
    CU_ASSERT(!window_passes(325));
    CU_ASSERT(!window_passes(450));
}

/* 2^-30 is the false alarm of each test for 1 bit a sample; with 8 bits it never comes. */
static void good_samples_pass_for_long(void)
{
    static uint8_t samples[1 << 20];
    struct health h;

    CU_ASSERT_FATAL(RAND_bytes(samples, sizeof samples) == 1);
    health_init(&h);
    CU_ASSERT(health_feed(&h, samples, sizeof samples));
}

int main(void)
{
    CU_TestInfo cases[] = { { "nothing is drawn before the start", nothing_is_drawn_before_the_start },
                            { "good sources give bytes", good_sources_give_bytes },
                            { "a bad source does not start", a_bad_source_does_not_start },
                            { "a source that fails later takes the generator down",
                              a_source_that_fails_later_takes_the_generator_down },
                            { "good sources are asked again", good_sources_are_asked_again },
                            CU_TEST_INFO_NULL };
    CU_TestInfo health[] = { { "repetition is counted", repetition_is_counted },
                             { "proportion is counted", proportion_is_counted },
                             { "good samples pass for long", good_samples_pass_for_long },
                             CU_TEST_INFO_NULL };
    CU_SuiteInfo suites[] = { { .pName = "entropy", .pTests = cases },
                              { .pName = "health tests", .pTests = health },
                              CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
