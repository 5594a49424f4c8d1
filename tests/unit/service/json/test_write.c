#include "service/json/json.h"

#include "tests/unit/harness.h"

static void everything(void)
{
    struct bytes out = { 0 };
    struct json_writer w;

    json_begin(&w, &out);
    json_open_object(&w, NULL);
    json_open_array(&w, "value");
    json_open_object(&w, NULL);
    json_put_text(&w, "kid", span_text("https://v/keys/k"));
    json_put_bool(&w, "enabled", true);
    json_put_bool(&w, "managed", false);
    json_close_object(&w);
    json_put_text(&w, NULL, span_text("x"));
    json_put_int(&w, NULL, -12);
    json_open_array(&w, NULL);
    json_close_array(&w);
    json_open_object(&w, NULL);
    json_close_object(&w);
    json_close_array(&w);
    json_put_null(&w, "nextLink");
    json_put_base64url(&w, "n", span_of("\xff\xfe\xfd\xfc", 4));
    json_put_base64url(&w, "empty", (struct span){ 0 });
    json_put_raw(&w, "raw", span_text("{\"a\":1}"));
    json_close_object(&w);
    CU_ASSERT_EQUAL(bytes_status(&out), ST_OK);
    CU_ASSERT_STRING_EQUAL(
        bytes_text(&out),
        "{\"value\":[{\"kid\":\"https://v/keys/k\",\"enabled\":true,\"managed\":false},\"x\",-12,[],{}],"
        "\"nextLink\":null,\"n\":\"__79_A\",\"empty\":\"\",\"raw\":{\"a\":1}}");
    bytes_clear(&out);
}

static void integers(void)
{
    static const struct {
        int64_t value;
        const char *text;
    } cases[] = { { 0, "0" },
                  { 7, "7" },
                  { -1, "-1" },
                  { 1600000000, "1600000000" },
                  { INT64_MAX, "9223372036854775807" },
                  { INT64_MIN, "-9223372036854775808" } };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct bytes out = { 0 };
        struct json_writer w;

        json_begin(&w, &out);
        json_put_int(&w, NULL, cases[i].value);
        CU_ASSERT_STRING_EQUAL(bytes_text(&out), cases[i].text);
        bytes_clear(&out);
    }
}

static void written_as(struct span value, const char *expected)
{
    struct bytes out = { 0 };
    struct json_writer w;
    json_t *read;

    json_begin(&w, &out);
    json_put_text(&w, NULL, value);
    CU_ASSERT_STRING_EQUAL(bytes_text(&out), expected);
    CU_ASSERT_PTR_NOT_NULL(read = json_loadb((const char *)out.p, out.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL));
    json_decref(read);
    bytes_clear(&out);
}

static void escapes(void)
{
    written_as((struct span){ 0 }, "\"\"");
    written_as(span_text("plain / 'text' <&> \x7f"), "\"plain / 'text' <&> \x7f\"");
    written_as(span_text("\"\\"), "\"\\\"\\\\\"");
    written_as(span_text("a\"b\\c"), "\"a\\\"b\\\\c\"");
    written_as(span_text("\b\t\n\f\r\x01\x1f\x0b"), "\"\\b\\t\\n\\f\\r\\u0001\\u001f\\u000b\"");
    written_as(span_of("\0", 1), "\"\\u0000\"");
    written_as(span_text("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \xf4\x8f\xbf\xbf"),
               "\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \xf4\x8f\xbf\xbf\"");
}

#define U_FFFD "\xef\xbf\xbd"

static void broken_utf8(void)
{
    written_as(span_text("\x80"), "\"" U_FFFD "\"");
    written_as(span_text("a\xff"
                         "b"),
               "\"a" U_FFFD "b\"");
    written_as(span_text("\xc3"), "\"" U_FFFD "\"");
    written_as(span_text("\xc3\""), "\"" U_FFFD "\\\"\"");
    written_as(span_text("\xe2\x82"), "\"" U_FFFD U_FFFD "\"");
    written_as(span_text("\xc0\xaf"), "\"" U_FFFD U_FFFD "\"");            /* overlong */
    written_as(span_text("\xe0\x9f\xbf"), "\"" U_FFFD U_FFFD U_FFFD "\""); /* overlong */
    written_as(span_text("\xed\xa0\x80"), "\"" U_FFFD U_FFFD U_FFFD "\""); /* a surrogate */
    written_as(span_text("\xf0\x8f\xbf\xbf"), "\"" U_FFFD U_FFFD U_FFFD U_FFFD "\"");
    written_as(span_text("\xf4\x90\x80\x80"), "\"" U_FFFD U_FFFD U_FFFD U_FFFD "\""); /* above U+10FFFF */
    written_as(span_text("\xf8\x88\x80\x80\x80"), "\"" U_FFFD U_FFFD U_FFFD U_FFFD U_FFFD "\"");
}

static void names(void)
{
    struct bytes out = { 0 };
    struct json_writer w;

    json_begin(&w, &out);
    json_open_object(&w, NULL);
    json_put_int(&w, "a\"},\n", 1); /* a tag's name comes from a client */
    json_close_object(&w);
    CU_ASSERT_STRING_EQUAL(bytes_text(&out), "{\"a\\\"},\\n\":1}");
    bytes_clear(&out);
}

/* Every string of two bytes comes out as valid JSON; and as itself, when it was valid UTF-8. */
static void all_pairs(void)
{
    struct bytes out = { 0 };
    unsigned changed = 0;

    for (unsigned v = 0; v < 0x10000; v++) {
        uint8_t pair[2] = { (uint8_t)(v >> 8), (uint8_t)v };
        struct json_writer w;
        json_t *read;

        bytes_reset(&out);
        json_begin(&w, &out);
        json_put_text(&w, NULL, span_of(pair, 2));
        read = json_loadb((const char *)out.p, out.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        CU_ASSERT_PTR_NOT_NULL_FATAL(read);
        if (!span_equal(span_of(json_string_value(read), json_string_length(read)), span_of(pair, 2)))
            changed++;
        json_decref(read);
    }
    /* Valid are 128 * 128 pairs of ASCII and 30 * 64 sequences of two bytes. */
    CU_ASSERT_EQUAL(changed, 0x10000 - 128 * 128 - 30 * 64);
    bytes_clear(&out);
}

static CU_TestInfo cases[] = {
    { "objects, arrays and every kind of value, with their commas", everything },
    { "integers to both ends of 64 bits", integers },
    { "quotes, backslashes and control characters are escaped", escapes },
    { "what is not UTF-8 becomes U+FFFD", broken_utf8 },
    { "names are escaped too", names },
    { "each pair of bytes is written as valid JSON", all_pairs },
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = { { .pName = "writing", .pTests = cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
