#include "firmware/base/clock.h"

#include <time.h>

#include "tests/unit/harness.h"

static bool shows(int64_t t, const char *want)
{
    char text[CLOCK_RFC3339_LEN + 1];

    memset(text, 'x', sizeof text);
    clock_format_rfc3339(text, t);
    return strcmp(text, want) == 0 && strlen(text) == CLOCK_RFC3339_LEN;
}

static void times_are_shown_with_seven_decimals(void)
{
    CU_ASSERT(shows(0, "1970-01-01T00:00:00.0000000Z"));
    CU_ASSERT(shows(1, "1970-01-01T00:00:00.0000001Z"));
    CU_ASSERT(shows(9999999, "1970-01-01T00:00:00.9999999Z"));
    CU_ASSERT(shows(14519575212691226, "2016-01-05T01:32:01.2691226Z"));
    CU_ASSERT(shows(14519575210000010, "2016-01-05T01:32:01.0000010Z"));
    CU_ASSERT(shows(9516959990000000, "2000-02-27T23:59:59.0000000Z"));
    CU_ASSERT(shows(17090784000000000, "2024-02-28T00:00:00.0000000Z"));
    CU_ASSERT(shows(17092512000000000 - 1, "2024-02-29T23:59:59.9999999Z"));
    CU_ASSERT(shows(17092512000000000, "2024-03-01T00:00:00.0000000Z"));
}

static void times_out_of_range_are_the_nearest(void)
{
    CU_ASSERT(shows(-1, "1970-01-01T00:00:00.0000000Z"));
    CU_ASSERT(shows(INT64_MIN, "1970-01-01T00:00:00.0000000Z"));
    CU_ASSERT(shows(2534023007999999999, "9999-12-31T23:59:59.9999999Z"));
    CU_ASSERT(shows(2534023007999999999 + 1, "9999-12-31T23:59:59.9999999Z"));
    CU_ASSERT(shows(INT64_MAX, "9999-12-31T23:59:59.9999999Z"));
}

static void clocks_agree_with_the_systems(void)
{
    uint64_t us = clock_monotonic_us(), ms = clock_monotonic_ms(), later_us = clock_monotonic_us();
    time_t before = time(NULL); /* it may be of the tick before */
    int64_t s = clock_unix_s(), fine = clock_unix_100ns(), later_s = clock_unix_s();

    CU_ASSERT(us / 1000 <= ms && ms <= later_us / 1000);
    CU_ASSERT(before <= s && s <= time(NULL) + 1);
    CU_ASSERT(s <= fine / 10000000 && fine / 10000000 <= later_s);
}

int main(void)
{
    CU_TestInfo cases[] = { { "times are shown with seven decimals", times_are_shown_with_seven_decimals },
                            { "times out of range are the nearest in it", times_out_of_range_are_the_nearest },
                            { "clocks agree with the system's", clocks_agree_with_the_systems },
                            CU_TEST_INFO_NULL };
    CU_SuiteInfo suites[] = { { .pName = "clocks", .pTests = cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
