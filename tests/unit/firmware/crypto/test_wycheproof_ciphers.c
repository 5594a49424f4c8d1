#include <jansson.h>
#include <stdio.h>

#include "tests/unit/firmware/crypto/crypto_fixture.h"

/* Wycheproof's verdicts on AES and the MACs, straight at the mechanisms. */

#define HMAC_KEY_MIN 14 /* bytes: shorter ones are refused */
#define GCM_IV_MAX   128

static unsigned cases, left_out;

static const char *text(const json_t *object, const char *name)
{
    const char *s = json_string_value(json_object_get(object, name));

    return s != NULL ? s : "";
}

static void judge(const json_t *test, const char *file, bool accepted)
{
    const char *verdict = text(test, "result");

    cases++;
    if (strcmp(verdict, "acceptable") == 0 || (strcmp(verdict, "valid") == 0) == accepted)
        return;
    fprintf(stderr, "%s %lld (%s): %s, but %s\n", file, (long long)json_integer_value(json_object_get(test, "tcId")),
            text(test, "comment"), verdict, accepted ? "accepted" : "refused");
    CU_FAIL("another verdict than the file's");
}

typedef void each_test(const json_t *group, const json_t *test, const char *file, CK_MECHANISM_TYPE type);

static void run(const char *name, CK_MECHANISM_TYPE type, each_test *each)
{
    const char *folder = vectors_folder("wycheproof");
    char path[512];
    json_t *root;

    if (folder == NULL)
        return;
    snprintf(path, sizeof path, "%s/%s_test.json", folder, name);
    root = json_load_file(path, 0, NULL);
    CU_ASSERT_FATAL(root != NULL);
    for (size_t g = 0; g < json_array_size(json_object_get(root, "testGroups")); g++) {
        const json_t *group = json_array_get(json_object_get(root, "testGroups"), g);
        const json_t *tests = json_object_get(group, "tests");

        for (size_t t = 0; t < json_array_size(tests); t++) {
            each(group, json_array_get(tests, t), name, type);
            fixture_end();
        }
    }
    json_decref(root);
}

static CK_ULONG bits_of(const json_t *group, const char *name)
{
    return (CK_ULONG)json_integer_value(json_object_get(group, name));
}

/* Both ways for a valid case; a case that is not valid must not decrypt. */
static void judge_cipher(const struct mechanism *m, const json_t *test, const char *file, const char *sealed)
{
    struct key *k = secret_key(CKK_AES, text(test, "key"));
    struct span plain = hex(text(test, "msg")), cipher = hex(sealed);
    bool is_valid = strcmp(text(test, "result"), "valid") == 0;
    CK_RV rv;

    if (is_valid) {
        CU_ASSERT(computes(OPERATION_ENCRYPT, m, k, plain, cipher) == CKR_OK);
        rv = computes(OPERATION_DECRYPT, m, k, cipher, plain);
    } else {
        uint8_t back[1024];
        struct output out = { .p = back, .room = sizeof back };

        rv = operation_compute(OPERATION_DECRYPT, m, k, cipher, span_of(NULL, 0), &out);
        CU_ASSERT(rv == CKR_OK || rv == CKR_ENCRYPTED_DATA_INVALID || rv == CKR_ENCRYPTED_DATA_LEN_RANGE ||
                  rv == CKR_MECHANISM_PARAM_INVALID);
    }
    key_unref(k);
    judge(test, file, rv == CKR_OK);
}

static void on_gcm(const json_t *group, const json_t *test, const char *file, CK_MECHANISM_TYPE type)
{
    struct mechanism m = { .type = type,
                           .has_parameter = true,
                           .iv = hex(text(test, "iv")),
                           .aad = hex(text(test, "aad")),
                           .number = bits_of(group, "tagSize") };
    char sealed[2048];

    if (m.iv.len > GCM_IV_MAX) {
        left_out++; /* longer than libcrypto takes */
        return;
    }
    snprintf(sealed, sizeof sealed, "%s%s", text(test, "ct"), text(test, "tag"));
    judge_cipher(&m, test, file, sealed);
}

static void on_cbc(const json_t *group, const json_t *test, const char *file, CK_MECHANISM_TYPE type)
{
    struct mechanism m = { .type = type, .has_parameter = true, .iv = hex(text(test, "iv")) };

    (void)group;
    judge_cipher(&m, test, file, text(test, "ct"));
}

static void on_wrap(const json_t *group, const json_t *test, const char *file, CK_MECHANISM_TYPE type)
{
    struct mechanism m = { .type = type };

    (void)group;
    judge_cipher(&m, test, file, text(test, "ct"));
}

static void judge_mac(const struct mechanism *m, CK_KEY_TYPE key_type, const json_t *test, const char *file)
{
    struct key *k = secret_key(key_type, text(test, "key"));
    struct span in = hex(text(test, "msg")), tag = hex(text(test, "tag"));
    CK_RV rv = computes(OPERATION_VERIFY, m, k, in, tag);

    if (rv == CKR_OK)
        CU_ASSERT(computes(OPERATION_SIGN, m, k, in, tag) == CKR_OK);
    key_unref(k);
    judge(test, file, rv == CKR_OK);
}

static void on_mac(const json_t *group, const json_t *test, const char *file, CK_MECHANISM_TYPE type)
{
    struct mechanism m = { .type = type, .has_parameter = true, .number = bits_of(group, "tagSize") / 8 };
    CK_KEY_TYPE key_type = type == CKM_AES_CMAC_GENERAL ? CKK_AES : CKK_GENERIC_SECRET;
    size_t key_len = strlen(text(test, "key")) / 2;

    if (key_type == CKK_AES && key_len != 16 && key_len != 24 && key_len != 32) {
        judge(test, file, false); /* no such key comes into being */
        return;
    }
    if (key_type != CKK_AES && key_len < HMAC_KEY_MIN) {
        left_out++;
        return;
    }
    judge_mac(&m, key_type, test, file);
}

static void on_gmac(const json_t *group, const json_t *test, const char *file, CK_MECHANISM_TYPE type)
{
    struct mechanism m = {
        .type = type, .has_parameter = true, .number = bits_of(group, "tagSize"), .iv = hex(text(test, "iv"))
    };

    if (m.iv.len > GCM_IV_MAX) {
        left_out++;
        return;
    }
    judge_mac(&m, CKK_AES, test, file);
}

static void aes(void)
{
    run("aes_gcm", CKM_AES_GCM, on_gcm);
    run("aes_cbc_pkcs5", CKM_AES_CBC_PAD, on_cbc);
    run("aes_wrap", CKM_AES_KEY_WRAP, on_wrap);
    run("aes_kwp", CKM_AES_KEY_WRAP_KWP, on_wrap);
}

static void macs(void)
{
    run("aes_cmac", CKM_AES_CMAC_GENERAL, on_mac);
    run("aes_gmac", CKM_AES_GMAC, on_gmac);
    run("hmac_sha1", CKM_SHA_1_HMAC_GENERAL, on_mac);
    run("hmac_sha224", CKM_SHA224_HMAC_GENERAL, on_mac);
    run("hmac_sha256", CKM_SHA256_HMAC_GENERAL, on_mac);
    run("hmac_sha384", CKM_SHA384_HMAC_GENERAL, on_mac);
    run("hmac_sha512", CKM_SHA512_HMAC_GENERAL, on_mac);
    run("hmac_sha512_256", CKM_SHA512_256_HMAC_GENERAL, on_mac);
    run("hmac_sha3_256", CKM_SHA3_256_HMAC_GENERAL, on_mac);
    run("hmac_sha3_384", CKM_SHA3_384_HMAC_GENERAL, on_mac);
    run("hmac_sha3_512", CKM_SHA3_512_HMAC_GENERAL, on_mac);
}

int main(void)
{
    CU_TestInfo tests[] = { { "AES in its modes", aes }, { "MACs", macs }, CU_TEST_INFO_NULL };
    CU_SuiteInfo suites[] = { { .pName = "Wycheproof: ciphers and MACs", .pTests = tests }, CU_SUITE_INFO_NULL };
    int rc = run_suites(suites);

    printf("%u cases, %u left out\n", cases, left_out);
    return rc;
}
