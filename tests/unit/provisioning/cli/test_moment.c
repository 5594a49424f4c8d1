/* provisioning/cli/moment.c: times as people write them. */
#include "provisioning/cli/moment.h"

#include "tests/unit/harness.h"

static void both_ways(void)
{
    static const struct {
        const char *text;
        uint64_t ms;
    } moments[] = {
        { "1970-01-01T00:00:00Z", 0 },
        { "1970-01-01T00:00:01Z", 1000 },
        { "2000-02-29T12:30:59Z", 951827459000 },
        { "2026-11-27T16:42:11Z", 1795797731000 },
        { "9999-12-31T23:59:59Z", MOMENT_MAX },
    };
    char text[MOMENT_LEN + 1];
    uint64_t ms;

    for (size_t i = 0; i < ARRAY_LEN(moments); i++) {
        moment_format(moments[i].ms, text);
        CU_ASSERT_STRING_EQUAL(text, moments[i].text);
        CU_ASSERT_EQUAL(moment_parse(span_text(text), &ms), ST_OK);
        CU_ASSERT_EQUAL(ms, moments[i].ms);
    }
    moment_format(1999, text); /* cut, not rounded */
    CU_ASSERT_STRING_EQUAL(text, "1970-01-01T00:00:01Z");
}

static void refused(void)
{
    static const char *const wrong[] = {
        "",
        "2026-11-27",
        "2026-11-27T16:42:11",
        "2026-11-27T16:42:11z",
        "2026-11-27 16:42:11Z",
        "2026-11-27T16:42:11Z ",
        " 026-11-27T16:42:11Z",
        "+026-11-27T16:42:11Z",
        "-026-11-27T16:42:11Z",
        "2026-11-27T16:42: 1Z",
        "2026-11-27T16:42:+1Z",
        "2026-00-27T16:42:11Z",
        "2026-13-27T16:42:11Z",
        "2026-11-00T16:42:11Z",
        "2026-11-31T16:42:11Z",
        "2025-02-29T16:42:11Z",
        "2100-02-29T16:42:11Z",
        "2026-11-27T24:00:00Z",
        "2026-11-27T16:60:11Z",
        "2026-11-27T16:42:60Z",
        "2026-11-27T16:42:61Z",
        "1969-12-31T23:59:59Z",
        "2026-11-27T16:42:1Z0",
        "2026-11-27T16:42:11+",
    };
    uint64_t ms;

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        if (moment_parse(span_text(wrong[i]), &ms) != ST_BAD_REQUEST) {
            printf("\n  taken for a moment: %s", wrong[i]);
            CU_FAIL("something else was taken for a moment");
        }
    CU_ASSERT_EQUAL(moment_parse(span_of("2026-11-27T16:42\0:1Z", MOMENT_LEN), &ms), ST_BAD_REQUEST);
}

int main(void)
{
    CU_TestInfo tests[] = {
        { "moments are written, and read again", both_ways },
        { "every other form is refused, and days that there are not", refused },
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = { { "moments", NULL, NULL, NULL, NULL, tests }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
