#include "service/policy/match.h"

#include "tests/unit/service/policy/people.h"

static void actions(void)
{
    static const struct {
        const char *pattern, *action;
        bool match;
    } table[] = {
        { "*", "", true },
        { "*", "a/b/c", true },
        { "**", "a", true },
        { "", "", true },
        { "", "a", false },
        { "a", "", false },
        { "*/read", "Microsoft.KeyVault/vaults/read", true },
        { "*/read", "microsoft.keyvault/VAULTS/READ", true },
        { "*/read", "read", false },
        { "*/read", "Microsoft.KeyVault/vaults/readMetadata/action", false },
        { "*/read", "Microsoft.KeyVault/vaults/read/action", false },
        { "x/keys/*", "x/keys/sign/action", true },
        { "x/keys/*", "x/keys/", true },
        { "x/keys/*", "x/keys", false },
        { "x/keys/*", "x/keyrotationpolicies/read", false },
        { "x/*/read", "x/y/read", true },
        { "x/*/read", "x/y/z/read", true },
        { "x/*/read", "x/read", false },
        { "a*b*c", "aXbXbXc", true },
        { "a*b*c", "aXcXb", false },
        { "*a", "ba", true },
        { "*ab", "aab", true },
        { "*aab", "aaaab", true },
        { "ab", "abc", false },
        { "abc", "ab", false },
        { "a.c", "abc", false },
        { "a?c", "abc", false },
        { "[a]", "a", false },
    };

    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (action_matches(table[i].pattern, table[i].action) != table[i].match) {
            printf("\n'%s' '%s'", table[i].pattern, table[i].action);
            CU_FAIL("a match differs");
        }
}

/* One that tried each way to cut the action would not end before the test's time-out. */
static void no_blow_up(void)
{
    char pattern[201], action[4097];

    for (size_t i = 0; i < sizeof pattern - 1; i++)
        pattern[i] = i % 2 == 0 ? '*' : 'a';
    pattern[sizeof pattern - 1] = '\0';
    memset(action, 'a', sizeof action - 1);
    action[sizeof action - 2] = 'b'; /* no match, found only after everything was tried */
    action[sizeof action - 1] = '\0';
    CU_ASSERT_FALSE(action_matches(pattern, action));
}

static void scopes(void)
{
    static const struct {
        const char *scope, *resource;
        bool covered;
    } table[] = {
        { "/", "/subscriptions/s", true },
        { "/", "/", true },
        { "/subscriptions/s", "/subscriptions/s", true },
        { "/subscriptions/s", "/SUBSCRIPTIONS/S/resourceGroups/g", true },
        { "/subscriptions/s/", "/subscriptions/s/resourceGroups/g", true },
        { "/subscriptions/s/", "/subscriptions/s", true },
        { "/subscriptions/s", "/subscriptions/s2", false },
        { "/subscriptions/s2", "/subscriptions/s", false },
        { "/subscriptions/s/resourceGroups/g", "/subscriptions/s", false },
        { "/subscriptions/s/resourceGroups/g", "/subscriptions/s/resourceGroups/g2/x", false },
        { "/a/vaults/v/keys/k", "/a/vaults/v/keys/k", true },
        { "/a/vaults/v/keys/k", "/a/vaults/v/keys/k2", false },
        { "/a/vaults/v/keys/k", "/a/vaults/v", false },
        { "", "/subscriptions/s", false },
        { "subscriptions/s", "/subscriptions/s", false },
        { "/subscriptions/s", "subscriptions/s", false },
        { "/subscriptions/s", "", false },
        { "//", "/subscriptions/s", false },
        { "/*", "/subscriptions/s", false },
        { NULL, "/subscriptions/s", false },
        { "/subscriptions/s", NULL, false },
    };

    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (scope_covers(table[i].scope, table[i].resource) != table[i].covered) {
            printf("\n'%s' '%s'", table[i].scope, table[i].resource);
            CU_FAIL("a scope differs");
        }
}

static CU_TestInfo cases[] = {
    { "a star stands for any run of characters, nothing else is special", actions },
    { "a pattern of stars takes no exponential time", no_blow_up },
    { "a scope covers itself and what is below it by whole segments", scopes },
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = { { .pName = "matching", .pTests = cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
