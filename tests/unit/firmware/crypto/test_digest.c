#include "firmware/crypto/hash.h"
#include "tests/unit/firmware/crypto/crypto_fixture.h"

/* FIPS 180-4 and FIPS 202, the examples of two blocks and more */
#define TWO_BLOCKS                                                                                                     \
    "6162636462636465636465666465666765666768666768696768696a68696a6b696a6b6c6a6b6c6d6b6c6d6e6c6d6e6f6d6e6f706e6f7071"

static const struct {
    CK_MECHANISM_TYPE type;
    const char *digest;
} answers[] = {
    { CKM_SHA_1, "84983e441c3bd26ebaae4aa1f95129e5e54670f1" },
    { CKM_SHA224, "75388b16512776cc5dba5da1fd890150b0c6455cb4f58b1952522525" },
    { CKM_SHA256, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
    { CKM_SHA384, "3391fdddfc8dc7393707a65b1b4709397cf8b1d162af05abfe8f450de5f36bc6b0455a8520bc4e6f5fe95b1fe3c8452b" },
    { CKM_SHA512, "204a8fc6dda82f0a0ced7beb8e08a41657c16ef468b228a8279be331a703c33596fd15c13b1b07f9aa1d3bea57789ca031ad"
                  "85c7a71dd70354ec631238ca3445" },
    { CKM_SHA512_224, "e5302d6d54bb242275d1e7622d68df6eb02dedd13f564c13dbda2174" },
    { CKM_SHA512_256, "bde8e1f9f19bb9fd3406c90ec6bc47bd36d8ada9f11880dbc8a22a7078b6a461" },
    { CKM_SHA3_224, "8a24108b154ada21c9fd5574494479ba5c7e7ab76ef264ead0fcce33" },
    { CKM_SHA3_256, "41c0dba2a9d6240849100376a8235e2c82e1b9998a999e21db32dd97496d3376" },
    { CKM_SHA3_384,
      "991c665755eb3a4b6bbdfb75c78a492e8c56a22c5c4d7e429bfdbc32b9d4ad5aa04a1f076e62fea19eef51acd0657c22" },
    { CKM_SHA3_512, "04a371e84ecfb5b8b77cb48610fca8182dd457ce6f326a0fd3d7ec2f1e91636dee691fbe0c985302ba1b0d8dc78c086346"
                    "b533b49c030d99a27daf1139d6e75e" },
};

static void digests_give_the_published_answers(void)
{
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        struct mechanism m = { .type = answers[i].type };

        same_in_parts(OPERATION_DIGEST, &m, NULL, hex(TWO_BLOCKS), hex(answers[i].digest));
    }
}

static void a_digest_needs_room_and_keeps_waiting_for_it(void)
{
    struct mechanism m = { .type = CKM_SHA256 };
    struct operation *op;
    uint8_t room[32];
    struct output small = { .p = room, .room = 31 }, enough = { .p = room, .room = 32 };

    CU_ASSERT_FATAL(operation_begin(OPERATION_DIGEST, &m, NULL, &op) == CKR_OK);
    CU_ASSERT(operation_once(op, hex("616263"), hex(""), &small) == CKR_BUFFER_TOO_SMALL && small.len == 0);
    CU_ASSERT(operation_update(op, hex("616263"), NULL) == CKR_OK);
    CU_ASSERT(operation_once(op, hex(""), hex(""), &enough) == CKR_OPERATION_ACTIVE);
    CU_ASSERT(operation_final(op, hex(""), &small) == CKR_BUFFER_TOO_SMALL && small.len == 0);
    CU_ASSERT(operation_final(op, hex(""), &enough) == CKR_OK);
    CU_ASSERT(span_equal(span_of(room, 32), hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")));
    CU_ASSERT(operation_update(op, hex("616263"), NULL) == CKR_OPERATION_NOT_INITIALIZED);
    CU_ASSERT(operation_final(op, hex(""), &enough) == CKR_OPERATION_NOT_INITIALIZED);
    operation_free(op);
}

static void the_value_of_a_key_can_be_digested(void)
{
    struct mechanism m = { .type = CKM_SHA256 }, hmac = { .type = CKM_SHA256_HMAC };
    struct key *k = secret_key(CKK_GENERIC_SECRET, "00112233445566778899aabbccddeeff");
    struct key *brief = secret_key(CKK_GENERIC_SECRET, "00112233445566778899aabbcc");
    struct operation *op;
    uint8_t room[32], want[32];
    struct output out = { .p = room, .room = sizeof room };

    CU_ASSERT_FATAL(operation_begin(OPERATION_DIGEST, &m, NULL, &op) == CKR_OK);
    CU_ASSERT(operation_update(op, hex("61"), NULL) == CKR_OK);
    CU_ASSERT(operation_update_key(op, k) == CKR_OK);
    CU_ASSERT(operation_final(op, hex(""), &out) == CKR_OK);
    CU_ASSERT(hash_once(hash_by_type(CKM_SHA256), hex("6100112233445566778899aabbccddeeff"), want) == CKR_OK);
    CU_ASSERT(memcmp(room, want, sizeof want) == 0);
    operation_free(op);
    CU_ASSERT_FATAL(operation_begin(OPERATION_DIGEST, &m, NULL, &op) == CKR_OK);
    CU_ASSERT(operation_update_key(op, brief) == CKR_KEY_SIZE_RANGE);
    CU_ASSERT(operation_final(op, hex(""), &out) == CKR_OPERATION_NOT_INITIALIZED);
    operation_free(op);
    CU_ASSERT_FATAL(operation_begin(OPERATION_SIGN, &hmac, k, &op) == CKR_OK);
    CU_ASSERT(operation_update_key(op, k) == CKR_KEY_INDIGESTIBLE);
    CU_ASSERT(operation_update(op, hex("61"), NULL) == CKR_OPERATION_NOT_INITIALIZED);
    operation_free(op);
    CU_ASSERT(begins(OPERATION_DIGEST, &m, k) == CKR_KEY_TYPE_INCONSISTENT);
    key_unref(k);
    key_unref(brief);
}

int main(void)
{
    CU_TestInfo cases[] = { { "digests give the published answers", digests_give_the_published_answers },
                            { "a digest waits for enough room", a_digest_needs_room_and_keeps_waiting_for_it },
                            { "the value of a key can be digested", the_value_of_a_key_can_be_digested },
                            CU_TEST_INFO_NULL };
    CU_SuiteInfo suites[] = { { .pName = "digests", .pTearDownFunc = fixture_end, .pTests = cases },
                              CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
