/* Secret sharing: exhaustive over bytes, quorums and subsets; what too few shares tell; what is refused. */
#include "firmware/domain/shamir.h"

#include <openssl/rand.h>

#include "tests/unit/harness.h"

#define COUNT_MAX  10
#define SECRET_LEN 32

static enum status draw(void *out, size_t len)
{
    return RAND_bytes(out, (int)len) == 1 ? ST_OK : ST_INTERNAL;
}

static enum status no_draw(void *out, size_t len)
{
    memset(out, 0x5a, len);
    return ST_IO;
}

/* --- coefficients of the test's choice: 8 bytes that come to `c` modulo 257 --- */

static unsigned chosen[2];

static enum status draw_chosen(void *out, size_t len)
{
    uint8_t *p = out;

    memset(p, 0, len);
    for (size_t i = 0; i < len / 8; i++) {
        p[8 * i] = (uint8_t)(chosen[i] < 256 ? chosen[i] : 0);
        p[8 * i + 1] = chosen[i] < 256 ? 0 : 1; /* 256 is -1 */
    }
    return ST_OK;
}

static unsigned word_at(const uint8_t *p)
{
    return p[0] | (unsigned)p[1] << 8;
}

/* --- cases --- */

static void shares_are_points_of_the_polynomial(void)
{
    uint8_t shares[COUNT_MAX * 2];
    unsigned wrong = 0;

    for (unsigned secret = 0; secret < 256; secret += 15)
        for (chosen[0] = 0; chosen[0] < 257; chosen[0]++)
            for (chosen[1] = 0; chosen[1] < 257; chosen[1] += 8) {
                uint8_t byte = (uint8_t)secret;

                CU_ASSERT_FATAL(shamir_split(span_of(&byte, 1), 3, COUNT_MAX, draw_chosen, shares) == ST_OK);
                for (unsigned x = 1; x <= COUNT_MAX; x++)
                    wrong +=
                        word_at(shares + 2 * (x - 1)) != (x << 9 | (chosen[0] * x * x + chosen[1] * x + secret) % 257);
            }
    CU_ASSERT_EQUAL(wrong, 0);
}

static unsigned combine_subset(const uint8_t *shares, unsigned subset, unsigned required, uint8_t secret)
{
    struct span list[COUNT_MAX];
    unsigned count = 0, distinct;
    uint8_t out = 0;
    enum status st;

    for (unsigned i = 0; i < COUNT_MAX; i++)
        if ((subset & BIT(i)) != 0)
            list[count++] = span_of(shares + 2 * i, 2);
    st = shamir_combine(list, count, required, 1, &out, &distinct);
    if (distinct != count)
        return 1;
    return count < required ? st != ST_NOT_PERMITTED : st != ST_OK || out != secret;
}

static void every_quorum_gives_every_byte_back(void)
{
    static const struct {
        unsigned required, count;
    } quorums[] = { { 2, 2 }, { 2, 3 }, { 3, 3 }, { 3, 5 }, { 5, 5 }, { 2, 7 }, { 6, 7 }, { 2, 10 }, { 10, 10 } };
    uint8_t shares[COUNT_MAX * 2];
    unsigned wrong = 0;

    for (size_t q = 0; q < ARRAY_LEN(quorums); q++)
        for (unsigned secret = 0; secret < 256; secret++) {
            uint8_t byte = (uint8_t)secret;

            CU_ASSERT_FATAL(shamir_split(span_of(&byte, 1), quorums[q].required, quorums[q].count, draw, shares) ==
                            ST_OK);
            for (unsigned subset = 0; subset < BIT(quorums[q].count); subset++)
                wrong += combine_subset(shares, subset, quorums[q].required, byte);
        }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void order_does_not_matter(void)
{
    static const unsigned char orders[][3] = { { 0, 1, 2 }, { 2, 1, 0 }, { 1, 4, 3 }, { 4, 0, 2 } };
    uint8_t secret[SECRET_LEN], shares[5 * 2 * SECRET_LEN], out[SECRET_LEN];
    unsigned distinct;

    CU_ASSERT_FATAL(RAND_bytes(secret, sizeof secret) == 1);
    CU_ASSERT_FATAL(shamir_split(span_of(secret, sizeof secret), 3, 5, draw, shares) == ST_OK);
    for (size_t o = 0; o < ARRAY_LEN(orders); o++) {
        struct span list[3];

        for (unsigned i = 0; i < 3; i++)
            list[i] = span_of(shares + orders[o][i] * 2 * SECRET_LEN, 2 * SECRET_LEN);
        CU_ASSERT_EQUAL(shamir_combine(list, 3, 3, SECRET_LEN, out, &distinct), ST_OK);
        CU_ASSERT_EQUAL(memcmp(out, secret, SECRET_LEN), 0);
    }
}

static void all_126_shares_work(void)
{
    uint8_t byte = 0xa7, out = 0, shares[SHAMIR_SHARES_MAX * 2];
    struct span list[SHAMIR_SHARES_MAX];
    unsigned distinct;

    CU_ASSERT_FATAL(shamir_split(span_of(&byte, 1), SHAMIR_SHARES_MAX, SHAMIR_SHARES_MAX, draw, shares) == ST_OK);
    for (unsigned i = 0; i < SHAMIR_SHARES_MAX; i++)
        list[i] = span_of(shares + 2 * i, 2);
    CU_ASSERT_EQUAL(shamir_combine(list, SHAMIR_SHARES_MAX, SHAMIR_SHARES_MAX, 1, &out, &distinct), ST_OK);
    CU_ASSERT_EQUAL(out, byte);
    CU_ASSERT_EQUAL(distinct, SHAMIR_SHARES_MAX);
}

/* Over all coefficients, the share of x takes each value just once, whatever the secret: it tells nothing of it. */
static void one_share_of_two_tells_nothing(void)
{
    unsigned wrong = 0;

    for (unsigned secret = 0; secret < 256; secret++) {
        uint8_t byte = (uint8_t)secret, shares[COUNT_MAX * 2];
        uint8_t seen[COUNT_MAX][257] = { { 0 } };

        for (chosen[0] = 0; chosen[0] < 257; chosen[0]++) {
            CU_ASSERT_FATAL(shamir_split(span_of(&byte, 1), 2, COUNT_MAX, draw_chosen, shares) == ST_OK);
            for (unsigned x = 0; x < COUNT_MAX; x++)
                seen[x][word_at(shares + 2 * x) & 511]++;
        }
        for (unsigned x = 0; x < COUNT_MAX; x++)
            for (unsigned y = 0; y < 257; y++)
                wrong += seen[x][y] != 1;
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void two_shares_of_three_tell_nothing(void)
{
    static const uint8_t secrets[] = { 0, 1, 128, 255 };
    static uint8_t seen[257][257];
    uint8_t shares[3 * 2];
    unsigned wrong = 0;

    for (size_t s = 0; s < sizeof secrets; s++) {
        memset(seen, 0, sizeof seen);
        for (chosen[0] = 0; chosen[0] < 257; chosen[0]++)
            for (chosen[1] = 0; chosen[1] < 257; chosen[1]++) {
                CU_ASSERT_FATAL(shamir_split(span_of(&secrets[s], 1), 3, 3, draw_chosen, shares) == ST_OK);
                seen[word_at(shares) & 511][word_at(shares + 4) & 511]++;
            }
        for (unsigned i = 0; i < 257; i++)
            for (unsigned j = 0; j < 257; j++)
                wrong += seen[i][j] != 1;
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

/* The share of x = 1 of the secret 0 is the coefficient itself. 2,000 of each are expected; 315 are seven deviations.
 */
static void coefficients_are_uniform(void)
{
    static uint8_t zeros[257 * 20], shares[2 * 2 * sizeof zeros];
    unsigned seen[257] = { 0 }, odd = 0;

    for (unsigned round = 0; round < 100; round++) {
        CU_ASSERT_FATAL(shamir_split(span_of(zeros, sizeof zeros), 2, 2, draw, shares) == ST_OK);
        for (size_t i = 0; i < sizeof zeros; i++)
            seen[word_at(shares + 2 * i) & 511]++;
    }
    for (unsigned i = 0; i < 257; i++)
        odd += seen[i] < 2000 - 315 || seen[i] > 2000 + 315;
    CU_ASSERT_EQUAL(odd, 0);
}

static void each_byte_has_coefficients_of_its_own(void)
{
    uint8_t secret[SECRET_LEN] = { 0 }, shares[2 * 2 * SECRET_LEN];
    unsigned same = 0;

    CU_ASSERT_FATAL(shamir_split(span_of(secret, sizeof secret), 2, 2, draw, shares) == ST_OK);
    for (size_t i = 1; i < SECRET_LEN; i++)
        same += word_at(shares) == word_at(shares + 2 * i);
    CU_ASSERT(same < 6);
}

static void without_random_bytes_there_are_no_shares(void)
{
    uint8_t secret[2] = { 1, 2 }, shares[3 * 2 * 2], none[sizeof shares] = { 0 };

    memset(shares, 0xff, sizeof shares);
    CU_ASSERT_EQUAL(shamir_split(span_of(secret, 2), 2, 3, no_draw, shares), ST_IO);
    CU_ASSERT_EQUAL(memcmp(shares, none, sizeof none), 0);
}

/* --- what is handed in --- */

static uint8_t good[3][4]; /* of the secret "AB", two of which are enough */

static enum status combine(const void *a, size_t a_len, const void *b, size_t b_len, unsigned *distinct)
{
    struct span list[] = { span_of(a, a_len), span_of(b, b_len) };
    uint8_t out[2] = { 0 };
    enum status st = shamir_combine(list, 2, 2, 2, out, distinct);

    CU_ASSERT(st != ST_OK || memcmp(out, "AB", 2) == 0);
    return st;
}

static void make_good(void)
{
    CU_ASSERT_FATAL(shamir_split(span_text("AB"), 2, 3, draw, good[0]) == ST_OK);
}

static void one_share_twice_counts_once(void)
{
    struct span list[] = { span_of(good[0], 4), span_of(good[0], 4), span_of(good[2], 4), span_of(good[2], 4) };
    uint8_t out[2];
    unsigned distinct;

    make_good();
    CU_ASSERT_EQUAL(combine(good[1], 4, good[1], 4, &distinct), ST_NOT_PERMITTED);
    CU_ASSERT_EQUAL(distinct, 1);
    CU_ASSERT_EQUAL(shamir_combine(list, 4, 2, 2, out, &distinct), ST_OK);
    CU_ASSERT_EQUAL(distinct, 2);
    CU_ASSERT_EQUAL(memcmp(out, "AB", 2), 0);
    CU_ASSERT_EQUAL(shamir_combine(list, 4, 3, 2, out, &distinct), ST_NOT_PERMITTED);
    CU_ASSERT_EQUAL(distinct, 2);
    CU_ASSERT_EQUAL(shamir_combine(list, 0, 2, 2, out, &distinct), ST_NOT_PERMITTED);
    CU_ASSERT_EQUAL(distinct, 0);
}

static void put(uint8_t share[4], unsigned x0, unsigned y0, unsigned x1, unsigned y1)
{
    unsigned words[2] = { x0 << 9 | y0, x1 << 9 | y1 };

    for (unsigned i = 0; i < 2; i++) {
        share[2 * i] = (uint8_t)words[i];
        share[2 * i + 1] = (uint8_t)(words[i] >> 8);
    }
}

static void two_shares_of_one_x_must_be_alike(void)
{
    unsigned first, second, distinct;
    uint8_t other[4];

    make_good();
    first = word_at(good[0]);
    second = word_at(good[0] + 2);
    put(other, first >> 9, first & 511, second >> 9, ((second & 511) + 1) % 257);
    CU_ASSERT_EQUAL(combine(good[0], 4, other, 4, &distinct), ST_BAD_CIPHERTEXT);
    CU_ASSERT_EQUAL(distinct, 1);
}

static void malformed_shares_are_refused(void)
{
    static const unsigned bad[][4] = {
        { 0, 1, 0, 1 },   { 2, 1, 3, 1 },   { 2, 1, 0, 1 },   { 0, 1, 2, 1 },     { 2, 257, 2, 1 },
        { 2, 1, 2, 257 }, { 2, 511, 2, 1 }, { 2, 1, 2, 511 }, { 127, 1, 127, 1 },
    };
    uint8_t share[5] = { 0 };
    unsigned distinct;

    make_good();
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        put(share, bad[i][0], bad[i][1], bad[i][2], bad[i][3]);
        CU_ASSERT_EQUAL(combine(good[0], 4, share, 4, &distinct), ST_BAD_REQUEST);
        CU_ASSERT_EQUAL(combine(share, 4, good[0], 4, &distinct), ST_BAD_REQUEST);
    }
    memcpy(share, good[1], 4);
    for (size_t len = 0; len <= 5; len++)
        CU_ASSERT_EQUAL(combine(good[0], 4, share, len, &distinct), len == 4 ? ST_OK : ST_BAD_REQUEST);
}

/* y = 256 is a value like any other, in a share; not as the secret. */
static void a_secret_of_256_is_refused(void)
{
    uint8_t one[4], two[4];
    unsigned distinct;

    put(one, 1, 256, 1, 0);
    put(two, 2, 256, 2, 0); /* the constant 256 */
    CU_ASSERT_EQUAL(combine(one, 4, two, 4, &distinct), ST_BAD_CIPHERTEXT);
    CU_ASSERT_EQUAL(distinct, 2);
    put(one, 1, 256, 1, 66);
    put(two, 2, (256 + 191) % 257, 2, 66); /* 65 + 191 x */
    CU_ASSERT_EQUAL(combine(one, 4, two, 4, &distinct), ST_OK);
}

static CU_TestInfo cases[] = {
    { "a share is the polynomial's value, as plain arithmetic has it", shares_are_points_of_the_polynomial },
    { "every quorum of every byte gives it back, fewer do not", every_quorum_gives_every_byte_back },
    { "shares are taken in any order", order_does_not_matter },
    { "126 shares, all of them needed", all_126_shares_work },
    { "one share where two are needed fits every secret equally", one_share_of_two_tells_nothing },
    { "two shares where three are needed fit every secret equally", two_shares_of_three_tell_nothing },
    { "coefficients are uniform in 0 to 256", coefficients_are_uniform },
    { "each byte has coefficients of its own", each_byte_has_coefficients_of_its_own },
    { "without random bytes there are no shares", without_random_bytes_there_are_no_shares },
    { "one share twice counts once", one_share_twice_counts_once },
    { "two different shares of one x are refused", two_shares_of_one_x_must_be_alike },
    { "malformed shares are refused", malformed_shares_are_refused },
    { "a secret of 256 is refused", a_secret_of_256_is_refused },
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = { { "secret sharing", NULL, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
