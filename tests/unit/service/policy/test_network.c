#include "tests/unit/service/policy/people.h"

static bool allowed(const char *rule, const char *address)
{
    struct network_rules r = { .deny_by_default = true, .ip_rules = &rule, .ip_rule_count = rule != NULL ? 1 : 0 };

    return policy_network_allows(&r, address);
}

static void addresses(void)
{
    static const struct {
        const char *rule, *address;
        bool allowed;
    } table[] = {
        { "203.0.113.7", "203.0.113.7", true },
        { "203.0.113.7", "203.0.113.8", false },
        { "203.0.113.7/32", "203.0.113.7", true },
        { "203.0.113.0/24", "203.0.113.255", true },
        { "203.0.113.0/24", "203.0.114.0", false },
        { "203.0.113.99/24", "203.0.113.1", true }, /* host bits do not count */
        { "10.0.0.0/9", "10.127.255.255", true },
        { "10.0.0.0/9", "10.128.0.0", false },
        { "10.0.0.0/31", "10.0.0.1", true },
        { "10.0.0.0/31", "10.0.0.2", false },
        { "0.0.0.0/0", "198.51.100.1", true },
        { "0.0.0.0/0", "2001:db8::1", false }, /* a family of its own */
        { "::/0", "2001:db8::1", true },
        { "::/0", "198.51.100.1", false },
        { "::/0", "::ffff:198.51.100.1", false },
        { "2001:db8::/32", "2001:db8:ffff::1", true },
        { "2001:db8::/32", "2001:db9::1", false },
        { "2001:db8::/33", "2001:db8:7fff::1", true },
        { "2001:db8::/33", "2001:db8:8000::1", false },
        { "2001:DB8::1", "2001:db8:0:0:0:0:0:1", true },
        { "198.51.100.0/24", "::ffff:198.51.100.9", true },
        { "198.51.100.0/24", "::ffff:c633:6409", true }, /* the same, written in hexadecimal */
        { "::ffff:198.51.100.9", "198.51.100.9", true },
        { "::ffff:198.51.100.0/120", "198.51.100.9", true },
        { "::ffff:198.51.100.0/120", "198.51.101.9", false },
        { "198.51.100.9", "::198.51.100.9", false }, /* the deprecated "compatible" form is IPv6 */
        { "fe80::1", "fe80::1%eth0", true },
        { "127.0.0.1", "127.0.0.1", true },
        { NULL, "127.0.0.1", false },
        { "0.0.0.0/0", "", false },
        { "0.0.0.0/0", "not an address", false },
        { "0.0.0.0/0", "1.2.3", false },
        { "0.0.0.0/0", "01.2.3.4", false },
        { "0.0.0.0/0", "1.2.3.4.5", false },
        { "0.0.0.0/0", "%eth0", false },
        { "0.0.0.0/0", NULL, false },
        { "nonsense", "127.0.0.1", false }, /* a rule that cannot be read lets nobody in */
        { "127.0.0.1/33", "127.0.0.1", false },
    };

    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (allowed(table[i].rule, table[i].address) != table[i].allowed) {
            printf("\n%s at %s", table[i].address != NULL ? table[i].address : "(none)",
                   table[i].rule != NULL ? table[i].rule : "(none)");
            CU_FAIL("a decision differs");
        }
}

static void order(void)
{
    static const char *const rules[] = { "10.0.0.0/8", "192.168.7.0/24" };
    struct network_rules r = { .ip_rules = rules, .ip_rule_count = 2 };

    CU_ASSERT_TRUE(policy_network_allows(&r, "203.0.113.1")); /* allow by default */
    r.deny_by_default = true;
    CU_ASSERT_FALSE(policy_network_allows(&r, "203.0.113.1"));
    CU_ASSERT_TRUE(policy_network_allows(&r, "192.168.7.20"));
    r.public_access_disabled = true;
    CU_ASSERT_FALSE(policy_network_allows(&r, "192.168.7.20"));
    r.deny_by_default = false;
    CU_ASSERT_FALSE(policy_network_allows(&r, "192.168.7.20"));
}

static void validity(void)
{
    static const char *const good[] = { "1.2.3.4", "10.0.0.0/8", "0.0.0.0/0",      "192.168.0.1/32",
                                        "::1",     "fc00::/7",   "2001:db8::/128", "::ffff:10.0.0.0/104",
                                        "::/0" };
    static const char *const bad[] = { "",
                                       "/",
                                       "/8",
                                       "1.2.3.4/",
                                       "1.2.3.4/33",
                                       "1.2.3.4/-1",
                                       "1.2.3.4/+8",
                                       "1.2.3.4/08",
                                       "1.2.3.4/ 8",
                                       "1.2.3.4/8 ",
                                       " 1.2.3.4",
                                       "1.2.3.4/8/8",
                                       "1.2.3.4/99999999999999999999",
                                       "1.2.3",
                                       "1.2.3.4.5",
                                       "1.2.3.256",
                                       "01.2.3.4",
                                       "0x1.2.3.4",
                                       "1.2.3.4/255.0.0.0",
                                       "1.2.3.4-1.2.3.9",
                                       "::1/129",
                                       ":::1",
                                       "2001:db8::1::2",
                                       "fe80::1%eth0",
                                       "::ffff:10.0.0.0/95",
                                       "localhost",
                                       "*",
                                       "1111:2222:3333:4444:5555:6666:123.123.123.1234/128",
                                       "1.2.3.4/0x8",
                                       "1.2.3.4/8a" };

    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        if (!network_rule_valid(span_text(good[i]))) {
            printf("\n%s", good[i]);
            CU_FAIL("a good rule was refused");
        }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (network_rule_valid(span_text(bad[i]))) {
            printf("\n%s", bad[i]);
            CU_FAIL("a bad rule was taken");
        }
    CU_ASSERT_FALSE(network_rule_valid(span_of("1.2.3.4\0/8", 10)));
}

static CU_TestInfo cases[] = {
    { "addresses and prefixes of both families; mapped addresses are IPv4", addresses },
    { "public access off, then the rules, then the default", order },
    { "what can be a rule and what cannot", validity },
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = { { .pName = "network rules", .pTests = cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
