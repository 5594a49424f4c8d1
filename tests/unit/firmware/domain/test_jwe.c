/* JWE: both ways there and back, another implementation's text, headers in every spelling, every byte changed. */
#include "firmware/domain/jwe.h"

#include <openssl/rsa.h>

#include "firmware/base/base64url.h"
#include "firmware/domain/jwe_header.h"
#include "firmware/wire/limits.h"
#include "tests/unit/firmware/domain/domain_fixture.h"
#include "tests/unit/harness.h"

static uint8_t key[JWE_KEY_LEN];

static int make_key(void)
{
    for (unsigned i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)i;
    return 0;
}

static int free_keys(void)
{
    fixture_free();
    return 0;
}

/* --- headers --- */

static bool says(const char *text, const char *alg)
{
    struct bytes encoded = { 0 };
    bool result;

    base64url_append(&encoded, span_text(text));
    result = jwe_header_says(bytes_span(&encoded), alg);
    bytes_clear(&encoded);
    return result;
}

static void headers_may_be_spelled_in_many_ways(void)
{
    static const char *const good[] = {
        "{\"alg\":\"dir\",\"enc\":\"A256CBC-HS512\"}",
        "{\"enc\":\"A256CBC-HS512\",\"alg\":\"dir\"}",
        "{\"alg\":\"dir\",\"enc\":\"A256CBC-HS512\",\"kid\":\"tag\"}",
        "{\"kid\":\"\",\"alg\":\"dir\",\"typ\":\"JWE\",\"enc\":\"A256CBC-HS512\"}",
        " {\t\"alg\" :\r\n\"dir\" , \"enc\": \"A256CBC-HS512\" } \n",
        "{\"alg\":\"dir\",\"enc\":\"A256CBC-HS512\",\"a\":\"\",\"b\":\"\",\"c\":\"\",\"d\":\"\",\"e\":\"\",\"f\":\"\"}",
    };

    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        CU_ASSERT(says(good[i], "dir"));
        CU_ASSERT_FALSE(says(good[i], "RSA-OAEP-256"));
    }
    CU_ASSERT(says("{\"alg\":\"RSA-OAEP-256\",\"enc\":\"A256CBC-HS512\",\"kid\":\"not used\"}", "RSA-OAEP-256"));
}

/* With `alg` and `enc`, one more than there may be. */
#define SEVEN_MORE "\"a\":\"\",\"b\":\"\",\"c\":\"\",\"d\":\"\",\"e\":\"\",\"f\":\"\",\"g\":\"\""

static void other_headers_are_refused(void)
{
    static const char *const bad[] = {
        "",
        "{",
        "{}",
        "[]",
        "\"alg\"",
        "{\"alg\":\"dir\"}",
        "{\"enc\":\"A256CBC-HS512\"}",
        "{\"alg\":\"DIR\",\"enc\":\"A256CBC-HS512\"}",
        "{\"alg\":\"dir\",\"enc\":\"A128CBC-HS256\"}",
        "{\"alg\":\"dir\",\"enc\":\"A256CBC-HS5122\"}",
        "{\"alg\":\"dir\",\"enc\":\"A256CBC-HS51\"}",
        "{\"alg\":\"none\",\"enc\":\"A256CBC-HS512\"}",
        "{\"alg\":\"dir\",\"enc\":\"A256CBC-HS512\",\"alg\":\"dir\"}",
        "{\"alg\":\"none\",\"enc\":\"A256CBC-HS512\",\"alg\":\"dir\"}",
        "{\"alg\":\"dir\",\"enc\":\"A256CBC-HS512\",\"x\":\"1\",\"x\":\"2\"}",
        "{\"alg\":\"dir\",\"enc\":\"A256CBC-HS512\",\"zip\":\"DEF\"}",
        "{\"alg\":\"dir\",\"enc\":\"A256CBC-HS512\",\"crit\":\"x\"}",
        "{\"alg\":\"dir\",\"enc\":\"A256CBC-HS512\",\"crit\":[\"x\"]}",
        "{\"alg\":\"dir\",\"enc\":\"A256CBC-HS512\",\"x\":1}",
        "{\"alg\":\"dir\",\"enc\":\"A256CBC-HS512\",\"x\":null}",
        "{\"alg\":\"dir\",\"enc\":\"A256CBC-HS512\",\"x\":{\"y\":\"z\"}}",
        "{\"alg\":\"dir\",\"enc\":\"A256CBC-HS512\",}",
        "{,\"alg\":\"dir\",\"enc\":\"A256CBC-HS512\"}",
        "{\"alg\":\"dir\" \"enc\":\"A256CBC-HS512\"}",
        "{\"alg\":\"dir\",,\"enc\":\"A256CBC-HS512\"}",
        "{\"alg\" \"dir\",\"enc\":\"A256CBC-HS512\"}",
        "{\"alg\":\"dir\",\"enc\":\"A256CBC-HS512\"}}",
        "{\"alg\":\"dir\",\"enc\":\"A256CBC-HS512\"}x",
        "{\"alg\":\"dir\",\"enc\":\"A256CBC-HS512\"",
        "{\"alg\":\"dir\",\"enc\":\"A256CBC-HS512",
        "x{\"alg\":\"dir\",\"enc\":\"A256CBC-HS512\"}",
        "{\"alg\":\"d\\u0069r\",\"enc\":\"A256CBC-HS512\"}",
        "{\"alg\":\"dir\",\"enc\":\"A256CBC-HS512\",\"kid\":\"\xc3\xa4\"}",
        "{\"alg\":\"dir\",\"enc\":\"A256CBC-HS512\",\"kid\":\"\n\"}",
        "\xef\xbb\xbf{\"alg\":\"dir\",\"enc\":\"A256CBC-HS512\"}",
        "{'alg':'dir','enc':'A256CBC-HS512'}",
        "{\"alg\":\"dir\",\"enc\":\"A256CBC-HS512\"," SEVEN_MORE "}",
    };
    char text[JWE_HEADER_MAX];

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        CU_ASSERT_FALSE(says(bad[i], "dir"));
    for (size_t room = 300; room < 500; room++) { /* 512 characters are 384 bytes */
        snprintf(text, sizeof text, "{\"alg\":\"dir\",\"enc\":\"A256CBC-HS512\",\"x\":\"%0*d\"}", (int)room - 43, 0);
        CU_ASSERT_EQUAL(says(text, "dir"), strlen(text) <= 384);
    }
}

/* --- under a key that both have --- */

static void other_implementations_text_opens(void)
{
    static const char text[] =
        "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2Q0JDLUhTNTEyIiwia2lkIjoidGFnIn0..GvOMLcK5b_3YZpQJI0G8BA."
        "5TfyOW_f8HcEl9pA0i9sxQ.lC2LPvYxurzLU2CEkph648V_tiaZEtg24ccT962OhKs";
    struct secret plain = { 0 };

    CU_ASSERT_EQUAL(jwe_open_direct(key, span_text(text), &plain), ST_OK);
    CU_ASSERT(span_is(secret_span(&plain), "opened"));
    secret_clear(&plain);
}

static void direct_goes_there_and_back(void)
{
    static uint8_t text[40000];
    static const size_t lens[] = { 0, 1, 15, 16, 17, 1000, sizeof text };
    struct bytes jwe = { 0 };
    struct secret plain = { 0 };

    memset(text, 'x', sizeof text);
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        CU_ASSERT_EQUAL(jwe_seal_direct(key, "tag", span_of(text, lens[i]), fixture_draw, &jwe), ST_OK);
        CU_ASSERT_EQUAL(jwe_open_direct(key, bytes_span(&jwe), &plain), ST_OK);
        CU_ASSERT(span_equal(secret_span(&plain), span_of(text, lens[i])));
        CU_ASSERT(span_starts_with(bytes_span(&jwe),
                                   span_text("eyJhbGciOiJkaXIiLCJraWQiOiJ0YWciLCJlbmMiOiJBMjU2Q0JDLUhTNTEyIn0..")));
    }
    bytes_clear(&jwe);
    secret_clear(&plain);
}

typedef enum status open_text(struct span jwe, struct secret *plain);

static enum status open_direct(struct span jwe, struct secret *plain)
{
    return jwe_open_direct(key, jwe, plain);
}

static enum status open_with(struct span jwe, struct secret *plain)
{
    return jwe_open_with(fixture_holders()[0].key, jwe, plain);
}

static void expect_refusal(open_text *open, struct span jwe)
{
    struct secret plain = { 0 };

    CU_ASSERT_EQUAL(open(jwe, &plain), ST_BAD_CIPHERTEXT);
    CU_ASSERT(plain.len == 0 && plain.p == NULL);
    secret_clear(&plain);
}

/* Every character exchanged, every cut, and parts taken out or added. */
static void refuse_changes(open_text *open, struct bytes *jwe, size_t step)
{
    struct secret plain = { 0 };

    CU_ASSERT_EQUAL(open(bytes_span(jwe), &plain), ST_OK);
    secret_clear(&plain);
    for (size_t i = 0; i < jwe->len; i += step) {
        uint8_t was = jwe->p[i];

        jwe->p[i] = was == 'A' ? 'B' : was == '.' ? 'x' : 'A';
        expect_refusal(open, bytes_span(jwe));
        jwe->p[i] = '=';
        expect_refusal(open, bytes_span(jwe));
        jwe->p[i] = '.';
        if (was != '.')
            expect_refusal(open, bytes_span(jwe));
        jwe->p[i] = was;
        expect_refusal(open, span_of(jwe->p, i));
    }
    bytes_append_char(jwe, '.');
    expect_refusal(open, bytes_span(jwe));
    jwe->p[jwe->len - 1] = 'A';
    expect_refusal(open, bytes_span(jwe));
    expect_refusal(open, span_of(NULL, 0));
}

static void no_changed_text_opens(void)
{
    struct bytes jwe = { 0 };

    CU_ASSERT_EQUAL(jwe_seal_direct(key, "tag", span_text("secret"), fixture_draw, &jwe), ST_OK);
    refuse_changes(open_direct, &jwe, 1);
    CU_ASSERT_EQUAL(jwe_seal_to(fixture_holders()[0].key, span_text("secret"), fixture_draw, &jwe), ST_OK);
    refuse_changes(open_with, &jwe, 3);
    bytes_clear(&jwe);
}

/* What one implementation compares only as far as it is there. */
static void a_tag_is_whole_or_the_text_is_refused(void)
{
    struct bytes jwe = { 0 };
    struct secret plain = { 0 };

    CU_ASSERT_EQUAL(jwe_seal_direct(key, "tag", span_text("secret"), fixture_draw, &jwe), ST_OK);
    for (size_t cut = 1; cut <= 43; cut++) {
        CU_ASSERT_EQUAL(open_direct(bytes_span(&jwe), &plain), ST_OK); /* the right tag may still lie about */
        secret_clear(&plain);
        expect_refusal(open_direct, span_of(jwe.p, jwe.len - cut));
    }
    bytes_clear(&jwe);
}

/* The tag is not over it, so it is empty or the text is refused. */
static void a_direct_text_has_no_encrypted_key(void)
{
    struct bytes jwe = { 0 }, other = { 0 };
    size_t at;

    CU_ASSERT_EQUAL(jwe_seal_direct(key, "tag", span_text("secret"), fixture_draw, &jwe), ST_OK);
    at = (size_t)((uint8_t *)memmem(jwe.p, jwe.len, "..", 2) - jwe.p) + 1;
    bytes_append(&other, jwe.p, at);
    bytes_append_text(&other, "AAAA");
    bytes_append(&other, jwe.p + at, jwe.len - at);
    expect_refusal(open_direct, bytes_span(&other));
    bytes_clear(&jwe);
    bytes_clear(&other);
}

static void texts_are_bounded(void)
{
    struct bytes jwe = { 0 };
    static uint8_t text[DOMAIN_JWE_MAX];
    size_t len = 48900;
    struct secret plain = { 0 };

    do {
        CU_ASSERT_EQUAL_FATAL(jwe_seal_direct(key, "tag", span_of(text, ++len), fixture_draw, &jwe), ST_OK);
        if (jwe.len <= DOMAIN_JWE_MAX)
            CU_ASSERT_EQUAL(jwe_open_direct(key, bytes_span(&jwe), &plain), ST_OK);
    } while (jwe.len <= DOMAIN_JWE_MAX);
    expect_refusal(open_direct, bytes_span(&jwe));
    secret_clear(&plain);
    bytes_clear(&jwe);
}

static void another_key_does_not_open(void)
{
    struct bytes jwe = { 0 };
    struct secret plain = { 0 };
    uint8_t other[JWE_KEY_LEN];

    CU_ASSERT_EQUAL(jwe_seal_direct(key, "tag", span_text("secret"), fixture_draw, &jwe), ST_OK);
    memcpy(other, key, sizeof other);
    other[0] ^= 1;
    CU_ASSERT_EQUAL(jwe_open_direct(other, bytes_span(&jwe), &plain), ST_BAD_CIPHERTEXT);
    expect_refusal(open_with, bytes_span(&jwe));
    CU_ASSERT_EQUAL(jwe_seal_to(fixture_holders()[1].key, span_text("secret"), fixture_draw, &jwe), ST_OK);
    expect_refusal(open_with, bytes_span(&jwe));
    expect_refusal(open_direct, bytes_span(&jwe));
    CU_ASSERT_EQUAL(jwe_open_with(fixture_holders()[1].key, bytes_span(&jwe), &plain), ST_OK);
    secret_clear(&plain);
    bytes_clear(&jwe);
}

/* --- under a certificate's key --- */

static void rsa_goes_there_and_back(void)
{
    static const unsigned bits[] = { 2048, 3072, 4096 };

    for (size_t i = 0; i < ARRAY_LEN(bits); i++) {
        EVP_PKEY *rsa = fixture_rsa(bits[i]);
        struct bytes one = { 0 }, two = { 0 };
        struct secret plain = { 0 };

        CU_ASSERT_EQUAL(jwe_seal_to(rsa, span_text("secret"), fixture_draw, &one), ST_OK);
        CU_ASSERT_EQUAL(jwe_seal_to(rsa, span_text("secret"), fixture_draw, &two), ST_OK);
        CU_ASSERT_FALSE(span_equal(bytes_span(&one), bytes_span(&two)));
        CU_ASSERT_EQUAL(jwe_open_with(rsa, bytes_span(&one), &plain), ST_OK);
        CU_ASSERT(span_is(secret_span(&plain), "secret"));
        secret_clear(&plain);
        bytes_clear(&one);
        bytes_clear(&two);
        EVP_PKEY_free(rsa);
    }
}

static void other_keys_are_refused(void)
{
    EVP_PKEY *bad[] = { fixture_rsa(1024), fixture_rsa(2040), fixture_rsa(4104), EVP_EC_gen("P-256") };
    struct bytes jwe = { 0 };
    struct secret plain = { 0 };

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CU_ASSERT_FALSE(jwe_key_fits(bad[i]));
        CU_ASSERT_EQUAL(jwe_seal_to(bad[i], span_text("secret"), fixture_draw, &jwe), ST_UNSUPPORTED);
        CU_ASSERT_EQUAL(jwe_open_with(bad[i], span_text("a.b.c.d.e"), &plain), ST_UNSUPPORTED);
        EVP_PKEY_free(bad[i]);
    }
    bytes_clear(&jwe);
}

/* A text whose content key is one that `key` stands for, encrypted in whichever way. */
static void wrap(struct bytes *jwe, int padding, const EVP_MD *md, size_t key_len)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(fixture_holders()[0].key, NULL);
    uint8_t wrapped[256], iv[CBC_HMAC_IV_LEN] = { 0 }, tag[CBC_HMAC_TAG_LEN], sealed[16];
    size_t len = sizeof wrapped;

    bytes_reset(jwe);
    jwe_header_write(jwe, JWE_ALG_RSA, "not used");
    CU_ASSERT_FATAL(EVP_PKEY_encrypt_init(ctx) == 1 && EVP_PKEY_CTX_set_rsa_padding(ctx, padding) == 1);
    if (md != NULL)
        CU_ASSERT_FATAL(EVP_PKEY_CTX_set_rsa_oaep_md(ctx, md) == 1 && EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) == 1);
    CU_ASSERT_FATAL(EVP_PKEY_encrypt(ctx, wrapped, &len, key, key_len) == 1);
    CU_ASSERT_FATAL(cbc_hmac_seal(key, iv, bytes_span(jwe), span_text("secret"), sealed, tag) == ST_OK);
    bytes_append_char(jwe, '.');
    base64url_append(jwe, span_of(wrapped, len));
    bytes_append_char(jwe, '.');
    base64url_append(jwe, span_of(iv, sizeof iv));
    bytes_append_char(jwe, '.');
    base64url_append(jwe, span_of(sealed, sizeof sealed));
    bytes_append_char(jwe, '.');
    base64url_append(jwe, span_of(tag, sizeof tag));
    EVP_PKEY_CTX_free(ctx);
}

static void content_keys_come_in_one_way(void)
{
    struct bytes jwe = { 0 };
    struct secret plain = { 0 };

    wrap(&jwe, RSA_PKCS1_OAEP_PADDING, EVP_sha256(), JWE_KEY_LEN);
    CU_ASSERT_EQUAL(open_with(bytes_span(&jwe), &plain), ST_OK);
    wrap(&jwe, RSA_PKCS1_OAEP_PADDING, EVP_sha1(), JWE_KEY_LEN);
    expect_refusal(open_with, bytes_span(&jwe));
    wrap(&jwe, RSA_PKCS1_PADDING, NULL, JWE_KEY_LEN);
    expect_refusal(open_with, bytes_span(&jwe));
    key[JWE_KEY_LEN - 1] = 0; /* what a key that is too short must not be filled up with */
    wrap(&jwe, RSA_PKCS1_OAEP_PADDING, EVP_sha256(), JWE_KEY_LEN - 1);
    expect_refusal(open_with, bytes_span(&jwe));
    memset(key, 0, sizeof key);
    wrap(&jwe, RSA_PKCS1_OAEP_PADDING, EVP_sha256(), 0);
    expect_refusal(open_with, bytes_span(&jwe));
    make_key();
    secret_clear(&plain);
    bytes_clear(&jwe);
}

/* Were a key that does not decrypt taken as zeros, who knows that could write texts that open. */
static void zeros_are_no_content_key(void)
{
    struct bytes jwe = { 0 };

    memset(key, 0, sizeof key);
    wrap(&jwe, RSA_PKCS1_OAEP_PADDING, EVP_sha1(), JWE_KEY_LEN);
    expect_refusal(open_with, bytes_span(&jwe));
    make_key();
    bytes_clear(&jwe);
}

static void without_random_bytes_nothing_is_sealed(void)
{
    struct bytes jwe = { 0 };

    for (int n = 0; n < 2; n++) {
        draw_fail_after(n);
        CU_ASSERT_EQUAL(jwe_seal_to(fixture_holders()[0].key, span_text("secret"), fixture_draw, &jwe), ST_IO);
        CU_ASSERT_EQUAL(jwe.len, 0);
    }
    draw_fail_after(0);
    CU_ASSERT_EQUAL(jwe_seal_direct(key, "tag", span_text("secret"), fixture_draw, &jwe), ST_IO);
    CU_ASSERT_EQUAL(jwe.len, 0);
    draw_fail_after(-1);
    bytes_clear(&jwe);
}

static CU_TestInfo header_cases[] = {
    { "headers may be spelled in many ways", headers_may_be_spelled_in_many_ways },
    { "headers of another form, algorithm or length are refused", other_headers_are_refused },
    CU_TEST_INFO_NULL,
};

static CU_TestInfo text_cases[] = {
    { "another implementation's text opens", other_implementations_text_opens },
    { "under a common key, there and back", direct_goes_there_and_back },
    { "under RSA keys of each size, there and back", rsa_goes_there_and_back },
    { "no text opens of which a character was changed, or that was cut", no_changed_text_opens },
    { "a tag that is shortened, or not there, is refused", a_tag_is_whole_or_the_text_is_refused },
    { "a text under a common key has no encrypted key", a_direct_text_has_no_encrypted_key },
    { "texts are bounded", texts_are_bounded },
    { "another key, or another way, does not open", another_key_does_not_open },
    { "keys that are not RSA of 2,048 to 4,096 bits are refused", other_keys_are_refused },
    { "content keys of another padding, digest or length do not open", content_keys_come_in_one_way },
    { "a content key that does not decrypt is not taken as zeros", zeros_are_no_content_key },
    { "without random bytes nothing is sealed", without_random_bytes_nothing_is_sealed },
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = { { "JWE headers", NULL, NULL, NULL, NULL, header_cases },
                              { "JWE", make_key, free_keys, NULL, NULL, text_cases },
                              CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
