/* Things by number, against a plain list of the same. */
#include "firmware/handle_table.h"
#include "tests/unit/harness.h"

#define THINGS 400

static uint64_t state;

static uint64_t next_random(void) /* xorshift64 */
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static void an_empty_table_has_nothing(void)
{
    struct handle_table t = { 0 };
    size_t at = 0;

    CU_ASSERT_PTR_NULL(handle_table_get(&t, 1));
    CU_ASSERT_PTR_NULL(handle_table_take(&t, 1));
    CU_ASSERT_PTR_NULL(handle_table_next(&t, &at));
    handle_table_clear(&t);
}

static void zero_is_nobodys_number(void)
{
    struct handle_table t = { 0 };
    int thing;

    CU_ASSERT_EQUAL_FATAL(handle_table_put(&t, 7, &thing), ST_OK);
    CU_ASSERT_PTR_NULL(handle_table_get(&t, 0));
    CU_ASSERT_PTR_NULL(handle_table_take(&t, 0));
    handle_table_clear(&t);
}

static void a_number_is_taken_once(void)
{
    struct handle_table t = { 0 };
    int first, second;

    CU_ASSERT_EQUAL(handle_table_put(&t, 7, &first), ST_OK);
    CU_ASSERT_EQUAL(handle_table_put(&t, 7, &second), ST_EXISTS);
    CU_ASSERT_PTR_EQUAL(handle_table_get(&t, 7), &first);
    CU_ASSERT_PTR_EQUAL(handle_table_take(&t, 7), &first);
    CU_ASSERT_PTR_NULL(handle_table_get(&t, 7));
    CU_ASSERT_EQUAL(handle_table_put(&t, 7, &second), ST_OK);
    handle_table_clear(&t);
}

/* Small multiples of one number meet in few places of the table, so chains are long and wrap around its end. */
static void puts_and_takes_agree_with_a_list(void)
{
    struct handle_table t = { 0 };
    bool there[THINGS] = { false };
    size_t count = 0;

    state = 88172645463325252u;
    for (unsigned round = 0; round < 20000; round++) {
        size_t i = next_random() % THINGS;
        uint64_t handle = (i + 1) << 20;

        if (there[i]) {
            CU_ASSERT_PTR_EQUAL(handle_table_take(&t, handle), &there[i]);
            count--;
        } else {
            CU_ASSERT_EQUAL(handle_table_put(&t, handle, &there[i]), ST_OK);
            count++;
        }
        there[i] = !there[i];
        CU_ASSERT_EQUAL(t.count, count);
        i = next_random() % THINGS;
        CU_ASSERT_PTR_EQUAL(handle_table_get(&t, (i + 1) << 20), there[i] ? &there[i] : NULL);
    }
    handle_table_clear(&t);
}

static void the_walk_visits_each_once(void)
{
    struct handle_table t = { 0 };
    unsigned visits[THINGS] = { 0 }, *thing;
    size_t at = 0;

    for (size_t i = 0; i < THINGS; i++)
        CU_ASSERT_EQUAL(handle_table_put(&t, i * 0x10001 + 1, &visits[i]), ST_OK);
    while ((thing = handle_table_next(&t, &at)) != NULL)
        ++*thing;
    for (size_t i = 0; i < THINGS; i++)
        CU_ASSERT_EQUAL(visits[i], 1);
    CU_ASSERT(t.count * 2 <= t.cap);
    handle_table_clear(&t);
}

static CU_TestInfo cases[] = {
    { "an empty table has nothing", an_empty_table_has_nothing },
    { "zero is nobody's number", zero_is_nobodys_number },
    { "a number is taken once", a_number_is_taken_once },
    { "20,000 puts and takes agree with a list", puts_and_takes_agree_with_a_list },
    { "the walk visits each once", the_walk_visits_each_once },
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = { { "handle table", NULL, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
