#include "service/data/vault_host.h"
#include "tests/unit/harness.h"

static enum vault_host_kind parse(const char *authority, struct span *name)
{
    return vault_host_parse(span_text(authority), "example.org", name);
}

static void vaults(void)
{
    static const char *const hosts[] = { "kv1.vault.example.org", "KV1.VAULT.Example.ORG", "kv1.vault.example.org:8443",
                                         "kv1.vault.example.org:1" };
    struct span name;

    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        CU_ASSERT_EQUAL(parse(hosts[i], &name), VAULT_HOST_VAULT);
        CU_ASSERT_TRUE(span_is_nocase(name, "kv1"));
    }
    CU_ASSERT_EQUAL(parse("vault.example.org:8443", &name), VAULT_HOST_ROOT);
}

static void foreign(void)
{
    static const char *const hosts[] = {
        "",
        ":",
        ".",
        "kv1",
        "kv1.example.org",
        "kv1.vault.example.com",
        "kv1.vault.example.org.evil.net",
        "kv1xvault.example.org",
        "a.b.vault.example.org",
        ".vault.example.org",
        "kv1.vault.example.org:",
        "kv1.vault.example.org:x",
        "kv1.vault.example.org:123456",
        "kv1.vault.example.org:1:2",
        "kv_1.vault.example.org",
        "kv1%2e.vault.example.org",
        "[::1]:8443",
        "127.0.0.1:8443",
        "kv1.vault.example.org.",
        "xvault.example.org",
        "abcdefghijklmnopqrstuvwxy.vault.example.org" /* 25 */,
    };
    struct span name;

    for (size_t i = 0; i < ARRAY_LEN(hosts); i++)
        CU_ASSERT_EQUAL(parse(hosts[i], &name), VAULT_HOST_FOREIGN);
}

int main(void)
{
    static CU_TestInfo cases[] = {
        { "a vault's host names the vault, in any case and with any port", vaults },
        { "no other host does", foreign },
        CU_TEST_INFO_NULL,
    };
    static CU_SuiteInfo suites[] = { { "vault host", NULL, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
