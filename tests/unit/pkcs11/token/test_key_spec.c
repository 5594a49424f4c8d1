#include "pkcs11/token/key_spec.h"

#include "tests/unit/harness.h"

static void names_round_trip(void)
{
    for (unsigned alg = TOKEN_ALG_NONE + 1; alg < TOKEN_ALG_COUNT_; alg++) {
        CU_ASSERT_TRUE(alg_info((enum token_alg)alg)->name[0] != '\0');
        CU_ASSERT_EQUAL(alg_by_name(span_text(alg_info((enum token_alg)alg)->name)), alg);
    }
    CU_ASSERT_EQUAL(alg_by_name(span_text("RSA-OAEP-256")), TOKEN_RSA_OAEP_256);
    CU_ASSERT_EQUAL(alg_by_name(span_text("ES256K")), TOKEN_ES256K);
    CU_ASSERT_EQUAL(alg_by_name(span_text("A128CBCPAD")), TOKEN_A128CBCPAD);
}

static void unknown_names(void)
{
    static const char *const names[] = { "", "es256", "ES256 ", "none", "ES25", "RSA-OAEP-512", "ECDSA256" };

    for (unsigned i = 0; i < ARRAY_LEN(names); i++)
        CU_ASSERT_EQUAL(alg_by_name(span_text(names[i])), TOKEN_ALG_NONE);
    CU_ASSERT_EQUAL(alg_by_name(span_of("ES256\0", 6)), TOKEN_ALG_NONE);
    CU_ASSERT_EQUAL(alg_by_name(span_of(NULL, 0)), TOKEN_ALG_NONE);
}

static void curves(void)
{
    CU_ASSERT_EQUAL(key_curve_by_name(span_text("P-256")), KEY_CURVE_P256);
    CU_ASSERT_EQUAL(key_curve_by_name(span_text("P-384")), KEY_CURVE_P384);
    CU_ASSERT_EQUAL(key_curve_by_name(span_text("P-521")), KEY_CURVE_P521);
    CU_ASSERT_EQUAL(key_curve_by_name(span_text("P-256K")), KEY_CURVE_P256K);
    CU_ASSERT_EQUAL(key_curve_by_name(span_text("SECP256K1")), KEY_CURVE_P256K);
    CU_ASSERT_EQUAL(key_curve_by_name(span_text("p-256")), KEY_CURVE_NONE);
    CU_ASSERT_EQUAL(key_curve_by_name(span_text("")), KEY_CURVE_NONE);
    CU_ASSERT_STRING_EQUAL(key_curve_name(KEY_CURVE_P256K), "P-256K");
    CU_ASSERT_EQUAL(key_curve_bits(KEY_CURVE_P521), 521);
}

static void specs(void)
{
    static const struct {
        struct key_spec spec;
        bool valid;
        unsigned uses; /* all that it may have, when they exclude each other: those of a cipher key */
    } cases[] = {
        { { KEY_TYPE_RSA, KEY_CURVE_NONE, 2048 }, true, 3 },     { { KEY_TYPE_RSA, KEY_CURVE_NONE, 4096 }, true, 3 },
        { { KEY_TYPE_RSA, KEY_CURVE_NONE, 1024 }, false, 0 },    { { KEY_TYPE_RSA, KEY_CURVE_NONE, 2047 }, false, 0 },
        { { KEY_TYPE_RSA, KEY_CURVE_NONE, 8192 }, false, 0 },    { { KEY_TYPE_RSA, KEY_CURVE_P256, 2048 }, false, 0 },
        { { KEY_TYPE_EC, KEY_CURVE_P256, 256 }, true, 1 },       { { KEY_TYPE_EC, KEY_CURVE_P256K, 256 }, true, 1 },
        { { KEY_TYPE_EC, KEY_CURVE_P521, 521 }, true, 1 },       { { KEY_TYPE_EC, KEY_CURVE_P384, 256 }, false, 0 },
        { { KEY_TYPE_EC, KEY_CURVE_NONE, 256 }, false, 0 },      { { KEY_TYPE_EC, (enum key_curve)9, 256 }, false, 0 },
        { { KEY_TYPE_OCT, KEY_CURVE_NONE, 128 }, true, 6 },      { { KEY_TYPE_OCT, KEY_CURVE_NONE, 256 }, true, 6 },
        { { KEY_TYPE_OCT, KEY_CURVE_NONE, 512 }, true, 1 },      { { KEY_TYPE_OCT, KEY_CURVE_NONE, 100 }, false, 0 },
        { { KEY_TYPE_OCT, KEY_CURVE_NONE, 0 }, false, 0 },       { { KEY_TYPE_NONE, KEY_CURVE_NONE, 0 }, false, 0 },
        { { (enum key_type)7, KEY_CURVE_NONE, 256 }, false, 0 },
    };

    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        CU_ASSERT_EQUAL(key_spec_valid(&cases[i].spec), cases[i].valid);
        CU_ASSERT_EQUAL(key_uses_valid(&cases[i].spec, cases[i].uses), cases[i].valid);
        CU_ASSERT_FALSE(key_uses_valid(&cases[i].spec, 0));
        CU_ASSERT_FALSE(key_uses_valid(&cases[i].spec, 8));
    }
}

static void uses_exclude_each_other(void)
{
    const struct key_spec oct = { KEY_TYPE_OCT, KEY_CURVE_NONE, 256 }, long_oct = { KEY_TYPE_OCT, KEY_CURVE_NONE, 512 },
                          ec = { KEY_TYPE_EC, KEY_CURVE_P256, 256 }, rsa = { KEY_TYPE_RSA, KEY_CURVE_NONE, 2048 };

    CU_ASSERT_TRUE(key_uses_valid(&oct, KEY_USE_SIGN));
    CU_ASSERT_FALSE(key_uses_valid(&oct, KEY_USE_SIGN | KEY_USE_DECRYPT));
    CU_ASSERT_FALSE(key_uses_valid(&oct, KEY_USE_SIGN | KEY_USE_WRAP));
    CU_ASSERT_FALSE(key_uses_valid(&long_oct, KEY_USE_DECRYPT));
    CU_ASSERT_FALSE(key_uses_valid(&ec, KEY_USE_SIGN | KEY_USE_DECRYPT));
    CU_ASSERT_FALSE(key_uses_valid(&rsa, KEY_USE_WRAP));
    CU_ASSERT_TRUE(key_uses_valid(&rsa, KEY_USE_DECRYPT));
}

static void fits(void)
{
    const struct key_spec rsa = { KEY_TYPE_RSA, KEY_CURVE_NONE, 2048 }, p256 = { KEY_TYPE_EC, KEY_CURVE_P256, 256 },
                          oct = { KEY_TYPE_OCT, KEY_CURVE_NONE, 256 };
    unsigned fitting[3] = { 0 };

    for (unsigned alg = 0; alg < TOKEN_ALG_COUNT_; alg++) {
        fitting[0] += alg_fits((enum token_alg)alg, &rsa);
        fitting[1] += alg_fits((enum token_alg)alg, &p256);
        fitting[2] += alg_fits((enum token_alg)alg, &oct);
    }
    CU_ASSERT_EQUAL(fitting[0], 10);
    CU_ASSERT_EQUAL(fitting[1], 1);
    CU_ASSERT_EQUAL(fitting[2], 5); /* HS256, A256 GCM, CBC, CBCPAD, KW */
    CU_ASSERT_EQUAL(key_signature_len(&rsa), 256);
    CU_ASSERT_EQUAL(key_signature_len(&p256), 64);
    CU_ASSERT_EQUAL(key_signature_len(&oct), 0);
}

int main(void)
{
    CU_TestInfo cases[] = {
        { "every algorithm is found by its name", names_round_trip },
        { "other names are unknown", unknown_names },
        { "curves by name", curves },
        { "which keys there are", specs },
        { "a key has one job", uses_exclude_each_other },
        { "which algorithms fit a key", fits },
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = { { "key_spec", NULL, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
