/* Key derivation: the known answer, and libcrypto's own KBKDF as another implementation. */
#include "firmware/domain/kdf.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "tests/unit/harness.h"

static const uint8_t key[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
#define KEY span_of(key, 32)

static void the_known_answer(void)
{
    static const uint8_t answer[] = { 0xf0, 0xca, 0x51, 0xf6, 0x30, 0x87, 0x91, 0x40, 0x4b, 0xf6, 0x8b,
                                      0x56, 0x02, 0x4e, 0xe7, 0xc6, 0x4d, 0x6c, 0x73, 0x77, 0x16, 0xf8,
                                      0x1d, 0x47, 0xe1, 0xe6, 0x8b, 0x5c, 0x4e, 0x39, 0x95, 0x75 };
    uint8_t out[32];

    CU_ASSERT_EQUAL(kdf_derive(KEY, span_text("label"), span_text("context"), out, sizeof out), ST_OK);
    CU_ASSERT_EQUAL(memcmp(out, answer, sizeof answer), 0);
}

static void libcrypto(const char *label, const char *context, uint8_t *out, size_t len)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "KBKDF", NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    char mode[] = "counter", mac[] = "HMAC", digest[] = "SHA512";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_MODE, mode, 0),
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_MAC, mac, 0),
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)key, 32),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)label, strlen(label)),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)(uintptr_t)context, strlen(context)),
        OSSL_PARAM_construct_end(),
    };

    CU_ASSERT_FATAL(EVP_KDF_derive(ctx, out, len, params) == 1);
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
}

static void libcrypto_says_the_same(void)
{
    static const char long_text[] = "a context that is somewhat longer than a block of SHA-512's, which are of 128 "
                                    "bytes, so that there are several "
                                    "blocks to be hashed each time";
    static const char *const texts[] = { "", "a", "strongroom-domain-v1", long_text };
    static const size_t lens[] = { 1, 31, 32, 63, 64, 65, 128, 200 };

    for (size_t i = 1; i < ARRAY_LEN(texts); i++)
        for (size_t j = 0; j < ARRAY_LEN(texts) - 1; j++)
            for (size_t k = 0; k < ARRAY_LEN(lens); k++) {
                uint8_t ours[200], theirs[200];

                CU_ASSERT_EQUAL(kdf_derive(KEY, span_text(texts[i]), span_text(texts[j]), ours, lens[k]), ST_OK);
                libcrypto(texts[i], texts[j], theirs, lens[k]);
                CU_ASSERT_EQUAL(memcmp(ours, theirs, lens[k]), 0);
            }
}

static void every_input_counts(void)
{
    uint8_t outs[5][64];

    CU_ASSERT_EQUAL(kdf_derive(KEY, span_text("ab"), span_text("c"), outs[0], 64), ST_OK);
    CU_ASSERT_EQUAL(kdf_derive(KEY, span_text("a"), span_text("bc"), outs[1], 64), ST_OK);
    CU_ASSERT_EQUAL(kdf_derive(KEY, span_text("ab"), span_text("d"), outs[2], 64), ST_OK);
    CU_ASSERT_EQUAL(kdf_derive(span_of(key, 31), span_text("ab"), span_text("c"), outs[3], 64), ST_OK);
    CU_ASSERT_EQUAL(kdf_derive(KEY, span_text("ab"), span_text("c"), outs[4], 63), ST_OK); /* the length, too */
    for (size_t i = 0; i < 5; i++)
        for (size_t j = 0; j < i; j++)
            CU_ASSERT_NOT_EQUAL(memcmp(outs[i], outs[j], 32), 0);
}

static void inputs_are_bounded(void)
{
    static const uint8_t text[KDF_INPUT_MAX + 1];
    uint8_t out[64];

    CU_ASSERT_EQUAL(kdf_derive(KEY, span_of(text, KDF_INPUT_MAX), span_of(NULL, 0), out, 64), ST_OK);
    CU_ASSERT_EQUAL(kdf_derive(KEY, span_of(text, KDF_INPUT_MAX + 1), span_of(NULL, 0), out, 64), ST_TOO_LARGE);
    CU_ASSERT_EQUAL(kdf_derive(KEY, span_of(text, 1), span_of(text, KDF_INPUT_MAX), out, 64), ST_TOO_LARGE);
    CU_ASSERT_EQUAL(kdf_derive(KEY, span_of(text, 1), span_of(text, SIZE_MAX), out, 64), ST_TOO_LARGE);
}

static CU_TestInfo cases[] = {
    { "the known answer", the_known_answer },
    { "libcrypto's KBKDF says the same", libcrypto_says_the_same },
    { "key, label, context and length all count", every_input_counts },
    { "label and context are bounded", inputs_are_bounded },
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = { { "key derivation", NULL, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
