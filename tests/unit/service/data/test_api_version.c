#include "service/data/api_version.h"
#include "tests/unit/harness.h"

static void known_ones(void)
{
    static const char *const good[] = { "7.0",        "7.4",        "7.6-preview.2",      "2025-07-01", "2026-04-01",
                                        "2016-10-01", "2026-04-02", "2026-12-31-preview", "2031-01-15" };

    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        CU_ASSERT_TRUE(api_version_known(span_text(good[i])));
}

static void unknown_ones(void)
{
    static const char *const bad[] = {
        "",           "7",          "7.9",        "8.0",        "7.0 ",     "7.6-preview",     "2019-01-01",
        "2026-03-31", "2026-13-01", "2026-00-10", "2027-01-32", "2027-1-1", "2027-01-01-beta", "2027-01-01-previewx",
        "latest",     "9999999999"
    };

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        CU_ASSERT_FALSE(api_version_known(span_text(bad[i])));
}

static void attestation_came_with_7_6(void)
{
    static const char *const with[] = { "7.6", "7.6-preview.2", "2025-07-01", "2025-06-01-preview", "2031-01-15" };
    static const char *const without[] = { "7.0", "7.5", "7.5-preview.1", "2015-06-01", "2016-10-01" };

    for (size_t i = 0; i < ARRAY_LEN(with); i++)
        CU_ASSERT_TRUE(api_version_has_attestation(span_text(with[i])));
    for (size_t i = 0; i < ARRAY_LEN(without); i++)
        CU_ASSERT_FALSE(api_version_has_attestation(span_text(without[i])));
}

int main(void)
{
    static CU_TestInfo cases[] = {
        { "listed versions and later dates are known", known_ones },
        { "everything else is not", unknown_ones },
        { "attestation came with 7.6", attestation_came_with_7_6 },
        CU_TEST_INFO_NULL,
    };
    static CU_SuiteInfo suites[] = { { "api-version", NULL, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
