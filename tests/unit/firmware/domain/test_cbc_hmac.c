/* A256CBC-HS512: the RFC's example, and every bit of what is sealed. */
#include "firmware/domain/cbc_hmac.h"

#include "tests/unit/harness.h"

/* RFC 7518, B.3. The tag is over all the rest. */
static const char example[] = "A cipher system must not be required to be secret, and it must be able to fall into the "
                              "hands of the enemy without inconvenience";
static const char example_aad[] = "The second principle of Auguste Kerckhoffs";
static const uint8_t iv[CBC_HMAC_IV_LEN] = { 0x1a, 0xf3, 0x8c, 0x2d, 0xc2, 0xb9, 0x6f, 0xfd,
                                             0xd8, 0x66, 0x94, 0x09, 0x23, 0x41, 0xbc, 0x04 };
static const uint8_t first_block[] = { 0x4a, 0xff, 0xaa, 0xad, 0xb7, 0x8c, 0x31, 0xc5,
                                       0xda, 0x4b, 0x1b, 0x59, 0x0d, 0x10, 0xff, 0xbd };
static const uint8_t example_tag[CBC_HMAC_TAG_LEN] = { 0x4d, 0xd3, 0xb4, 0xc0, 0x88, 0xa7, 0xf4, 0x5c, 0x21, 0x68, 0x39,
                                                       0x64, 0x5b, 0x20, 0x12, 0xbf, 0x2e, 0x62, 0x69, 0xa8, 0xc5, 0x6a,
                                                       0x81, 0x6d, 0xbc, 0x1b, 0x26, 0x77, 0x61, 0x95, 0x5b, 0xc5 };
static uint8_t key[CBC_HMAC_KEY_LEN];

static int make_key(void)
{
    for (unsigned i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)i;
    return 0;
}

static void the_example_of_the_rfc(void)
{
    uint8_t sealed[144], tag[CBC_HMAC_TAG_LEN], plain[144];
    size_t len;

    CU_ASSERT_EQUAL_FATAL(cbc_hmac_sealed_len(strlen(example)), sizeof sealed);
    CU_ASSERT_EQUAL(cbc_hmac_seal(key, iv, span_text(example_aad), span_text(example), sealed, tag), ST_OK);
    CU_ASSERT_EQUAL(memcmp(sealed, first_block, sizeof first_block), 0);
    CU_ASSERT_EQUAL(memcmp(tag, example_tag, sizeof tag), 0);
    CU_ASSERT_EQUAL(cbc_hmac_open(key, iv, span_text(example_aad), span_of(sealed, sizeof sealed), tag, plain, &len),
                    ST_OK);
    CU_ASSERT(span_is(span_of(plain, len), example));
}

static void every_length_comes_back(void)
{
    uint8_t text[70] = { 7 }, sealed[80], tag[CBC_HMAC_TAG_LEN], plain[80];

    for (size_t len = 0; len <= sizeof text; len++) {
        struct span in = span_of(text, len);
        size_t sealed_len = cbc_hmac_sealed_len(len), got;

        CU_ASSERT(sealed_len > len && sealed_len <= len + 16 && sealed_len % 16 == 0);
        CU_ASSERT_EQUAL(cbc_hmac_seal(key, iv, span_of(NULL, 0), in, sealed, tag), ST_OK);
        CU_ASSERT_EQUAL(cbc_hmac_open(key, iv, span_of(NULL, 0), span_of(sealed, sealed_len), tag, plain, &got), ST_OK);
        CU_ASSERT(span_equal(span_of(plain, got), in));
    }
}

static uint8_t sealed[32], tag[CBC_HMAC_TAG_LEN], aad[] = "aad", iv_now[CBC_HMAC_IV_LEN], key_now[CBC_HMAC_KEY_LEN];

static enum status open_now(size_t sealed_len)
{
    uint8_t plain[32], before[32];
    size_t len = 1;
    enum status st;

    memset(plain, 0x11, sizeof plain);
    memset(before, 0x11, sizeof before);
    st = cbc_hmac_open(key_now, iv_now, span_of(aad, 3), span_of(sealed, sealed_len), tag, plain, &len);
    CU_ASSERT(st == ST_OK || (len == 0 && memcmp(plain, before, sizeof plain) == 0)); /* nothing was decrypted */
    return st;
}

static void each_bit_counts(uint8_t *p, size_t len)
{
    for (size_t bit = 0; bit < 8 * len; bit++) {
        p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        CU_ASSERT_EQUAL(open_now(32), ST_BAD_CIPHERTEXT);
        p[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void nothing_changed_opens(void)
{
    memcpy(key_now, key, sizeof key);
    memcpy(iv_now, iv, sizeof iv);
    CU_ASSERT_FATAL(cbc_hmac_seal(key, iv, span_of(aad, 3), span_text("more than one block"), sealed, tag) == ST_OK);
    each_bit_counts(sealed, sizeof sealed);
    each_bit_counts(tag, sizeof tag);
    each_bit_counts(iv_now, sizeof iv_now);
    each_bit_counts(aad, 3);
    each_bit_counts(key_now, 32); /* the MAC's half */
    for (size_t len = 0; len < 32; len++)
        CU_ASSERT_EQUAL(open_now(len), ST_BAD_CIPHERTEXT);
    CU_ASSERT_EQUAL(open_now(32), ST_OK);
}

/* The bits of `aad` and of what follows it cannot be moved from one to the other. */
static void the_border_of_the_additional_data_is_fixed(void)
{
    uint8_t both[3 + CBC_HMAC_IV_LEN + 32], plain[48];
    size_t len;

    memcpy(both, aad, 3);
    memcpy(both + 3, iv_now, CBC_HMAC_IV_LEN);
    memcpy(both + 3 + CBC_HMAC_IV_LEN, sealed, 32);
    CU_ASSERT_EQUAL(cbc_hmac_open(key, both + 3, span_of(both, 3), span_of(both + 19, 32), tag, plain, &len), ST_OK);
    CU_ASSERT_EQUAL(cbc_hmac_open(key, both + 19, span_of(both, 19), span_of(both + 35, 16), tag, plain, &len),
                    ST_BAD_CIPHERTEXT);
}

static CU_TestInfo cases[] = {
    { "the example of RFC 7518, B.3", the_example_of_the_rfc },
    { "plaintexts of every length come back", every_length_comes_back },
    { "nothing that was changed in any bit, or cut, is decrypted", nothing_changed_opens },
    { "the border of the additional data is fixed", the_border_of_the_additional_data_is_fixed },
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = { { "A256CBC-HS512", make_key, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
