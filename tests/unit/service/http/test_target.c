#include "service/http/target.h"
#include "tests/unit/harness.h"

static struct target t;

static enum status parse(const char *text)
{
    target_clear(&t);
    return target_parse(&t, span_text(text));
}

static void path_is_cut_into_segments(void)
{
    CU_ASSERT(parse("/keys/name/0123/sign") == ST_OK);
    CU_ASSERT_FATAL(t.segment_count == 4);
    CU_ASSERT(span_is(t.segments[0], "keys") && span_is(t.segments[3], "sign"));
    CU_ASSERT(parse("/") == ST_OK && t.segment_count == 0);
    CU_ASSERT(parse("/a%2Db%c3%a9") == ST_OK && span_is(t.segments[0], "a-b\xc3\xa9"));
    target_clear(&t);
}

static void slashes_collapse(void)
{
    CU_ASSERT(parse("/keys/n//sign") == ST_OK && t.segment_count == 3);
    CU_ASSERT(parse("//secrets/n/") == ST_OK && t.segment_count == 2);
    CU_ASSERT(parse("///providers//x///") == ST_OK && t.segment_count == 2);
    target_clear(&t);
}

static void parameter_names_are_decoded(void)
{
    struct span v;

    CU_ASSERT(parse("/keys?api%2Dversion=7.4&maxresults=5&%24skiptoken=a%26b=") == ST_OK);
    CU_ASSERT(span_is(target_param(&t, "api-version"), "7.4"));
    CU_ASSERT(span_is(target_param(&t, "API-Version"), "7.4"));
    CU_ASSERT(span_is(target_param(&t, "$skiptoken"), "a&b="));
    CU_ASSERT(target_param(&t, "none").p == NULL);
    CU_ASSERT(parse("/r?$filter=resourceType+eq%20'x'&flag&&") == ST_OK && t.param_count == 2);
    CU_ASSERT(span_is(target_param(&t, "$filter"), "resourceType eq 'x'"));
    v = target_param(&t, "flag");
    CU_ASSERT(v.p != NULL && v.len == 0);
    CU_ASSERT(parse("/r?") == ST_OK && t.param_count == 0);
    target_clear(&t);
}

static const char *const bad[] = {
    "",
    "keys",
    "*",
    "http://host/keys",
    "/a/./b",
    "/a/../b",
    "/.",
    "/..",
    "/%2e",
    "/%2E%2e/",
    "/a/.%2e/b",
    "/%00",
    "/a%00b",
    "/a%2fb",
    "/a%2Fb",
    "/a%5cb",
    "/a\\b",
    "/a%",
    "/a%4",
    "/a%zz",
    "/a%4g",
    "/%c0%af",
    "/%e0%80%af",
    "/%ff",
    "/%c3",
    "/%ed%a0%80",
    "/%f4%90%80%80",
    "/%252e%252e/",
    "/a%25",
    "/a b",
    "/a\tb",
    "/a%0ab",
    "/a%7f",
    "/a#b",
    "/a?x=1#b",
    "/\xc3\xa9",
    "/a<b",
    "/a\"b",
    "/a{b",
    "/a?x=%00",
    "/a?x=%0d%0a",
    "/a?x=%c0%80",
    "/a?x=%",
    "/a?=1",
    "/a?x=1&x=2",
    "/a?x=1&X=2",
    "/a?api-version=1&api%2dversion=2",
    "/a?x=\\",
    "/a?x=<",
};

static void what_only_attackers_send_is_refused(void)
{
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        enum status st = parse(bad[i]);

        CU_ASSERT(st == ST_BAD_REQUEST);
        if (st != ST_BAD_REQUEST)
            printf("\n  taken: %s", bad[i]);
        CU_ASSERT(t.storage.p == NULL);
    }
    CU_ASSERT(target_parse(&t, span_of("/a\0b", 4)) == ST_BAD_REQUEST);
}

static void too_much_is_refused(void)
{
    struct bytes b = { 0 };

    bytes_append_char(&b, '/');
    for (size_t i = 0; i < TARGET_MAX; i++)
        bytes_append_char(&b, 'a');
    CU_ASSERT(target_parse(&t, bytes_span(&b)) == ST_TOO_LARGE);
    CU_ASSERT(target_parse(&t, span_of(b.p, TARGET_MAX)) == ST_OK);
    target_clear(&t);
    bytes_reset(&b);
    for (size_t i = 0; i < TARGET_SEGMENTS_MAX; i++)
        bytes_append_text(&b, "/a");
    CU_ASSERT(target_parse(&t, bytes_span(&b)) == ST_OK && t.segment_count == TARGET_SEGMENTS_MAX);
    target_clear(&t);
    bytes_append_text(&b, "/a");
    CU_ASSERT(target_parse(&t, bytes_span(&b)) == ST_BAD_REQUEST);
    bytes_reset(&b);
    bytes_append_text(&b, "/?");
    for (size_t i = 0; i <= TARGET_PARAMS_MAX; i++)
        bytes_printf(&b, "p%zu=1&", i);
    CU_ASSERT(target_parse(&t, bytes_span(&b)) == ST_BAD_REQUEST);
    bytes_clear(&b);
}

static CU_TestInfo cases[] = {
    { "a path is cut into decoded segments", path_is_cut_into_segments },
    { "runs of slashes count as one, one at the end as none", slashes_collapse },
    { "parameter names are decoded and compared without regard to case", parameter_names_are_decoded },
    { "dots, coded slashes, NUL, bad coding, double coding, repeated names are refused",
      what_only_attackers_send_is_refused },
    { "too long a target, too many parts are refused", too_much_is_refused },
    CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = { { "target", NULL, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

int main(void)
{
    return run_suites(suites);
}
