#include "firmware/crypto/key_inside.h"
#include "tests/unit/firmware/crypto/crypto_fixture.h"

#define PLAIN_40 "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411"
#define KEY_128  "2b7e151628aed2a6abf7158809cf4f3c"

static struct mechanism general(CK_MECHANISM_TYPE type, CK_ULONG len)
{
    return (struct mechanism){ .type = type, .has_parameter = true, .number = len };
}

static void signs_and_verifies(const struct mechanism *m, struct key *k, const char *in, const char *mac)
{
    struct span data = hex(in), want = hex(mac), wrong = hex(mac);

    same_in_parts(OPERATION_SIGN, m, k, data, want);
    same_in_parts(OPERATION_VERIFY, m, k, data, want);
    for (size_t i = 0; i < wrong.len; i++) {
        ((uint8_t *)wrong.p)[i] ^= 0x80;
        CU_ASSERT(computes(OPERATION_VERIFY, m, k, data, wrong) == CKR_SIGNATURE_INVALID);
        ((uint8_t *)wrong.p)[i] ^= 0x80;
    }
    CU_ASSERT(computes(OPERATION_VERIFY, m, k, data, span_of(want.p, want.len - 1)) == CKR_SIGNATURE_LEN_RANGE);
    CU_ASSERT(computes(OPERATION_VERIFY, m, k, data, span_of(NULL, 0)) == CKR_SIGNATURE_LEN_RANGE);
}

/* RFC 4231, cases 1, 3 and 6 (a key longer than the block) */
static void hmac_gives_the_published_answers(void)
{
    struct mechanism sha256 = { .type = CKM_SHA256_HMAC }, sha512 = { .type = CKM_SHA512_HMAC };
    struct key *k = secret_key(CKK_GENERIC_SECRET, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b");
    char long_key[2 * 131 + 1];

    signs_and_verifies(&sha256, k, "4869205468657265",
                       "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    signs_and_verifies(
        &sha512, k, "4869205468657265",
        "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4"
        "be9d914eeb61f1702e696c203a126854");
    key_unref(k);
    k = secret_key(CKK_SHA256_HMAC, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    signs_and_verifies(
        &sha256, k,
        "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
        "dddd",
        "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
    key_unref(k);
    memset(long_key, 'a', sizeof long_key - 1);
    long_key[sizeof long_key - 1] = '\0';
    k = secret_key(CKK_GENERIC_SECRET, long_key);
    signs_and_verifies(
        &sha256, k,
        "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368204b6579"
        "204669727374",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    key_unref(k);
}

/* RFC 4493, 4: examples 1 to 4; SP 800-38B, D.3: AES-256 */
static void cmac_gives_the_published_answers(void)
{
    struct mechanism m = { .type = CKM_AES_CMAC };
    struct key *k = secret_key(CKK_AES, KEY_128);

    signs_and_verifies(&m, k, "", "bb1d6929e95937287fa37d129b756746");
    signs_and_verifies(&m, k, "6bc1bee22e409f96e93d7e117393172a", "070a16b46b4d4144f79bdd9dd04a287c");
    signs_and_verifies(&m, k, PLAIN_40, "dfa66747de9ae63030ca32611497c827");
    key_unref(k);
    k = secret_key(CKK_AES, "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4");
    signs_and_verifies(&m, k, "", "028962f61b7bf89efc6b551f4667d983");
    signs_and_verifies(&m, k, PLAIN_40, "aaf3d8f1de5640c232f5b169b9c911e6");
    key_unref(k);
}

/* GCM of nothing: McGrew and Viega, case 1; and Wycheproof, aes_gmac_test.json, test 284 */
static void gmac_gives_the_published_answers(void)
{
    struct mechanism m = {
        .type = CKM_AES_GMAC, .has_parameter = true, .number = 128, .iv = hex("000000000000000000000000")
    };
    struct key *k = secret_key(CKK_AES, "00000000000000000000000000000000");
    static const uint8_t zeros[129];

    signs_and_verifies(&m, k, "", "58e2fccefa7e3061367f1d57a4e7455a");
    key_unref(k);
    m.iv = hex("1fc2128cf247fecb746859fc");
    k = secret_key(CKK_AES, "b5ca16877137e3595d056001b182eb1651e4ae6af080ce7ee0a0c5651a094603");
    signs_and_verifies(&m, k, "ea94e062b10e5dfd2ea993cb6a103d98", "21439fb407247ac0a98a302d6cff4b0f");
    m.number = 96;
    signs_and_verifies(&m, k, "ea94e062b10e5dfd2ea993cb6a103d98", "21439fb407247ac0a98a302d");
    for (m.number = 0; m.number <= 136; m.number += 4)
        CU_ASSERT((begins(OPERATION_SIGN, &m, k) == CKR_OK) ==
                  (m.number >= 96 && m.number <= 128 && m.number % 8 == 0));
    m.number = 128;
    m.iv = span_of(NULL, 0);
    CU_ASSERT(begins(OPERATION_SIGN, &m, k) == CKR_MECHANISM_PARAM_INVALID);
    m.iv = span_of(zeros, sizeof zeros);
    CU_ASSERT(begins(OPERATION_VERIFY, &m, k) == CKR_MECHANISM_PARAM_INVALID);
    key_unref(k);
}

static void a_short_mac_is_a_prefix(void)
{
    struct key *k = secret_key(CKK_GENERIC_SECRET, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b");
    struct key *aes = secret_key(CKK_AES, KEY_128);
    struct mechanism m = general(CKM_SHA256_HMAC_GENERAL, 10);

    signs_and_verifies(&m, k, "4869205468657265", "b0344c61d8db38535ca8");
    m.number = 32;
    signs_and_verifies(&m, k, "4869205468657265", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    m = general(CKM_AES_CMAC_GENERAL, 12);
    signs_and_verifies(&m, aes, PLAIN_40, "dfa66747de9ae63030ca3261");
    key_unref(k);
    key_unref(aes);
}

static void lengths_that_can_be_guessed_are_refused(void)
{
    struct key *k = secret_key(CKK_GENERIC_SECRET, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b");
    struct key *aes = secret_key(CKK_AES, KEY_128);
    static const CK_ULONG lengths[] = { 0, 1, 4, 8, 9, 33, 64, (CK_ULONG)-1 };

    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        struct mechanism hmac = general(CKM_SHA256_HMAC_GENERAL, lengths[i]);
        struct mechanism cmac = general(CKM_AES_CMAC_GENERAL, lengths[i]);

        CU_ASSERT(begins(OPERATION_SIGN, &hmac, k) == CKR_MECHANISM_PARAM_INVALID);
        CU_ASSERT(begins(OPERATION_VERIFY, &hmac, k) == CKR_MECHANISM_PARAM_INVALID);
        CU_ASSERT(begins(OPERATION_SIGN, &cmac, aes) == CKR_MECHANISM_PARAM_INVALID);
        hmac.has_parameter = false;
        hmac.number = 32;
        CU_ASSERT(begins(OPERATION_SIGN, &hmac, k) == CKR_MECHANISM_PARAM_INVALID);
    }
    key_unref(k);
    key_unref(aes);
}

static void keys_must_fit(void)
{
    struct mechanism hmac = { .type = CKM_SHA256_HMAC }, cmac = { .type = CKM_AES_CMAC };
    struct key *brief = secret_key(CKK_GENERIC_SECRET, "00112233445566778899aabbcc");
    struct key *enough = secret_key(CKK_GENERIC_SECRET, "00112233445566778899aabbccdd");
    struct key *other = secret_key(CKK_SHA512_HMAC, "00112233445566778899aabbccddeeff");
    struct key *aes = secret_key(CKK_AES, KEY_128);

    CU_ASSERT(begins(OPERATION_SIGN, &hmac, brief) == CKR_KEY_SIZE_RANGE);
    CU_ASSERT(begins(OPERATION_SIGN, &hmac, enough) == CKR_OK);
    CU_ASSERT(begins(OPERATION_SIGN, &hmac, other) == CKR_KEY_TYPE_INCONSISTENT);
    CU_ASSERT(begins(OPERATION_SIGN, &hmac, aes) == CKR_KEY_TYPE_INCONSISTENT);
    CU_ASSERT(begins(OPERATION_SIGN, &cmac, enough) == CKR_KEY_TYPE_INCONSISTENT);
    CU_ASSERT(begins(OPERATION_SIGN, &hmac, NULL) == CKR_KEY_TYPE_INCONSISTENT);
    key_unref(brief);
    key_unref(enough);
    key_unref(other);
    key_unref(aes);
}

int main(void)
{
    CU_TestInfo cases[] = { { "HMAC gives the published answers", hmac_gives_the_published_answers },
                            { "CMAC gives the published answers", cmac_gives_the_published_answers },
                            { "GMAC gives the published answers", gmac_gives_the_published_answers },
                            { "a short MAC is a prefix of the long one", a_short_mac_is_a_prefix },
                            { "lengths that can be guessed are refused", lengths_that_can_be_guessed_are_refused },
                            { "keys must fit", keys_must_fit },
                            CU_TEST_INFO_NULL };
    CU_SuiteInfo suites[] = { { .pName = "MACs", .pTearDownFunc = fixture_end, .pTests = cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
