#include "service/vault/key_op.h"
#include "tests/unit/harness.h"

static void names(void)
{
    for (unsigned op = 0; op < KEY_OP_COUNT; op++)
        CU_ASSERT_EQUAL(key_op_by_name(span_text(key_op_name((enum key_op)op))), op);
    CU_ASSERT_EQUAL(key_op_by_name(span_text("wrapkey")), KEY_OP_COUNT);
    CU_ASSERT_EQUAL(key_op_by_name(span_text("")), KEY_OP_COUNT);
}

static void fits(void)
{
    unsigned sign = BIT(KEY_OP_SIGN) | BIT(KEY_OP_VERIFY), cipher = BIT(KEY_OP_ENCRYPT) | BIT(KEY_OP_DECRYPT);

    CU_ASSERT_TRUE(key_ops_fit(KEY_TYPE_RSA, sign | cipher));
    CU_ASSERT_TRUE(key_ops_fit(KEY_TYPE_EC, sign));
    CU_ASSERT_FALSE(key_ops_fit(KEY_TYPE_EC, cipher));
    CU_ASSERT_TRUE(key_ops_fit(KEY_TYPE_OCT, sign));
    CU_ASSERT_TRUE(key_ops_fit(KEY_TYPE_OCT, cipher));
    CU_ASSERT_FALSE(key_ops_fit(KEY_TYPE_OCT, sign | cipher));
    CU_ASSERT_FALSE(key_ops_fit(KEY_TYPE_RSA, BIT(KEY_OP_EXPORT)));
    CU_ASSERT_FALSE(key_ops_fit(KEY_TYPE_NONE, 0));
}

static void least_rights(void)
{
    CU_ASSERT_EQUAL(key_ops_uses(KEY_TYPE_RSA, BIT(KEY_OP_SIGN)), KEY_USE_SIGN);
    CU_ASSERT_EQUAL(key_ops_uses(KEY_TYPE_RSA, BIT(KEY_OP_UNWRAP_KEY)), KEY_USE_DECRYPT);
    CU_ASSERT_EQUAL(key_ops_uses(KEY_TYPE_RSA, key_ops_default(KEY_TYPE_RSA)), KEY_USE_SIGN | KEY_USE_DECRYPT);
    CU_ASSERT_EQUAL(key_ops_uses(KEY_TYPE_OCT, BIT(KEY_OP_VERIFY)), KEY_USE_SIGN);
    CU_ASSERT_EQUAL(key_ops_uses(KEY_TYPE_OCT, BIT(KEY_OP_WRAP_KEY)), KEY_USE_WRAP);
    CU_ASSERT_NOT_EQUAL(key_ops_uses(KEY_TYPE_RSA, BIT(KEY_OP_VERIFY)), 0);
}

int main(void)
{
    static CU_TestInfo cases[] = {
        { "names and operations match both ways, case counts", names },
        { "a type allows only what it can do, an oct key has one job", fits },
        { "the token's rights are those the operations need", least_rights },
        CU_TEST_INFO_NULL,
    };
    static CU_SuiteInfo suites[] = { { "key operations", NULL, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
