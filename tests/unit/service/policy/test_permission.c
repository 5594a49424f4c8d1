#include "tests/unit/service/policy/people.h"

static const char *const keys[] = { "encrypt",
                                    "decrypt",
                                    "wrapKey",
                                    "unwrapKey",
                                    "sign",
                                    "verify",
                                    "get",
                                    "list",
                                    "create",
                                    "update",
                                    "import",
                                    "delete",
                                    "backup",
                                    "restore",
                                    "recover",
                                    "purge",
                                    "release",
                                    "rotate",
                                    "getrotationpolicy",
                                    "setrotationpolicy" };
static const char *const secrets[] = { "get", "list", "set", "delete", "backup", "restore", "recover", "purge" };
static const char *const certificates[] = { "get",         "list",       "delete",         "create",
                                            "import",      "update",     "managecontacts", "getissuers",
                                            "listissuers", "setissuers", "deleteissuers",  "manageissuers",
                                            "recover",     "purge",      "backup",         "restore" };
static const char *const storage[] = {
    "get",   "list",   "delete",  "set",    "update",  "regeneratekey", "recover",
    "purge", "backup", "restore", "setsas", "listsas", "getsas",        "deletesas"
};

/* The names of the specification and ours are the same set. */
static void same_names(enum permission_kind kind, const char *const *names, unsigned count)
{
    uint32_t seen = 0, bits = 0;

    for (unsigned i = 0; i < count; i++) {
        CU_ASSERT_TRUE(permission_by_name(kind, span_text(names[i]), &bits));
        CU_ASSERT_EQUAL(__builtin_popcount(bits), 1);
        CU_ASSERT_STRING_EQUAL(permission_name(kind, (unsigned)__builtin_ctz(bits)), names[i]);
        seen |= bits;
    }
    CU_ASSERT_EQUAL(seen, BIT(count) - 1);
    CU_ASSERT_PTR_NULL(permission_name(kind, count));
}

static void documented_names(void)
{
    same_names(PERMISSION_KEYS, keys, ARRAY_LEN(keys));
    same_names(PERMISSION_SECRETS, secrets, ARRAY_LEN(secrets));
    same_names(PERMISSION_CERTIFICATES, certificates, ARRAY_LEN(certificates));
    same_names(PERMISSION_STORAGE, storage, ARRAY_LEN(storage));
    CU_ASSERT_PTR_NULL(permission_name(PERMISSION_KIND_COUNT, 0));
}

static void any_case(void)
{
    uint32_t bits = 0;

    CU_ASSERT_TRUE(permission_by_name(PERMISSION_KEYS, span_text("WRAPKEY"), &bits));
    CU_ASSERT_EQUAL(bits, BIT(KEY_PERMISSION_WRAP_KEY));
    CU_ASSERT_TRUE(permission_by_name(PERMISSION_KEYS, span_text("GetRotationPolicy"), &bits));
    CU_ASSERT_EQUAL(bits, BIT(KEY_PERMISSION_GET_ROTATION_POLICY));
}

static void unknown(void)
{
    static const char *const names[] = { "",         "ge", "gett", " get",     "get ",
                                         "get,list", "*",  "wrap", "wrap_key", "setissuers" };
    uint32_t bits = 77;

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        CU_ASSERT_FALSE(permission_by_name(PERMISSION_KEYS, span_text(names[i]), &bits));
    CU_ASSERT_FALSE(permission_by_name(PERMISSION_KEYS, span_of("get\0", 4), &bits));
    CU_ASSERT_FALSE(permission_by_name(PERMISSION_SECRETS, span_text("sign"), &bits));
    CU_ASSERT_FALSE(permission_by_name(PERMISSION_KIND_COUNT, span_text("get"), &bits));
    CU_ASSERT_EQUAL(bits, 77);
}

static void all(void)
{
    uint32_t bits = 0;

    CU_ASSERT_TRUE(permission_by_name(PERMISSION_KEYS, span_text("all"), &bits));
    CU_ASSERT_EQUAL(bits, (BIT(KEY_PERMISSION_COUNT) - 1) & ~BIT(KEY_PERMISSION_PURGE));
    CU_ASSERT_TRUE(permission_by_name(PERMISSION_SECRETS, span_text("All"), &bits));
    CU_ASSERT_EQUAL(bits, (BIT(SECRET_PERMISSION_COUNT) - 1) & ~BIT(SECRET_PERMISSION_PURGE));
    CU_ASSERT_TRUE(permission_by_name(PERMISSION_CERTIFICATES, span_text("ALL"), &bits));
    CU_ASSERT_EQUAL(bits, (BIT(CERTIFICATE_PERMISSION_COUNT) - 1) & ~BIT(CERTIFICATE_PERMISSION_PURGE));
    CU_ASSERT_TRUE(permission_by_name(PERMISSION_STORAGE, span_text("all"), &bits));
    CU_ASSERT_EQUAL(bits & BIT(7), 0);
}

static CU_TestInfo cases[] = {
    { "every documented name has a bit of its own and comes back as it is spelled", documented_names },
    { "names are read in any case", any_case },
    { "other names, and names of another kind, are unknown", unknown },
    { "all is everything but purge", all },
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = { { .pName = "permissions", .pTests = cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
