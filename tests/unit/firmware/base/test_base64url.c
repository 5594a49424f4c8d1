#include "firmware/base/base64url.h"

#include "tests/unit/harness.h"

static bool encodes(const char *plain, const char *text)
{
    struct bytes b = { 0 };
    bool same;

    base64url_append(&b, span_text(plain));
    same = strcmp(bytes_text(&b), text) == 0 && b.len == base64url_encoded_len(strlen(plain));
    bytes_clear(&b);
    return same;
}

static bool decodes(const char *text, const void *plain, size_t len)
{
    struct bytes b = { 0 };
    struct secret s = { 0 };
    bool same = base64url_decode(&b, span_text(text)) == ST_OK && span_equal(bytes_span(&b), span_of(plain, len)) &&
                base64url_decode_secret(&s, span_text(text)) == ST_OK &&
                span_equal(secret_span(&s), span_of(plain, len)) && base64url_decoded_len(strlen(text)) == len;

    bytes_clear(&b);
    secret_clear(&s);
    return same;
}

static bool is_refused(const char *text)
{
    struct bytes b = { 0 };
    struct secret s = { 0 };
    bool refused = base64url_decode(&b, span_text(text)) == ST_BAD_REQUEST && b.len == 0 &&
                   base64url_decode_secret(&s, span_text(text)) == ST_BAD_REQUEST && s.p == NULL;

    bytes_clear(&b);
    secret_clear(&s);
    return refused;
}

static void rfc_4648_section_10(void)
{
    static const char *const pairs[][2] = {
        { "", "" },           { "f", "Zg" },          { "fo", "Zm8" },         { "foo", "Zm9v" },
        { "foob", "Zm9vYg" }, { "fooba", "Zm9vYmE" }, { "foobar", "Zm9vYmFy" }
    };

    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        CU_ASSERT(encodes(pairs[i][0], pairs[i][1]));
        CU_ASSERT(decodes(pairs[i][1], pairs[i][0], strlen(pairs[i][0])));
    }
    CU_ASSERT(encodes("\xfb\xff\xbf", "-_-_")); /* the two characters that differ from base64 */
    CU_ASSERT(decodes("-_-_", "\xfb\xff\xbf", 3));
    CU_ASSERT(decodes("AAAA", "\0\0\0", 3));
}

static void every_byte_comes_back(void)
{
    uint8_t all[256];
    struct bytes text = { 0 }, back = { 0 };

    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (uint8_t)(i * 89);
    for (size_t len = 0; len <= sizeof all; len++) {
        bytes_reset(&text);
        base64url_append(&text, span_of(all, len));
        CU_ASSERT(bytes_status(&text) == ST_OK && text.p[text.len] == '\0');
        CU_ASSERT(base64url_decode(&back, bytes_span(&text)) == ST_OK);
        CU_ASSERT(span_equal(bytes_span(&back), span_of(all, len)));
    }
    bytes_clear(&text);
    bytes_clear(&back);
}

static void what_is_not_base64url_is_refused(void)
{
    static const char *const bad[] = { "Zg==", "Zg=",  "Zm8=", "Z",    "Zm9vY",   "Zm9v YmFy", "Zm9v\n",
                                       " Zg",  "+/+/", "Zm9+", "Zm9/", "Zm\x80v", "Zm9v.",     "Zm9\xc3\xa9" };

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        CU_ASSERT(is_refused(bad[i]));
    for (unsigned c = 0; c < 256; c++) { /* of all bytes, the 64 alone */
        char text[5] = { 'A', 'A', (char)c, 'A', '\0' };
        uint8_t out[3];
        size_t len;
        bool wanted =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';

        CU_ASSERT((base64url_decode_to(out, &len, span_of(text, 4)) == ST_OK) == wanted);
    }
}

/* Last bits that stand for nothing must be zero, or several texts would mean the same. */
static void one_text_for_each_byte_string(void)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    unsigned two = 0, three = 0;

    for (size_t i = 0; i < 64; i++) {
        char text[4] = { 'Z', alphabet[i], '\0', '\0' };

        two += !is_refused(text);
        text[1] = 'm';
        text[2] = alphabet[i];
        three += !is_refused(text);
    }
    CU_ASSERT(two == 4);    /* 2 of 6 bits count */
    CU_ASSERT(three == 16); /* 4 of 6 */
    CU_ASSERT(is_refused("Zh"));
    CU_ASSERT(is_refused("Zm9"));
}

static void a_secret_that_is_too_large_is_refused(void)
{
    static char text[(SECRET_MAX + 3) / 3 * 4];
    struct secret s = { 0 };

    memset(text, 'A', sizeof text);
    CU_ASSERT(base64url_decode_secret(&s, span_of(text, sizeof text)) == ST_TOO_LARGE);
    CU_ASSERT(s.p == NULL);
    secret_clear(&s);
}

int main(void)
{
    CU_TestInfo cases[] = { { "the known answers of RFC 4648, 10", rfc_4648_section_10 },
                            { "every byte comes back, at every length", every_byte_comes_back },
                            { "padding, the other alphabet, spaces and bad lengths are refused",
                              what_is_not_base64url_is_refused },
                            { "there is one text for each byte string", one_text_for_each_byte_string },
                            { "a secret that is too large is refused", a_secret_that_is_too_large_is_refused },
                            CU_TEST_INFO_NULL };
    CU_SuiteInfo suites[] = { { .pName = "base64url", .pTests = cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
