#include "pkcs11/token/keywrap.h"

#include <openssl/evp.h>

#include "tests/unit/pkcs11/token/vectors.h"

struct cipher {
    EVP_CIPHER_CTX *encrypt, *decrypt;
};

static struct cipher cipher_new(struct span key)
{
    const EVP_CIPHER *ecb = key.len == 16 ? EVP_aes_128_ecb() : key.len == 24 ? EVP_aes_192_ecb() : EVP_aes_256_ecb();
    struct cipher c = { EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_new() };

    INVARIANT(EVP_EncryptInit_ex(c.encrypt, ecb, NULL, key.p, NULL) == 1);
    INVARIANT(EVP_DecryptInit_ex(c.decrypt, ecb, NULL, key.p, NULL) == 1);
    EVP_CIPHER_CTX_set_padding(c.encrypt, 0);
    EVP_CIPHER_CTX_set_padding(c.decrypt, 0);
    return c;
}

static void cipher_clear(struct cipher *c)
{
    EVP_CIPHER_CTX_free(c->encrypt);
    EVP_CIPHER_CTX_free(c->decrypt);
}

static enum status encrypt_block(void *arg, uint8_t block[KEYWRAP_BLOCK])
{
    struct cipher *c = arg;
    int n;

    return EVP_EncryptUpdate(c->encrypt, block, &n, block, KEYWRAP_BLOCK) == 1 ? ST_OK : ST_INTERNAL;
}

static enum status decrypt_block(void *arg, uint8_t block[KEYWRAP_BLOCK])
{
    struct cipher *c = arg;
    int n;

    return EVP_DecryptUpdate(c->decrypt, block, &n, block, KEYWRAP_BLOCK) == 1 ? ST_OK : ST_INTERNAL;
}

static enum status failing_block(void *arg, uint8_t block[KEYWRAP_BLOCK])
{
    unsigned *left = arg;

    block[0] ^= 1;
    return (*left)-- > 0 ? ST_OK : ST_UNAVAILABLE;
}

static void check(const json_t *test)
{
    struct bytes key = { 0 }, msg = { 0 }, ct = { 0 };
    struct cipher c = cipher_new(vector_hex(test, "key", &key));
    uint8_t out[4096];
    bool valid = strcmp(vector_text(test, "result"), "valid") == 0;
    enum status st;

    vector_hex(test, "msg", &msg);
    vector_hex(test, "ct", &ct);
    if (msg.len == 8)
        valid = false; /* "acceptable": RFC 3394 alone allows one semi-block; SP 800-38F and we do not */
    st = keywrap_unwrap(bytes_span(&ct), out, decrypt_block, &c);
    CU_ASSERT_EQUAL(st, valid ? ST_OK : ST_BAD_CIPHERTEXT);
    if (valid) {
        CU_ASSERT_TRUE(span_equal(span_of(out, ct.len - 8), bytes_span(&msg)));
        CU_ASSERT_EQUAL(keywrap_wrap(bytes_span(&msg), out, encrypt_block, &c), ST_OK);
        CU_ASSERT_TRUE(span_equal(span_of(out, msg.len + 8), bytes_span(&ct)));
    } else if (msg.len < KEYWRAP_MIN || msg.len % 8 != 0) {
        CU_ASSERT_EQUAL(keywrap_wrap(bytes_span(&msg), out, encrypt_block, &c), ST_BAD_REQUEST);
    }
    cipher_clear(&c);
    bytes_clear(&key);
    bytes_clear(&msg);
    bytes_clear(&ct);
}

static void wycheproof(void)
{
    json_t *root = vectors_load("aes_wrap_test.json"), *group, *test;
    unsigned count = 0;
    size_t g, i;

    json_array_foreach(json_object_get(root, "testGroups"), g, group)
        json_array_foreach(json_object_get(group, "tests"), i, test)
    {
        check(test);
        count++;
    }
    CU_ASSERT_TRUE(root == NULL || count == 165);
    json_decref(root);
}

/* RFC 3394, 4.6: 256 bits of key data with a 256-bit KEK. */
static void rfc3394(void)
{
    static const char kek[] = "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F",
                      data[] = "00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F",
                      wrapped[] = "28C9F404C4B810F4CBCCB35CFB87F8263F5786E2D80ED326CBC7F0E71A99F43BFB988B9B7A02DD21";
    uint8_t key[32], in[32], want[40], out[40], back[32];
    struct cipher c;

    INVARIANT(hex_decode(key, 32, span_text(kek)) == ST_OK && hex_decode(in, 32, span_text(data)) == ST_OK &&
              hex_decode(want, 40, span_text(wrapped)) == ST_OK);
    c = cipher_new(span_of(key, 32));
    CU_ASSERT_EQUAL(keywrap_wrap(span_of(in, 32), out, encrypt_block, &c), ST_OK);
    CU_ASSERT_EQUAL(memcmp(out, want, 40), 0);
    CU_ASSERT_EQUAL(keywrap_unwrap(span_of(out, 40), back, decrypt_block, &c), ST_OK);
    CU_ASSERT_EQUAL(memcmp(back, in, 32), 0);
    cipher_clear(&c);
}

static void a_failing_cipher(void)
{
    uint8_t in[32] = { 0 }, out[40], zero[40] = { 0 };

    for (unsigned n = 0; n < 24; n++) {
        unsigned left = n;

        CU_ASSERT_EQUAL(keywrap_wrap(span_of(in, 32), out, failing_block, &left), ST_UNAVAILABLE);
        CU_ASSERT_EQUAL(memcmp(out, zero, 40), 0); /* nothing half done is left */
        left = n;
        CU_ASSERT_EQUAL(keywrap_unwrap(span_of(zero, 40), in, failing_block, &left), ST_UNAVAILABLE);
        CU_ASSERT_EQUAL(memcmp(in, zero, 32), 0);
    }
}

int main(void)
{
    CU_TestInfo cases[] = {
        { "RFC 3394's own example", rfc3394 },
        { "Wycheproof's AES-KW cases", wycheproof },
        { "a cipher that fails leaves nothing behind", a_failing_cipher },
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = { { "keywrap", NULL, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
