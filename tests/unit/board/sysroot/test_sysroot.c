/* The firmware is built against the pinned sysroot and not against the machine's libraries. */
#include "tests/unit/harness.h"

#include <openssl/evp.h>

static void openssl_is_the_sysroots(void)
{
    CU_ASSERT(strncmp(OpenSSL_version(OPENSSL_VERSION), "OpenSSL 3.5.", 12) == 0);
    CU_ASSERT_EQUAL(OpenSSL_version_num() >> 20, OPENSSL_VERSION_NUMBER >> 20); /* headers and library agree */
}

static void post_quantum_keys_can_be_made(void)
{
    static const char *const names[] = { "ML-DSA-65", "ML-KEM-768", "SLH-DSA-SHA2-128f" };

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, names[i]);

        CU_ASSERT_PTR_NOT_NULL(key);
        EVP_PKEY_free(key);
    }
}

static void unknown_algorithms_are_refused(void)
{
    CU_ASSERT_PTR_NULL(EVP_PKEY_Q_keygen(NULL, NULL, "ML-DSA-66"));
}

int main(void)
{
    CU_TestInfo cases[] = { { "OpenSSL is the sysroot's 3.5", openssl_is_the_sysroots },
                            { "post-quantum keys can be made", post_quantum_keys_can_be_made },
                            { "unknown algorithms are refused", unknown_algorithms_are_refused },
                            CU_TEST_INFO_NULL };
    CU_SuiteInfo suites[] = { { "sysroot", NULL, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
