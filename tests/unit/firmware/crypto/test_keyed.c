#include "firmware/crypto/keyed.h"

#include <pthread.h>

#include "firmware/crypto/hash.h"
#include "tests/unit/firmware/crypto/crypto_fixture.h"

#define KEY_128 "2b7e151628aed2a6abf7158809cf4f3c"
#define ROUNDS  2000

static void a_context_comes_back_warm(void)
{
    struct key *k = secret_key(CKK_AES, KEY_128);
    struct keyed *first, *second, *again;

    CU_ASSERT_FATAL(keyed_take(k, KEYED_AES_GCM, NULL, true, &first) == CKR_OK);
    CU_ASSERT_FATAL(keyed_take(k, KEYED_AES_GCM, NULL, true, &second) == CKR_OK);
    CU_ASSERT(first != second);
    keyed_give(k, first);
    CU_ASSERT_FATAL(keyed_take(k, KEYED_AES_GCM, NULL, true, &again) == CKR_OK);
    CU_ASSERT(again == first);
    keyed_give(k, again);
    keyed_give(k, second); /* takes the slot, the other is freed */
    keyed_give(k, NULL);
    key_unref(k);
}

static void another_algorithm_gets_a_context_of_its_own(void)
{
    struct key *k = secret_key(CKK_AES, KEY_128);
    struct keyed *c;

    CU_ASSERT_FATAL(keyed_take(k, KEYED_AES_GCM, NULL, true, &c) == CKR_OK);
    keyed_give(k, c);
    CU_ASSERT_FATAL(keyed_take(k, KEYED_CMAC, NULL, true, &c) == CKR_OK);
    CU_ASSERT(c->algorithm == KEYED_CMAC && c->mac != NULL && c->cipher == NULL);
    keyed_give(k, c);
    CU_ASSERT_FATAL(keyed_take(k, KEYED_HMAC, hash_md(hash_by_type(CKM_SHA256)), false, &c) == CKR_OK);
    keyed_give(k, c);
    CU_ASSERT_FATAL(keyed_take(k, KEYED_HMAC, hash_md(hash_by_type(CKM_SHA512)), false, &c) == CKR_OK);
    CU_ASSERT(c->md == hash_md(hash_by_type(CKM_SHA512)));
    keyed_give(k, c);
    key_unref(k);
}

/* Modes and directions of one key, mixed, through kept contexts. */
static void *mix(void *arg)
{
    struct key *k = arg;
    uint8_t iv[16] = { 0 }, plain[32] = "sixteen and sixteen bytes of it", cipher[64], back[64];
    struct mechanism modes[] = {
        { .type = CKM_AES_GCM, .has_parameter = true, .number = 128, .iv = { iv, 12 }, .aad = { plain, 5 } },
        { .type = CKM_AES_CBC, .has_parameter = true, .iv = { iv, 16 } },
        { .type = CKM_AES_CBC_PAD, .has_parameter = true, .iv = { iv, 16 } },
        { .type = CKM_AES_CTR, .has_parameter = true, .number = 64, .iv = { iv, 16 } },
        { .type = CKM_AES_GCM, .has_parameter = true, .number = 96, .iv = { iv, 16 } },
        { .type = CKM_AES_ECB },
        { .type = CKM_AES_KEY_WRAP },
    };
    size_t wrong = 0;

    for (unsigned i = 0; i < ROUNDS; i++) {
        const struct mechanism *m = &modes[i % ARRAY_LEN(modes)];
        struct output c = { .p = cipher, .room = sizeof cipher }, b = { .p = back, .room = sizeof back };

        iv[0] = (uint8_t)i;
        wrong += operation_compute(OPERATION_ENCRYPT, m, k, span_of(plain, 32), span_of(NULL, 0), &c) != CKR_OK;
        wrong += operation_compute(OPERATION_DECRYPT, m, k, span_of(cipher, c.len), span_of(NULL, 0), &b) != CKR_OK;
        wrong += b.len != 32 || memcmp(back, plain, 32) != 0;
    }
    return (void *)wrong;
}

static void threads_share_a_key(void)
{
    struct key *k = secret_key(CKK_AES, KEY_128);
    pthread_t threads[6];

    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        CU_ASSERT_FATAL(pthread_create(&threads[i], NULL, mix, k) == 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        void *wrong;

        CU_ASSERT(pthread_join(threads[i], &wrong) == 0 && wrong == NULL);
    }
    key_unref(k);
}

int main(void)
{
    CU_TestInfo cases[] = { { "a context comes back warm", a_context_comes_back_warm },
                            { "another algorithm gets a context of its own",
                              another_algorithm_gets_a_context_of_its_own },
                            { "threads share a key", threads_share_a_key },
                            CU_TEST_INFO_NULL };
    CU_SuiteInfo suites[] = { { .pName = "keyed contexts", .pTearDownFunc = fixture_end, .pTests = cases },
                              CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
