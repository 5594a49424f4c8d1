#include "firmware/crypto/mechanism_table.h"

#include "tests/unit/firmware/crypto/crypto_fixture.h"

#define KEY_128 "2b7e151628aed2a6abf7158809cf4f3c"

static void the_table_is_in_order_and_finds_each(void)
{
    CK_MECHANISM_TYPE before = 0;

    CU_ASSERT(mechanism_count() > 85);
    for (unsigned i = 0; i < mechanism_count(); i++) {
        const struct mechanism_facts *f = mechanism_at(i);

        CU_ASSERT_FATAL(f != NULL);
        CU_ASSERT(i == 0 || f->type > before);
        CU_ASSERT(mechanism_facts(f->type) == f);
        CU_ASSERT(f->flags != 0 && f->min <= f->max);
        before = f->type;
    }
    CU_ASSERT(mechanism_at(mechanism_count()) == NULL);
}

static void the_table_has_what_is_asked_for_and_no_more(void)
{
    static const CK_MECHANISM_TYPE there[] = {
        CKM_RSA_PKCS,           CKM_SHA512_RSA_PKCS_PSS,   CKM_RSA_AES_KEY_WRAP, CKM_ECDSA_SHA256, CKM_EDDSA,
        CKM_AES_KEY_WRAP_KWP,   CKM_SHA3_512_HMAC_GENERAL, CKM_HKDF_DERIVE,      CKM_ML_KEM,       CKM_ML_DSA,
        CKM_HASH_ML_DSA_SHA512, CKM_SLH_DSA_KEY_PAIR_GEN,  CKM_STRONGROOM_SEAL
    };
    static const CK_MECHANISM_TYPE absent[] = { CKM_MD5,
                                                CKM_DES3_CBC,
                                                CKM_DSA,
                                                CKM_DH_PKCS_DERIVE,
                                                CKM_RC4,
                                                CKM_XOR_BASE_AND_DATA,
                                                CKM_CONCATENATE_BASE_AND_KEY,
                                                CKM_EXTRACT_KEY_FROM_KEY,
                                                CKM_AES_ECB_ENCRYPT_DATA,
                                                0xffffffff };

    for (size_t i = 0; i < ARRAY_LEN(there); i++)
        CU_ASSERT(mechanism_facts(there[i]) != NULL);
    for (size_t i = 0; i < ARRAY_LEN(absent); i++)
        CU_ASSERT(mechanism_facts(absent[i]) == NULL);
    CU_ASSERT(mechanism_is_slow(CKM_RSA_PKCS_KEY_PAIR_GEN) && mechanism_is_slow(CKM_SLH_DSA));
    CU_ASSERT(!mechanism_is_slow(CKM_AES_GCM) && !mechanism_is_slow(CKM_MD5));
    CU_ASSERT(mechanism_facts(CKM_AES_KEY_GEN)->min == 16 && mechanism_facts(CKM_AES_KEY_GEN)->max == 32);
    CU_ASSERT(mechanism_facts(CKM_RSA_PKCS)->min == 2048);
}

static void a_kind_must_be_one_of_the_mechanism(void)
{
    struct key *k = secret_key(CKK_AES, KEY_128);
    struct mechanism cmac = { .type = CKM_AES_CMAC }, ecb = { .type = CKM_AES_ECB }, gen = { .type = CKM_AES_KEY_GEN },
                     none = { .type = CKM_DES3_ECB }, oaep = { .type = CKM_RSA_PKCS_OAEP };

    CU_ASSERT(begins(OPERATION_ENCRYPT, &cmac, k) == CKR_MECHANISM_INVALID);
    CU_ASSERT(begins(OPERATION_SIGN, &ecb, k) == CKR_MECHANISM_INVALID);
    CU_ASSERT(begins(OPERATION_DIGEST, &ecb, NULL) == CKR_MECHANISM_INVALID);
    CU_ASSERT(begins(OPERATION_ENCRYPT, &gen, k) == CKR_MECHANISM_INVALID);
    CU_ASSERT(begins(OPERATION_ENCRYPT, &none, k) == CKR_MECHANISM_INVALID);
    CU_ASSERT(begins(OPERATION_ENCRYPT, &oaep, k) == CKR_KEY_TYPE_INCONSISTENT);
    CU_ASSERT(begins(0, &ecb, k) == CKR_MECHANISM_INVALID);
    CU_ASSERT(begins(OPERATION_KIND_COUNT_, &ecb, k) == CKR_MECHANISM_INVALID);
    CU_ASSERT(begins(99, &ecb, k) == CKR_MECHANISM_INVALID);
    CU_ASSERT(begins(OPERATION_ENCRYPT, &ecb, k) == CKR_OK);
    key_unref(k);
}

static void an_operation_outlives_its_parameter_and_key(void)
{
    struct mechanism m = { .type = CKM_AES_GCM, .has_parameter = true, .number = 128 };
    struct key *k = secret_key(CKK_AES, KEY_128);
    uint8_t iv[12] = { 1, 2, 3 }, aad[20] = { 4, 5, 6 }, apart[48], whole[48];
    struct output a = { .p = apart, .room = sizeof apart }, w = { .p = whole, .room = sizeof whole };
    struct operation *op;

    m.iv = span_of(iv, sizeof iv);
    m.aad = span_of(aad, sizeof aad);
    CU_ASSERT(operation_compute(OPERATION_ENCRYPT, &m, k, hex("001122"), hex(""), &w) == CKR_OK);
    CU_ASSERT_FATAL(operation_begin(OPERATION_ENCRYPT, &m, k, &op) == CKR_OK);
    memset(iv, 0xff, sizeof iv);
    memset(aad, 0xff, sizeof aad);
    key_unref(k);
    CU_ASSERT(operation_once(op, hex("001122"), hex(""), &a) == CKR_OK);
    CU_ASSERT(span_equal(span_of(apart, a.len), span_of(whole, w.len)));
    operation_free(op);
    operation_free(NULL);

    k = secret_key(CKK_AES, KEY_128); /* key wrap looks at its IV at the end only */
    memset(iv, 0x11, 8);
    m = (struct mechanism){ .type = CKM_AES_KEY_WRAP, .has_parameter = true, .iv = { iv, 8 } };
    CU_ASSERT(operation_compute(OPERATION_ENCRYPT, &m, k, hex(KEY_128), hex(""), &w) == CKR_OK);
    CU_ASSERT_FATAL(operation_begin(OPERATION_ENCRYPT, &m, k, &op) == CKR_OK);
    memset(iv, 0x22, 8);
    CU_ASSERT(operation_once(op, hex(KEY_128), hex(""), &a) == CKR_OK);
    CU_ASSERT(span_equal(span_of(apart, a.len), span_of(whole, w.len)));
    operation_free(op);
    key_unref(k);
}

static void too_little_room_keeps_the_operation(void)
{
    struct mechanism m = { .type = CKM_AES_CBC_PAD, .has_parameter = true, .iv = hex(KEY_128) };
    struct key *k = secret_key(CKK_AES, KEY_128);
    uint8_t room[64], again[64];
    struct output small = { .p = room, .room = 31 }, enough = { .p = room, .room = 32 }, w = { .p = again, .room = 64 };
    struct operation *op;

    CU_ASSERT_FATAL(operation_begin(OPERATION_ENCRYPT, &m, k, &op) == CKR_OK);
    CU_ASSERT(operation_output_max(op, 16) == 32);
    CU_ASSERT(operation_once(op, hex(KEY_128), hex(""), &small) == CKR_BUFFER_TOO_SMALL && small.len == 0);
    CU_ASSERT(operation_once(op, hex(KEY_128), hex(""), &enough) == CKR_OK && enough.len == 32);
    CU_ASSERT(operation_once(op, hex(KEY_128), hex(""), &enough) == CKR_OPERATION_NOT_INITIALIZED);
    CU_ASSERT(operation_compute(OPERATION_ENCRYPT, &m, k, hex(KEY_128), hex(""), &w) == CKR_OK);
    CU_ASSERT(memcmp(room, again, 32) == 0);
    CU_ASSERT(operation_compute_max(OPERATION_ENCRYPT, &m, k, 16) == 32);
    CU_ASSERT(operation_compute(OPERATION_ENCRYPT, &m, k, hex(KEY_128), hex(""), &small) == CKR_BUFFER_TOO_SMALL);
    operation_free(op);
    key_unref(k);
}

static void an_error_ends_the_operation(void)
{
    static uint8_t big[DATA_MAX + 64];
    struct mechanism m = { .type = CKM_AES_ECB };
    struct key *k = secret_key(CKK_AES, KEY_128);
    struct output out = { .p = big, .room = sizeof big };
    struct operation *op;

    CU_ASSERT_FATAL(operation_begin(OPERATION_ENCRYPT, &m, k, &op) == CKR_OK);
    CU_ASSERT(operation_update(op, hex("00112233445566778899aabbccddeeff00"), &out) == CKR_OK && out.len == 16);
    CU_ASSERT(operation_final(op, hex(""), &out) == CKR_DATA_LEN_RANGE && out.len == 0);
    CU_ASSERT(operation_final(op, hex(""), &out) == CKR_OPERATION_NOT_INITIALIZED);
    CU_ASSERT(operation_update(op, hex("00"), &out) == CKR_OPERATION_NOT_INITIALIZED);
    operation_free(op);
    CU_ASSERT_FATAL(operation_begin(OPERATION_ENCRYPT, &m, k, &op) == CKR_OK);
    CU_ASSERT(operation_update(op, span_of(big, DATA_MAX + 1), &out) == CKR_DATA_LEN_RANGE);
    CU_ASSERT(operation_once(op, hex(KEY_128), hex(""), &out) == CKR_OPERATION_NOT_INITIALIZED);
    operation_free(op);
    CU_ASSERT(operation_compute(OPERATION_ENCRYPT, &m, k, span_of(big, DATA_MAX + 1), hex(""), &out) ==
              CKR_DATA_LEN_RANGE);
    CU_ASSERT(operation_compute_max(OPERATION_ENCRYPT, &m, k, SIZE_MAX) == 0);
    key_unref(k);
}

int main(void)
{
    CU_TestInfo cases[] = {
        { "the table of mechanisms is in order and finds each", the_table_is_in_order_and_finds_each },
        { "the table has what is asked for and no more", the_table_has_what_is_asked_for_and_no_more },
        { "a kind must be one of the mechanism", a_kind_must_be_one_of_the_mechanism },
        { "an operation outlives its parameter and key", an_operation_outlives_its_parameter_and_key },
        { "too little room keeps the operation", too_little_room_keeps_the_operation },
        { "an error ends the operation", an_error_ends_the_operation },
        CU_TEST_INFO_NULL
    };
    CU_SuiteInfo suites[] = { { .pName = "operations", .pTearDownFunc = fixture_end, .pTests = cases },
                              CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
