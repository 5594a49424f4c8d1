/* Unpadding against Wycheproof: libcrypto does the raw RSA that the token does in life. */
#include "pkcs11/token/unpad.h"

#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "tests/unit/pkcs11/token/vectors.h"

static EVP_PKEY *group_key(const json_t *group)
{
    struct bytes der = { 0 };
    struct span bytes = vector_hex(group, "privateKeyPkcs8", &der);
    const unsigned char *p = bytes.p;
    EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &p, (long)bytes.len);

    bytes_clear(&der);
    CU_ASSERT_PTR_NOT_NULL_FATAL(key);
    return key;
}

/* False: not a number below the modulus, as long as the modulus; those never reach the unpadding. */
static bool raw_decrypt(EVP_PKEY *key, struct span ciphertext, uint8_t em[UNPAD_EM_MAX], size_t *len)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    bool ok;

    *len = UNPAD_EM_MAX;
    ok = ciphertext.len == (size_t)EVP_PKEY_get_size(key) && EVP_PKEY_decrypt_init(ctx) == 1 &&
         EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) == 1 &&
         EVP_PKEY_decrypt(ctx, em, len, ciphertext.p, ciphertext.len) == 1;
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return ok;
}

static void check_oaep(EVP_PKEY *key, const EVP_MD *md, const json_t *test)
{
    struct bytes ct = { 0 }, msg = { 0 }, label = { 0 };
    uint8_t em[UNPAD_EM_MAX], out[UNPAD_EM_MAX];
    size_t em_len, len = 0;
    enum status st = ST_BAD_CIPHERTEXT;
    bool valid = strcmp(vector_text(test, "result"), "valid") == 0;

    vector_hex(test, "label", &label);
    if (raw_decrypt(key, vector_hex(test, "ct", &ct), em, &em_len))
        st = unpad_oaep(span_of(em, em_len), md, out, &len);
    if (label.len > 0)
        valid = false; /* we use none, so these must fail */
    CU_ASSERT_EQUAL(st, valid ? ST_OK : ST_BAD_CIPHERTEXT);
    if (valid)
        CU_ASSERT_TRUE(span_equal(span_of(out, len), vector_hex(test, "msg", &msg)));
    bytes_clear(&ct);
    bytes_clear(&msg);
    bytes_clear(&label);
}

static unsigned oaep_file(const char *file)
{
    json_t *root = vectors_load(file), *group, *test;
    unsigned count = 0;
    size_t g, i;

    json_array_foreach(json_object_get(root, "testGroups"), g, group)
    {
        const char *sha = vector_text(group, "sha");
        EVP_PKEY *key;

        if (strcmp(sha, vector_text(group, "mgfSha")) != 0 ||
            (strcmp(sha, "SHA-1") != 0 && strcmp(sha, "SHA-256") != 0) ||
            json_integer_value(json_object_get(group, "keySize")) > 8 * UNPAD_EM_MAX) /* larger than any key of ours */
            continue;
        key = group_key(group);
        json_array_foreach(json_object_get(group, "tests"), i, test)
        {
            check_oaep(key, strcmp(sha, "SHA-1") == 0 ? EVP_sha1() : EVP_sha256(), test);
            count++;
        }
        EVP_PKEY_free(key);
    }
    json_decref(root);
    return count;
}

static void wycheproof_oaep(void)
{
    unsigned count = oaep_file("rsa_oaep_2048_sha1_mgf1sha1_test.json") +
                     oaep_file("rsa_oaep_2048_sha256_mgf1sha256_test.json") +
                     oaep_file("rsa_oaep_3072_sha256_mgf1sha256_test.json") +
                     oaep_file("rsa_oaep_4096_sha256_mgf1sha256_test.json") + oaep_file("rsa_oaep_misc_test.json");

    CU_ASSERT_TRUE(count == 0 || count > 150);
}

static unsigned rejected;

static void check_pkcs1(EVP_PKEY *key, const json_t *test)
{
    static const uint8_t kdk[UNPAD_KDK_LEN] = { 7 }, other_kdk[UNPAD_KDK_LEN] = { 8 };
    bool valid = strcmp(vector_text(test, "result"), "valid") == 0;
    struct bytes ct = { 0 }, msg = { 0 };
    uint8_t em[UNPAD_EM_MAX], out[UNPAD_EM_MAX], again[UNPAD_EM_MAX];
    size_t em_len, len = 0, again_len = 0;
    struct span want = vector_hex(test, "msg", &msg);

    if (!raw_decrypt(key, vector_hex(test, "ct", &ct), em, &em_len)) {
        CU_ASSERT_FALSE(valid);
    } else {
        CU_ASSERT_EQUAL(unpad_pkcs1(span_of(em, em_len), kdk, out, &len), ST_OK);
        CU_ASSERT_EQUAL(unpad_pkcs1(span_of(em, em_len), kdk, again, &again_len), ST_OK);
        CU_ASSERT_TRUE(span_equal(span_of(out, len), span_of(again, again_len)));
        CU_ASSERT_TRUE(len <= em_len - 11);
        CU_ASSERT_EQUAL(unpad_pkcs1(span_of(em, em_len), other_kdk, again, &again_len), ST_OK);
        CU_ASSERT_EQUAL(span_equal(span_of(out, len), span_of(again, again_len)), valid);
        if (valid)
            CU_ASSERT_TRUE(span_equal(span_of(out, len), want));
        rejected += !valid;
    }
    bytes_clear(&ct);
    bytes_clear(&msg);
}

static void wycheproof_pkcs1(void)
{
    static const char *const files[] = { "rsa_pkcs1_2048_test.json", "rsa_pkcs1_3072_test.json",
                                         "rsa_pkcs1_4096_test.json" };
    unsigned count = 0;

    rejected = 0;
    for (unsigned f = 0; f < ARRAY_LEN(files); f++) {
        json_t *root = vectors_load(files[f]), *group, *test;
        size_t g, i;

        json_array_foreach(json_object_get(root, "testGroups"), g, group)
        {
            EVP_PKEY *key = group_key(group);

            json_array_foreach(json_object_get(group, "tests"), i, test)
            {
                check_pkcs1(key, test);
                count++;
            }
            EVP_PKEY_free(key);
        }
        json_decref(root);
    }
    CU_ASSERT_TRUE(count == 0 || (count > 180 && rejected > 30));
}

/* draft-irtf-cfrg-rsa-guidance gives no bare pseudo-random test values, so these are its definition, computed the slow
 * way for one length: HMAC-SHA256(kdk, 0000 || "length" || 0800) starts the candidates. */
static void rejection_follows_the_draft(void)
{
    static const uint8_t kdk[UNPAD_KDK_LEN] = { 0x42 };
    uint8_t em[256] = { 0 }, out[256], block[32], candidates[256], message[256];
    size_t len = 0, want = 0;
    unsigned n;

    for (unsigned i = 0; i < 8; i++) {
        const uint8_t a[] = { 0, (uint8_t)i, 'l', 'e', 'n', 'g', 't', 'h', 0x08, 0x00 };
        const uint8_t b[] = { 0, (uint8_t)i, 'm', 'e', 's', 's', 'a', 'g', 'e', 0x08, 0x00 };

        CU_ASSERT_PTR_NOT_NULL(
            EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, kdk, sizeof kdk, a, sizeof a, block, 32, NULL));
        memcpy(candidates + 32 * i, block, 32);
        CU_ASSERT_PTR_NOT_NULL(
            EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, kdk, sizeof kdk, b, sizeof b, block, 32, NULL));
        memcpy(message + 32 * i, block, 32);
    }
    for (n = 0; n < 256; n += 2) {
        size_t candidate = ((size_t)candidates[n] << 8 | candidates[n + 1]) & 0xff;

        if (candidate < 256 - 10)
            want = candidate;
    }
    CU_ASSERT_EQUAL(unpad_pkcs1(span_of(em, sizeof em), kdk, out, &len), ST_OK);
    CU_ASSERT_EQUAL(len, want);
    CU_ASSERT_EQUAL(memcmp(out, message + 256 - want, want), 0);
}

static void edges_of_pkcs1(void)
{
    static const uint8_t kdk[UNPAD_KDK_LEN] = { 1 };
    uint8_t em[256], out[256], random[256];
    size_t len, random_len;

    memset(em, 0, sizeof em);
    CU_ASSERT_EQUAL(unpad_pkcs1(span_of(em, sizeof em), kdk, random, &random_len), ST_OK);
    memset(em, 0xaa, sizeof em);
    em[0] = 0;
    em[1] = 2;
    em[255] = 0; /* an empty message */
    CU_ASSERT_EQUAL(unpad_pkcs1(span_of(em, sizeof em), kdk, out, &len), ST_OK);
    CU_ASSERT_EQUAL(len, 0);
    em[10] = 0; /* eight bytes of padding: just enough */
    CU_ASSERT_EQUAL(unpad_pkcs1(span_of(em, sizeof em), kdk, out, &len), ST_OK);
    CU_ASSERT_EQUAL(len, 245);
    em[9] = 0; /* seven: wrong, and as if it were nothing at all */
    CU_ASSERT_EQUAL(unpad_pkcs1(span_of(em, sizeof em), kdk, out, &len), ST_OK);
    CU_ASSERT_TRUE(span_equal(span_of(out, len), span_of(random, random_len)));
    em[9] = em[10] = em[255] = 0xaa; /* no zero */
    CU_ASSERT_EQUAL(unpad_pkcs1(span_of(em, sizeof em), kdk, out, &len), ST_OK);
    CU_ASSERT_TRUE(span_equal(span_of(out, len), span_of(random, random_len)));
    em[255] = 0;
    em[1] = 1; /* a signature's padding */
    CU_ASSERT_EQUAL(unpad_pkcs1(span_of(em, sizeof em), kdk, out, &len), ST_OK);
    CU_ASSERT_TRUE(span_equal(span_of(out, len), span_of(random, random_len)));
    em[1] = 2;
    em[0] = 1;
    CU_ASSERT_EQUAL(unpad_pkcs1(span_of(em, sizeof em), kdk, out, &len), ST_OK);
    CU_ASSERT_TRUE(span_equal(span_of(out, len), span_of(random, random_len)));
}

static void impossible_lengths(void)
{
    static const uint8_t em[UNPAD_EM_MAX + 1], kdk[UNPAD_KDK_LEN];
    uint8_t out[UNPAD_EM_MAX + 1];
    size_t len;

    CU_ASSERT_EQUAL(unpad_pkcs1(span_of(em, sizeof em), kdk, out, &len), ST_INTERNAL);
    CU_ASSERT_EQUAL(unpad_pkcs1(span_of(em, 10), kdk, out, &len), ST_INTERNAL);
    CU_ASSERT_EQUAL(unpad_oaep(span_of(em, sizeof em), EVP_sha1(), out, &len), ST_BAD_CIPHERTEXT);
    CU_ASSERT_EQUAL(unpad_oaep(span_of(em, 10), EVP_sha1(), out, &len), ST_BAD_CIPHERTEXT);
}

int main(void)
{
    CU_TestInfo cases[] = {
        { "Wycheproof's OAEP cases, SHA-1 and SHA-256", wycheproof_oaep },
        { "Wycheproof's PKCS #1 v1.5 cases: none fails, good ones are read, bad ones follow the key",
          wycheproof_pkcs1 },
        { "the rejected message is the draft's", rejection_follows_the_draft },
        { "the edges of PKCS #1 v1.5", edges_of_pkcs1 },
        { "lengths that no key has", impossible_lengths },
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = { { "unpad", NULL, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
