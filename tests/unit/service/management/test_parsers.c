/* The small parsers of the management plane: host names, api-versions, filters. */
#include "service/management/arm_version.h"
#include "service/management/filter.h"
#include "service/management/management_host.h"
#include "tests/unit/harness.h"

static enum management_host host(const char *authority, unsigned port)
{
    return management_host_parse(span_text(authority), "example.org", port);
}

static void hosts(void)
{
    static const char *const foreign[] = {
        "",
        "management",
        "management.",
        "management.example.org.",
        "management.example.org:",
        "management.example.org:443",
        "management.example.org:08444",
        "management.example.org:8444x",
        "management.example.org:+8444",
        "management.example.org:74980", /* 8444 + 65536 + .. */
        "management.example.org:99998444",
        "management.example.org:8444:8444",
        "xmanagement.example.org",
        "a.management.example.org",
        "management.example.com",
        "management.example.orgx",
        "example.org:8444",
        "127.0.0.1:8444",
        "[::1]:8444",
        ":8444",
    };

    CU_ASSERT_EQUAL(host("management.example.org:8444", 8444), HOST_MANAGEMENT);
    CU_ASSERT_EQUAL(host("Management.EXAMPLE.org", 8444), HOST_MANAGEMENT);
    CU_ASSERT_EQUAL(host("LOGIN.example.org:8444", 8444), HOST_LOGIN);
    CU_ASSERT_EQUAL(host("login.example.org:443", 443), HOST_LOGIN);
    for (size_t i = 0; i < ARRAY_LEN(foreign); i++)
        CU_ASSERT_EQUAL(host(foreign[i], 8444), HOST_FOREIGN);
    CU_ASSERT_EQUAL(management_host_parse((struct span){ 0 }, "example.org", 8444), HOST_FOREIGN);
}

static bool known(enum arm_api api, const char *version)
{
    return arm_version_known(api, span_text(version));
}

static void versions(void)
{
    static const char *const bad[] = { "",           "x",          "2026-13-01",        "2026-00-01",  "2026-02-32",
                                       "2026-2-1",   "20260201",   "2026-02-01-beta",   "2026-02-01 ", "2014-06-01",
                                       "2017-01-01", "2025-06-01", "2026-02-01-preview" };

    CU_ASSERT_TRUE(known(ARM_KEY_VAULT, "2026-02-01"));
    CU_ASSERT_TRUE(known(ARM_KEY_VAULT, "2015-06-01"));
    CU_ASSERT_TRUE(known(ARM_KEY_VAULT, "2018-02-14-PREVIEW"));
    CU_ASSERT_TRUE(known(ARM_KEY_VAULT, "2027-01-01")); /* newer than we are */
    CU_ASSERT_TRUE(known(ARM_KEY_VAULT, "2027-01-01-preview"));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        CU_ASSERT_FALSE(known(ARM_KEY_VAULT, bad[i]));
    CU_ASSERT_TRUE(known(ARM_RESOURCES, "2015-11-01"));
    CU_ASSERT_TRUE(known(ARM_RESOURCES, "2022-12-01"));
    CU_ASSERT_FALSE(known(ARM_RESOURCES, "2014-12-31"));
    CU_ASSERT_TRUE(known(ARM_AUTHORIZATION, "2022-05-01-preview"));
    CU_ASSERT_FALSE(known(ARM_NONE, "2022-04-01"));
    CU_ASSERT_TRUE(arm_version_rbac_default(span_text("2026-02-01")));
    CU_ASSERT_TRUE(arm_version_rbac_default(span_text("2026-03-01-preview")));
    CU_ASSERT_FALSE(arm_version_rbac_default(span_text("2025-05-01")));
    CU_ASSERT_FALSE(arm_version_rbac_default(span_text("")));
}

static void filters(void)
{
    static const char *const names[] = { "resourceType", "name", NULL };
    struct filter f;

    CU_ASSERT_EQUAL(filter_parse(&f, span_text(" resourceType eq 'Microsoft.KeyVault/vaults'  AND NAME EQ 'o''x' ")),
                    ST_OK);
    CU_ASSERT_EQUAL(f.count, 2);
    CU_ASSERT_TRUE(span_is(filter_value(&f, "resourcetype"), "Microsoft.KeyVault/vaults"));
    CU_ASSERT_TRUE(span_is(filter_value(&f, "name"), "o'x"));
    CU_ASSERT_TRUE(filter_only(&f, names));
    CU_ASSERT_PTR_NULL(filter_value(&f, "location").p);
    filter_clear(&f);
    CU_ASSERT_EQUAL(filter_parse(&f, span_text("atScope() and assignedTo('x')")), ST_OK);
    CU_ASSERT_TRUE(filter_has(&f, "ATSCOPE"));
    CU_ASSERT_TRUE(span_is(filter_value(&f, "assignedTo"), "x"));
    CU_ASSERT_FALSE(filter_only(&f, names));
    filter_clear(&f);
    CU_ASSERT_EQUAL(filter_parse(&f, span_text("name eq ''")), ST_OK);
    CU_ASSERT_PTR_NOT_NULL(filter_value(&f, "name").p);
    filter_clear(&f);
    CU_ASSERT_EQUAL(filter_parse(&f, (struct span){ 0 }), ST_OK);
    CU_ASSERT_EQUAL(f.count, 0);
    filter_clear(&f);
}

static void bad_filters(void)
{
    static const char *const bad[] = {
        "x",
        "name eq",
        "name eq x",
        "name ne 'x'",
        "name eq 'x",
        "name eq 'x''",
        "name eq 'x' and",
        "name eq 'x' or a()",
        "atScope(",
        "atScope(x)",
        "atScope('x'",
        "('x')",
        "name eq 'x' 'y'",
        "name='x'",
        "'x' eq name",
        "a() and b() and c() and d() and e() and f() and g() and h() and i()",
    };
    static char long_text[FILTER_TEXT_MAX + 1];
    struct filter f;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CU_ASSERT_EQUAL(filter_parse(&f, span_text(bad[i])), ST_BAD_REQUEST);
        filter_clear(&f);
    }
    CU_ASSERT_EQUAL(filter_parse(&f, span_of(long_text, sizeof long_text)), ST_TOO_LARGE);
}

static CU_TestInfo cases[] = {
    { "the two host names, in any case, with their port or none; nothing else", hosts },
    { "api-versions: the list, and newer ones that are well formed", versions },
    { "filters are read", filters },
    { "what is no filter is refused", bad_filters },
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = { { .pName = "parsers", .pTests = cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
