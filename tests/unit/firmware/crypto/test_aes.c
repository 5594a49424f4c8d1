#include "firmware/crypto/mechanism_table.h"
#include "tests/unit/firmware/crypto/crypto_fixture.h"

#define PLAIN                                                                                                          \
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"                                                 \
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
#define KEY_128 "2b7e151628aed2a6abf7158809cf4f3c"
#define KEY_192 "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b"
#define KEY_256 "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"
#define IV      "000102030405060708090a0b0c0d0e0f"
#define COUNTER "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"

static struct mechanism mechanism(CK_MECHANISM_TYPE type, const char *iv)
{
    return (struct mechanism){ .type = type, .has_parameter = iv[0] != '\0', .iv = hex(iv) };
}

static struct mechanism ctr(const char *counter, CK_ULONG bits)
{
    struct mechanism m = mechanism(CKM_AES_CTR, counter);

    m.number = bits;
    return m;
}

static struct mechanism gcm(const char *iv, const char *aad, CK_ULONG tag_bits)
{
    struct mechanism m = mechanism(CKM_AES_GCM, iv);

    m.has_parameter = true;
    m.aad = hex(aad);
    m.number = tag_bits;
    return m;
}

static void both_ways(const struct mechanism *m, const char *key_value, const char *plain, const char *cipher)
{
    struct key *k = secret_key(CKK_AES, key_value);

    same_in_parts(OPERATION_ENCRYPT, m, k, hex(plain), hex(cipher));
    same_in_parts(OPERATION_DECRYPT, m, k, hex(cipher), hex(plain));
    key_unref(k);
}

/* SP 800-38A, F.1.1, F.1.5, F.2.1, F.2.5, F.5.1, F.5.3, F.5.5 */
static void block_modes_give_the_published_answers(void)
{
    struct mechanism ecb = mechanism(CKM_AES_ECB, ""), cbc = mechanism(CKM_AES_CBC, IV), counter = ctr(COUNTER, 128);

    both_ways(&ecb, KEY_128, PLAIN,
              "3ad77bb40d7a3660a89ecaf32466ef97f5d3d58503b9699de785895a96fdbaaf"
              "43b1cd7f598ece23881b00e3ed0306887b0c785e27e8ad3f8223207104725dd4");
    both_ways(&ecb, KEY_256, PLAIN,
              "f3eed1bdb5d2a03c064b5a7e3db181f8591ccb10d410ed26dc5ba74a31362870"
              "b6ed21b99ca6f4f9f153e7b1beafed1d23304b7a39f9f3ff067d8d8f9e24ecc7");
    both_ways(&cbc, KEY_128, PLAIN,
              "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"
              "73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7");
    both_ways(&cbc, KEY_256, PLAIN,
              "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d"
              "39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b");
    both_ways(&counter, KEY_128, PLAIN,
              "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff"
              "5ae4df3edbd5d35e5b4f09020db03eab1e031dda2fbe03d1792170a0f3009cee");
    both_ways(&counter, KEY_192, PLAIN,
              "1abc932417521ca24f2b0459fe7e6e0b090339ec0aa6faefd5ccc2c6f4ce8e94"
              "1e36b26bd1ebc670d1bd1d665620abf74f78a7f6d29809585a97daec58c6b050");
    both_ways(&counter, KEY_256, PLAIN,
              "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5"
              "2b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6");
}

/* Lengths around a block; the answers are another implementation's. */
static void padding_is_added_and_taken_off(void)
{
    static const char *const cases[][2] = {
        { "", "7e9248e5d829ca7593f0c549db2f5b8c" },
        { "00", "d515c88908b312b578d7648729c7aedc" },
        { "0001020304050607", "497626ee983a2b92ca5f30ea8d84e4d4" },
        { "000102030405060708090a0b0c0d0e", "3397063c485735b30cfb670d2793a818" },
        { "000102030405060708090a0b0c0d0e0f", "e568f68194cf76d6174d4cc04310a854d847b74477d0151407ea566331f64c68" },
        { "000102030405060708090a0b0c0d0e0f10", "e568f68194cf76d6174d4cc04310a854b2d003e4f545eacdbed03bfeece334f9" },
        { "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
          "e568f68194cf76d6174d4cc04310a854d09ef932b9ff1244ec7a1dc1ccb1c6379c9e1c42033d14513eabd691d8287798" },
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct mechanism m = mechanism(CKM_AES_CBC_PAD, IV);

        both_ways(&m, KEY_256, cases[i][0], cases[i][1]);
        fixture_end();
    }
}

/* Encrypt `plain` without padding: the ciphertext of a padding of our choice. */
static CK_RV padding_verdict(const char *plain)
{
    struct mechanism cbc = mechanism(CKM_AES_CBC, IV), pad = mechanism(CKM_AES_CBC_PAD, IV);
    struct key *k = secret_key(CKK_AES, KEY_256);
    uint8_t cipher[64], back[80];
    struct output out = { .p = cipher, .room = sizeof cipher }, opened = { .p = back, .room = sizeof back };
    CK_RV rv;

    CU_ASSERT_FATAL(operation_compute(OPERATION_ENCRYPT, &cbc, k, hex(plain), hex(""), &out) == CKR_OK);
    rv = operation_compute(OPERATION_DECRYPT, &pad, k, span_of(cipher, out.len), hex(""), &opened);
    CU_ASSERT(rv == CKR_OK || opened.len == 0);
    for (size_t i = 0; rv != CKR_OK && i < out.len; i++)
        CU_ASSERT(back[i] == 0);
    key_unref(k);
    fixture_end();
    return rv;
}

static void wrong_padding_has_one_answer(void)
{
    CU_ASSERT(padding_verdict("00112233445566778899aabbccddee01") == CKR_OK);
    CU_ASSERT(padding_verdict("00112233445566778899aabbccdd0202") == CKR_OK);
    CU_ASSERT(padding_verdict("10101010101010101010101010101010") == CKR_OK);
    CU_ASSERT(padding_verdict("00112233445566778899aabbccddee00") == CKR_ENCRYPTED_DATA_INVALID);
    CU_ASSERT(padding_verdict("00112233445566778899aabbccddee02") == CKR_ENCRYPTED_DATA_INVALID);
    CU_ASSERT(padding_verdict("00112233445566778899aabbcc040303") == CKR_ENCRYPTED_DATA_INVALID);
    CU_ASSERT(padding_verdict("11101010101010101010101010101010") == CKR_ENCRYPTED_DATA_INVALID);
    CU_ASSERT(padding_verdict("11111111111111111111111111111111") == CKR_ENCRYPTED_DATA_INVALID);
    CU_ASSERT(padding_verdict("001122334455667788990a0b0c0d0eff") == CKR_ENCRYPTED_DATA_INVALID);
    CU_ASSERT(padding_verdict("001122334455667788990a0b0c0d0e80") == CKR_ENCRYPTED_DATA_INVALID);
}

static void lengths_must_be_whole_blocks(void)
{
    static const CK_MECHANISM_TYPE types[] = { CKM_AES_ECB, CKM_AES_CBC };
    struct key *k = secret_key(CKK_AES, KEY_128);
    struct mechanism pad = mechanism(CKM_AES_CBC_PAD, IV);

    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        struct mechanism m = mechanism(types[i], types[i] == CKM_AES_CBC ? IV : "");

        CU_ASSERT(computes(OPERATION_ENCRYPT, &m, k, hex("0011"), hex("")) == CKR_DATA_LEN_RANGE);
        CU_ASSERT(computes(OPERATION_ENCRYPT, &m, k, hex(PLAIN "00"), hex("")) == CKR_DATA_LEN_RANGE);
        CU_ASSERT(computes(OPERATION_DECRYPT, &m, k, hex(PLAIN "00"), hex("")) == CKR_ENCRYPTED_DATA_LEN_RANGE);
        CU_ASSERT(computes(OPERATION_ENCRYPT, &m, k, hex(""), hex("")) == CKR_OK);
    }
    CU_ASSERT(computes(OPERATION_DECRYPT, &pad, k, hex(PLAIN "00"), hex("")) == CKR_ENCRYPTED_DATA_LEN_RANGE);
    CU_ASSERT(computes(OPERATION_DECRYPT, &pad, k, hex(""), hex("")) == CKR_ENCRYPTED_DATA_LEN_RANGE);
    key_unref(k);
}

static void block_parameters_are_checked(void)
{
    struct key *k = secret_key(CKK_AES, KEY_128);
    struct mechanism cases[] = {
        mechanism(CKM_AES_ECB, IV),
        mechanism(CKM_AES_CBC, ""),
        mechanism(CKM_AES_CBC, "00"),
        mechanism(CKM_AES_CBC, IV "00"),
        mechanism(CKM_AES_CBC_PAD, ""),
        mechanism(CKM_AES_CBC_PAD, "0011223344556677"),
        ctr("", 128),
        ctr(IV, 0),
        ctr(IV, 129),
        ctr(IV "00", 64),
        ctr("00112233", 64),
        ctr(IV, (CK_ULONG)-1),
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CU_ASSERT(begins(OPERATION_ENCRYPT, &cases[i], k) == CKR_MECHANISM_PARAM_INVALID);
        CU_ASSERT(begins(OPERATION_DECRYPT, &cases[i], k) == CKR_MECHANISM_PARAM_INVALID);
        CU_ASSERT(computes(OPERATION_ENCRYPT, &cases[i], k, hex(PLAIN), hex("")) == CKR_MECHANISM_PARAM_INVALID);
    }
    key_unref(k);
}

/* The counter block ends in 14 of 15 values: two blocks are left. */
static void a_counter_does_not_run_into_the_nonce(void)
{
    struct mechanism m = ctr("000000000000000000000000000000fe", 4);
    struct key *k = secret_key(CKK_AES, KEY_128);
    struct operation *op;
    uint8_t room[64];
    struct output out = { .p = room, .room = sizeof room };
    struct span data = hex(PLAIN);

    CU_ASSERT(computes(OPERATION_ENCRYPT, &m, k, data, hex("")) == CKR_DATA_LEN_RANGE);
    CU_ASSERT(operation_compute(OPERATION_ENCRYPT, &m, k, span_of(data.p, 32), hex(""), &out) == CKR_OK);
    CU_ASSERT(operation_compute(OPERATION_ENCRYPT, &m, k, span_of(data.p, 33), hex(""), &out) == CKR_DATA_LEN_RANGE);
    CU_ASSERT_FATAL(operation_begin(OPERATION_DECRYPT, &m, k, &op) == CKR_OK);
    CU_ASSERT(operation_update(op, span_of(data.p, 31), &out) == CKR_OK);
    CU_ASSERT(operation_update(op, span_of(data.p, 2), &out) == CKR_ENCRYPTED_DATA_LEN_RANGE);
    operation_free(op);
    m = ctr("00000000000000000000000000000000", 1); /* all of a 1-bit counter */
    CU_ASSERT(operation_compute(OPERATION_ENCRYPT, &m, k, span_of(data.p, 32), hex(""), &out) == CKR_OK);
    key_unref(k);
}

#define GCM_KEY "feffe9928665731c6d6a8f9467308308"
#define GCM_AAD "feedfacedeadbeeffeedfacedeadbeefabaddad2"
#define GCM_PLAIN                                                                                                      \
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"                                                 \
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
#define GCM_CIPHER                                                                                                     \
    "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"                                                 \
    "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091"
#define GCM_TAG "5bc94fbc3221a5db94fae95ae7121a47"

/* McGrew and Viega, cases 1, 4, 5, 6 and 13: none, AAD, an IV of 8 and of 60 bytes, AES-256 */
static void gcm_gives_the_published_answers(void)
{
    struct mechanism m = gcm("cafebabefacedbaddecaf888", GCM_AAD, 128);

    both_ways(&m, GCM_KEY, GCM_PLAIN, GCM_CIPHER GCM_TAG);
    m.number = 96;
    both_ways(&m, GCM_KEY, GCM_PLAIN, GCM_CIPHER "5bc94fbc3221a5db94fae95a");
    m = gcm("cafebabefacedbad", GCM_AAD, 128);
    both_ways(&m, GCM_KEY, GCM_PLAIN,
              "61353b4c2806934a777ff51fa22a4755699b2a714fcdc6f83766e5f97b6c742373806900e49f24b22b097544d4896b42"
              "4989b5e1ebac0f07c23f45983612d2e79e3b0785561be14aaca2fccb");
    m = gcm(
        "9313225df88406e555909c5aff5269aa6a7a9538534f7da1e4c303d2a318a728c3c0c95156809539fcf0e2429a6b525416aedbf5a0de"
        "6a57a637b39b",
        GCM_AAD, 128);
    both_ways(&m, GCM_KEY, GCM_PLAIN,
              "8ce24998625615b603a033aca13fb894be9112a5c3a211a8ba262a3cca7e2ca701e4a9a4fba43c90ccdcb281d48c7c6f"
              "d62875d2aca417034c34aee5619cc5aefffe0bfa462af43c1699d050");
    m = gcm("000000000000000000000000", "", 128);
    both_ways(&m, "00000000000000000000000000000000", "", "58e2fccefa7e3061367f1d57a4e7455a");
    both_ways(&m, "0000000000000000000000000000000000000000000000000000000000000000", "",
              "530f8afbc74536b9a963b4f1c4cb738b");
}

static void gcm_parameters_are_checked(void)
{
    static const CK_ULONG tags[] = { 0, 8, 32, 64, 88, 95, 97, 100, 127, 129, 136, 256, (CK_ULONG)-1 };
    static const uint8_t zeros[200];
    struct key *k = secret_key(CKK_AES, GCM_KEY);
    struct mechanism m = gcm("cafebabefacedbaddecaf888", "", 128);

    for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
        m.number = tags[i];
        CU_ASSERT(begins(OPERATION_ENCRYPT, &m, k) == CKR_MECHANISM_PARAM_INVALID);
        CU_ASSERT(begins(OPERATION_DECRYPT, &m, k) == CKR_MECHANISM_PARAM_INVALID);
        CU_ASSERT(computes(OPERATION_DECRYPT, &m, k, hex(PLAIN), hex("")) == CKR_MECHANISM_PARAM_INVALID);
    }
    for (CK_ULONG bits = 96; bits <= 128; bits += 8) {
        m.number = bits;
        CU_ASSERT(begins(OPERATION_ENCRYPT, &m, k) == CKR_OK);
    }
    m.iv = hex("");
    CU_ASSERT(begins(OPERATION_ENCRYPT, &m, k) == CKR_MECHANISM_PARAM_INVALID);
    m.iv = span_of(zeros, 129);
    CU_ASSERT(begins(OPERATION_ENCRYPT, &m, k) == CKR_MECHANISM_PARAM_INVALID);
    m.iv = span_of(zeros, 128);
    CU_ASSERT(begins(OPERATION_ENCRYPT, &m, k) == CKR_OK);
    m.aad = span_of(zeros, MECHANISM_PART_MAX + 1);
    CU_ASSERT(begins(OPERATION_ENCRYPT, &m, k) == CKR_MECHANISM_PARAM_INVALID);
    key_unref(k);
}

/* Any bit of text, tag, AAD or IV changed: the same error, and no byte of the text in the output. */
static void gcm_notices_every_change(void)
{
    struct mechanism m = gcm("cafebabefacedbaddecaf888", GCM_AAD, 128);
    struct key *k = secret_key(CKK_AES, GCM_KEY);
    struct span sealed = hex(GCM_CIPHER GCM_TAG);
    uint8_t back[80], zeros[80] = { 0 };
    struct output out = { .p = back, .room = sizeof back };

    for (size_t bit = 0; bit < 8 * sealed.len; bit++) {
        memset(back, 0, sizeof back);
        ((uint8_t *)sealed.p)[bit / 8] ^= (uint8_t)(1 << bit % 8);
        CU_ASSERT(operation_compute(OPERATION_DECRYPT, &m, k, sealed, hex(""), &out) == CKR_ENCRYPTED_DATA_INVALID);
        CU_ASSERT(out.len == 0 && memcmp(back, zeros, sizeof back) == 0);
        ((uint8_t *)sealed.p)[bit / 8] ^= (uint8_t)(1 << bit % 8);
        fixture_end();
        sealed = hex(GCM_CIPHER GCM_TAG);
        m = gcm("cafebabefacedbaddecaf888", GCM_AAD, 128);
    }
    CU_ASSERT(computes(OPERATION_DECRYPT, &m, k, sealed, hex(GCM_PLAIN)) == CKR_OK);
    m.aad.len--;
    CU_ASSERT(computes(OPERATION_DECRYPT, &m, k, sealed, hex("")) == CKR_ENCRYPTED_DATA_INVALID);
    m.aad.len++;
    m.iv = hex("cafebabefacedbaddecaf889");
    CU_ASSERT(computes(OPERATION_DECRYPT, &m, k, sealed, hex("")) == CKR_ENCRYPTED_DATA_INVALID);
    m.iv = hex("cafebabefacedbaddecaf888");
    CU_ASSERT(computes(OPERATION_DECRYPT, &m, k, hex(GCM_CIPHER), hex("")) == CKR_ENCRYPTED_DATA_INVALID);
    CU_ASSERT(computes(OPERATION_DECRYPT, &m, k, hex("001122"), hex("")) == CKR_ENCRYPTED_DATA_LEN_RANGE);
    CU_ASSERT(computes(OPERATION_DECRYPT, &m, k, sealed, hex(GCM_PLAIN)) == CKR_OK);
    key_unref(k);
}

static void gcm_decryption_gives_nothing_early(void)
{
    struct mechanism m = gcm("cafebabefacedbaddecaf888", GCM_AAD, 128);
    struct key *k = secret_key(CKK_AES, GCM_KEY);
    static uint8_t big[DATA_MAX + 64];
    uint8_t back[80];
    struct output out = { .p = back, .room = sizeof back };
    struct operation *op;

    CU_ASSERT_FATAL(operation_begin(OPERATION_DECRYPT, &m, k, &op) == CKR_OK);
    CU_ASSERT(operation_update(op, hex(GCM_CIPHER), &out) == CKR_OK && out.len == 0);
    CU_ASSERT(operation_update(op, hex("5bc94fbc3221a5db94fae95ae7121a48"), &out) == CKR_OK && out.len == 0);
    CU_ASSERT(operation_final(op, hex(""), &out) == CKR_ENCRYPTED_DATA_INVALID && out.len == 0);
    CU_ASSERT(operation_final(op, hex(""), &out) == CKR_OPERATION_NOT_INITIALIZED);
    operation_free(op);

    CU_ASSERT_FATAL(operation_begin(OPERATION_DECRYPT, &m, k, &op) == CKR_OK);
    out = (struct output){ .p = big, .room = sizeof big };
    CU_ASSERT(operation_update(op, span_of(big, DATA_MAX), &out) == CKR_OK);
    CU_ASSERT(operation_update(op, span_of(big, 0), &out) == CKR_OK);
    out = (struct output){ .p = big, .room = sizeof big };
    CU_ASSERT(operation_update(op, span_of(big, 17), &out) == CKR_DATA_LEN_RANGE);
    operation_free(op);
    key_unref(k);
}

static void wraps_once(const struct mechanism *m, const char *key_value, const char *plain, const char *cipher)
{
    struct key *k = secret_key(CKK_AES, key_value);

    CU_ASSERT(computes(OPERATION_ENCRYPT, m, k, hex(plain), hex(cipher)) == CKR_OK);
    CU_ASSERT(computes(OPERATION_DECRYPT, m, k, hex(cipher), hex(plain)) == CKR_OK);
    key_unref(k);
}

#define KEK_128 "000102030405060708090a0b0c0d0e0f"
#define KEK_256 KEK_128 "101112131415161718191a1b1c1d1e1f"
#define KWP_KEY "5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8"

/* RFC 3394, 4.1, 4.3, 4.6; RFC 5649, 6 */
static void key_wrap_gives_the_published_answers(void)
{
    struct mechanism kw = mechanism(CKM_AES_KEY_WRAP, ""), kwp = mechanism(CKM_AES_KEY_WRAP_KWP, ""),
                     pad = mechanism(CKM_AES_KEY_WRAP_PAD, ""), named = mechanism(CKM_AES_KEY_WRAP, "a6a6a6a6a6a6a6a6"),
                     own = mechanism(CKM_AES_KEY_WRAP, "0011223344556677"),
                     kwp_named = mechanism(CKM_AES_KEY_WRAP_KWP, "a65959a6");
    struct key *k = secret_key(CKK_AES, KEK_128);

    wraps_once(&kw, KEK_128, "00112233445566778899aabbccddeeff", "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5");
    wraps_once(&named, KEK_128, "00112233445566778899aabbccddeeff", "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5");
    wraps_once(&kw, KEK_256, "00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f",
               "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21");
    wraps_once(&kwp, KWP_KEY, "c37b7e6492584340bed12207808941155068f738",
               "138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a");
    wraps_once(&kwp_named, KWP_KEY, "466f7250617369", "afbeb0f07dfbf5419200f2ccb50bb24f");
    wraps_once(&pad, KWP_KEY, "466f7250617369", "afbeb0f07dfbf5419200f2ccb50bb24f");
    /* an IV of one caller does not stay in the kept context */
    CU_ASSERT(computes(OPERATION_DECRYPT, &own, k, hex("1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5"), hex("")) ==
              CKR_ENCRYPTED_DATA_INVALID);
    CU_ASSERT(computes(OPERATION_DECRYPT, &kw, k, hex("1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5"),
                       hex("00112233445566778899aabbccddeeff")) == CKR_OK);
    key_unref(k);
}

static void key_wrap_refuses(void)
{
    struct mechanism kw = mechanism(CKM_AES_KEY_WRAP, ""), kwp = mechanism(CKM_AES_KEY_WRAP_KWP, ""),
                     bad = mechanism(CKM_AES_KEY_WRAP, "a6a6a6a6"), bad_kwp = mechanism(CKM_AES_KEY_WRAP_KWP, "a6");
    struct key *k = secret_key(CKK_AES, KEK_128);
    struct operation *op;
    uint8_t room[64];
    struct output out = { .p = room, .room = sizeof room };

    CU_ASSERT(begins(OPERATION_ENCRYPT, &bad, k) == CKR_MECHANISM_PARAM_INVALID);
    CU_ASSERT(begins(OPERATION_ENCRYPT, &bad_kwp, k) == CKR_MECHANISM_PARAM_INVALID);
    CU_ASSERT(computes(OPERATION_ENCRYPT, &kw, k, hex("0011223344556677"), hex("")) == CKR_DATA_LEN_RANGE);
    CU_ASSERT(computes(OPERATION_ENCRYPT, &kw, k, hex("00112233445566778899"), hex("")) == CKR_DATA_LEN_RANGE);
    CU_ASSERT(computes(OPERATION_ENCRYPT, &kwp, k, hex(""), hex("")) == CKR_DATA_LEN_RANGE);
    CU_ASSERT(computes(OPERATION_DECRYPT, &kw, k, hex(IV), hex("")) == CKR_ENCRYPTED_DATA_LEN_RANGE);
    CU_ASSERT(computes(OPERATION_DECRYPT, &kw, k, hex(PLAIN "00"), hex("")) == CKR_ENCRYPTED_DATA_LEN_RANGE);
    CU_ASSERT(computes(OPERATION_DECRYPT, &kwp, k, hex("0011223344556677"), hex("")) == CKR_ENCRYPTED_DATA_LEN_RANGE);
    CU_ASSERT(computes(OPERATION_DECRYPT, &kw, k, hex("1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe4"), hex("")) ==
              CKR_ENCRYPTED_DATA_INVALID);
    CU_ASSERT(computes(OPERATION_DECRYPT, &kwp, k, hex(PLAIN), hex("")) == CKR_ENCRYPTED_DATA_INVALID);
    CU_ASSERT_FATAL(operation_begin(OPERATION_ENCRYPT, &kw, k, &op) == CKR_OK);
    CU_ASSERT(operation_update(op, hex(PLAIN), &out) == CKR_FUNCTION_NOT_SUPPORTED);
    operation_free(op);
    key_unref(k);
}

int main(void)
{
    CU_TestInfo cases[] = { { "block modes give the published answers, in any parts",
                              block_modes_give_the_published_answers },
                            { "padding is added and taken off", padding_is_added_and_taken_off },
                            { "wrong padding has one answer and leaves nothing", wrong_padding_has_one_answer },
                            { "lengths must be whole blocks", lengths_must_be_whole_blocks },
                            { "parameters of block modes are checked", block_parameters_are_checked },
                            { "a counter does not run into the nonce", a_counter_does_not_run_into_the_nonce },
                            { "GCM gives the published answers, in any parts", gcm_gives_the_published_answers },
                            { "parameters of GCM are checked", gcm_parameters_are_checked },
                            { "GCM notices every change", gcm_notices_every_change },
                            { "GCM decryption gives nothing early", gcm_decryption_gives_nothing_early },
                            { "key wrap gives the published answers", key_wrap_gives_the_published_answers },
                            { "key wrap refuses", key_wrap_refuses },
                            CU_TEST_INFO_NULL };
    CU_SuiteInfo suites[] = { { .pName = "AES", .pTearDownFunc = fixture_end, .pTests = cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
