/* The queue of bytes: order kept through growing and moving, limits, and nothing left behind. */
#include "firmware/wire/buffer.h"

#include "tests/unit/harness.h"

static void order_is_kept(void)
{
    struct wire_buffer b = { .max = 100000 };
    uint8_t next_in = 0, next_out = 0;

    for (unsigned round = 0; round < 2000; round++) {
        size_t in = round * 7 % 97, out;

        for (size_t i = 0; i < in; i++, next_in++)
            CU_ASSERT_EQUAL_FATAL(buffer_append(&b, span_of(&next_in, 1)), ST_OK);
        out = round * 5 % 97;
        out = out < buffer_len(&b) ? out : buffer_len(&b);
        for (size_t i = 0; i < out; i++, next_out++)
            CU_ASSERT_EQUAL_FATAL(buffer_span(&b).p[i], next_out);
        buffer_take(&b, out);
    }
    CU_ASSERT_EQUAL((uint8_t)(next_out + buffer_len(&b)), next_in);
    buffer_clear(&b);
}

static void the_limit_holds(void)
{
    struct wire_buffer b = { .max = 5000 };
    static uint8_t zeros[5001];

    CU_ASSERT_EQUAL(buffer_append(&b, span_of(zeros, 5001)), ST_TOO_LARGE);
    CU_ASSERT_EQUAL(buffer_append(&b, span_of(zeros, 5000)), ST_OK);
    CU_ASSERT_EQUAL(buffer_append(&b, span_of(zeros, 1)), ST_TOO_LARGE);
    CU_ASSERT_EQUAL(buffer_room(&b, SIZE_MAX), ST_TOO_LARGE);
    buffer_take(&b, 1000);
    CU_ASSERT_EQUAL(buffer_append(&b, span_of(zeros, 1001)), ST_TOO_LARGE);
    CU_ASSERT_EQUAL(buffer_append(&b, span_of(zeros, 1000)), ST_OK);
    CU_ASSERT_TRUE(b.cap <= 5000);
    CU_ASSERT_EQUAL(buffer_append(&b, (struct span){ 0 }), ST_OK);
    buffer_clear(&b);
    CU_ASSERT_PTR_NULL(b.p);
    CU_ASSERT_EQUAL(b.max, 5000);
}

static bool is_wiped(const struct wire_buffer *b)
{
    for (size_t i = 0; i < b->cap; i++) {
        if ((i < b->start || i >= b->end) && b->p[i] != 0)
            return false;
    }
    return true;
}

static void what_leaves_is_wiped(void)
{
    struct wire_buffer b = { .max = 1u << 20 };
    static uint8_t secret[4000];

    memset(secret, 0x5a, sizeof secret);
    CU_ASSERT_EQUAL(buffer_append(&b, span_of(secret, 4000)), ST_OK);
    memset(b.p + b.end, 0, b.cap - b.end); /* what malloc() left there */
    buffer_take(&b, 3000);
    CU_ASSERT_TRUE(is_wiped(&b));
    CU_ASSERT_EQUAL(buffer_room(&b, 3000), ST_OK); /* moves to the front */
    CU_ASSERT_EQUAL(b.start, 0);
    CU_ASSERT_TRUE(is_wiped(&b));
    buffer_take(&b, 1000);
    CU_ASSERT_TRUE(is_wiped(&b));
    buffer_clear(&b);
}

static void much_memory_is_given_back(void)
{
    struct wire_buffer b = { .max = 1u << 20 };

    CU_ASSERT_EQUAL(buffer_room(&b, 500000), ST_OK);
    b.end = 1;
    buffer_take(&b, 1);
    CU_ASSERT_EQUAL(b.cap, 0);
    CU_ASSERT_EQUAL(buffer_room(&b, 5000), ST_OK);
    b.end = 1;
    buffer_take(&b, 1);
    CU_ASSERT_EQUAL(b.cap, 8192);
    buffer_clear(&b);
}

int main(void)
{
    static CU_TestInfo cases[] = { { "order is kept through growing and moving", order_is_kept },
                                   { "the limit holds", the_limit_holds },
                                   { "what leaves is wiped", what_leaves_is_wiped },
                                   { "much memory is given back", much_memory_is_given_back },
                                   CU_TEST_INFO_NULL };
    CU_SuiteInfo suites[] = { { "buffer", NULL, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
