#include "tests/unit/service/policy/people.h"

/* Id, name, whether it is one of the eight: from the documentation. */
static const struct {
    const char *id, *name;
    bool for_vaults;
} documented[] = {
    { "00482a5a-887f-4fb3-b363-3b7fe8e74483", "Key Vault Administrator", true },
    { "21090545-7ca7-4776-b22c-e363652d74d2", "Key Vault Reader", true },
    { "a4417e6f-fecd-4de8-b567-7b0420556985", "Key Vault Certificates Officer", true },
    { "db79e9a7-68ee-4b58-9aeb-b90e7c24fcba", "Key Vault Certificate User", false },
    { "14b46e9e-c2b7-41b4-b07b-48a6ebf60603", "Key Vault Crypto Officer", true },
    { "12338af0-0e69-4776-bea7-57ae8d297424", "Key Vault Crypto User", true },
    { "e147488a-f6f5-4113-8e2d-b22465e65bf6", "Key Vault Crypto Service Encryption User", true },
    { "08bbd89e-9f13-488c-ac41-acfcb10c90ab", "Key Vault Crypto Service Release User", false },
    { "b86a8fe4-44ce-4948-aee5-eccb2c155cd7", "Key Vault Secrets Officer", true },
    { "4633458b-17de-408a-b874-0445c86b69e6", "Key Vault Secrets User", true },
    { "a68e7c17-0ab2-4c09-9a58-125dae29748c", "Key Vault Purge Operator", false },
    { "f25e0fa2-a7c8-4377-a976-54943a77a395", "Key Vault Contributor", false },
    { "8b54135c-b56d-4d72-a534-26097cfdc8d8", "Key Vault Data Access Administrator", false },
    { "8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "Owner", false },
    { "b24988ac-6180-42a0-ab88-20f7382dd24c", "Contributor", false },
    { "acdd72a7-3385-48ef-bd42-f606fba81ae7", "Reader", false },
    { "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9", "User Access Administrator", false },
};

static void names_and_ids(void)
{
    size_t count = 0;

    for (size_t i = 0; i < ARRAY_LEN(documented); i++) {
        struct guid id = id_of(documented[i].id), found = { 0 };

        CU_ASSERT_PTR_NOT_NULL_FATAL(role_name(&id));
        CU_ASSERT_STRING_EQUAL(role_name(&id), documented[i].name);
        CU_ASSERT_TRUE(role_by_name(span_text(documented[i].name), &found));
        CU_ASSERT_TRUE(guid_equal(&id, &found));
        CU_ASSERT_EQUAL(role_by_id(&id)->for_vaults, documented[i].for_vaults);
    }
    CU_ASSERT_PTR_NOT_NULL(role_table(&count));
    CU_ASSERT_EQUAL(count, ARRAY_LEN(documented));
}

static void unknown(void)
{
    struct guid id = id_of(ALICE), found = { 0 }, empty = { 0 };

    CU_ASSERT_TRUE(role_by_name(span_text("KEY VAULT READER"), &found));
    CU_ASSERT_PTR_NULL(role_name(&id));
    CU_ASSERT_PTR_NULL(role_name(&empty));
    CU_ASSERT_FALSE(role_by_name(span_text("Key Vault"), &found));
    CU_ASSERT_FALSE(role_by_name(span_text("Key Vault Reader "), &found));
    CU_ASSERT_FALSE(role_by_name(span_text(""), &found));
}

static CU_TestInfo cases[] = {
    { "every documented role is there by id and by name, and no other", names_and_ids },
    { "other ids and names are unknown", unknown },
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = { { .pName = "roles", .pTests = cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
