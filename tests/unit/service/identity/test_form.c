#include "service/identity/form.h"

#include <stdio.h>

#include "tests/unit/harness.h"

static enum status parse(const char *text)
{
    struct form f;
    enum status st = form_parse(&f, span_text(text));

    if (st != ST_OK) {
        CU_ASSERT_EQUAL(f.count, 0);
        CU_ASSERT_PTR_NULL(f.text.p);
    }
    form_clear(&f);
    return st;
}

static void fields(void)
{
    struct form f;

    CU_ASSERT_EQUAL(
        form_parse(&f, span_text("client_id=abc&scope=https%3A%2F%2Fvault.localhost%3a8443%2F.default+openid"
                                 "&empty=&flag&%63=%C3%A9%2b")),
        ST_OK);
    CU_ASSERT_EQUAL(f.count, 5);
    CU_ASSERT_TRUE(span_is(form_get(&f, "client_id"), "abc"));
    CU_ASSERT_TRUE(span_is(form_get(&f, "scope"), "https://vault.localhost:8443/.default openid"));
    CU_ASSERT_TRUE(span_is(form_get(&f, "c"), "\xc3\xa9+"));
    CU_ASSERT_EQUAL(form_get(&f, "empty").len, 0);
    CU_ASSERT_PTR_NOT_NULL(form_get(&f, "empty").p);
    CU_ASSERT_PTR_NOT_NULL(form_get(&f, "flag").p);
    CU_ASSERT_PTR_NULL(form_get(&f, "absent").p);
    CU_ASSERT_PTR_NULL(form_get(&f, "CLIENT_ID").p);
    form_clear(&f);
    CU_ASSERT_EQUAL(form_parse(&f, (struct span){ 0 }), ST_OK);
    CU_ASSERT_EQUAL(f.count, 0);
    form_clear(&f);
}

static void refusals(void)
{
    static const char *const bad[] = { "&",       "a=1&",    "&a=1",      "a=1&&b=2", "=1",     "=",
                                       "a=%",     "a=%4",    "a=%4g",     "a=%%41",   "a=%00",  "%00=1",
                                       "a=1&a=2", "a=1&a=1", "a=1&%61=2", "a=b c",    "a=\x01", "a=\xc3\xa9",
                                       "a=\x7f",  "a=1\r\n", "a=1\n&b=2", "a\t=1" };

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (parse(bad[i]) != ST_BAD_REQUEST) {
            printf("\n%s", bad[i]);
            CU_FAIL("a bad form was taken");
        }
    {
        struct form f;

        CU_ASSERT_EQUAL(form_parse(&f, span_of("a=1\0", 4)), ST_BAD_REQUEST);
    }
    CU_ASSERT_EQUAL(parse("a=1=2&A=;"), ST_OK); /* what stands behind the first `=` is the value */
}

static void limits(void)
{
    struct bytes b = { 0 };
    struct form f;

    for (unsigned count = FORM_FIELDS_MAX; count <= FORM_FIELDS_MAX + 1; count++) {
        bytes_reset(&b);
        for (unsigned i = 0; i < count; i++)
            bytes_printf(&b, "%sn%u=v", i > 0 ? "&" : "", i);
        CU_ASSERT_EQUAL(form_parse(&f, bytes_span(&b)), count == FORM_FIELDS_MAX ? ST_OK : ST_TOO_LARGE);
        form_clear(&f);
    }
    bytes_reset(&b);
    bytes_append_text(&b, "a=");
    while (b.len < FORM_TEXT_MAX)
        bytes_append_char(&b, 'x');
    CU_ASSERT_EQUAL(form_parse(&f, bytes_span(&b)), ST_OK);
    CU_ASSERT_EQUAL(form_get(&f, "a").len, FORM_TEXT_MAX - 2);
    form_clear(&f);
    bytes_append_char(&b, 'x');
    CU_ASSERT_EQUAL(form_parse(&f, bytes_span(&b)), ST_TOO_LARGE);
    bytes_clear(&b);
}

static void basic(void)
{
    static const char *const bad[] = { "",
                                       "Basic",
                                       "Basic ",
                                       "Basic YQ==",
                                       "Basic YTpi=",
                                       "Basic YTpi\n",
                                       "Basic  YTpi",
                                       "Bearer YTpi",
                                       "Basic YTp",
                                       "Basic YTp!",
                                       "Basic YTo_",
                                       "Basic YTol",
                                       "Basic YTo=x",
                                       "Basic YTp=" };
    struct secret text = { 0 };
    struct span id = { 0 }, password = { 0 };

    CU_ASSERT_EQUAL(basic_parse(span_text("Basic YWJjOmRlZg=="), &text, &id, &password), ST_OK); /* abc:def */
    CU_ASSERT_TRUE(span_is(id, "abc"));
    CU_ASSERT_TRUE(span_is(password, "def"));
    CU_ASSERT_EQUAL(basic_parse(span_text("bAsIc YSUzYWI6Yyt+ZA=="), &text, &id, &password), ST_OK); /* a%3ab:c+~d */
    CU_ASSERT_TRUE(span_is(id, "a:b"));
    CU_ASSERT_TRUE(span_is(password, "c ~d"));
    CU_ASSERT_EQUAL(basic_parse(span_text("Basic YTpiOmM="), &text, &id, &password), ST_OK); /* a:b:c */
    CU_ASSERT_TRUE(span_is(id, "a"));
    CU_ASSERT_TRUE(span_is(password, "b:c"));
    CU_ASSERT_EQUAL(basic_parse(span_text("Basic Og=="), &text, &id, &password), ST_OK); /* : */
    CU_ASSERT_EQUAL(id.len, 0);
    CU_ASSERT_EQUAL(password.len, 0);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (basic_parse(span_text(bad[i]), &text, &id, &password) != ST_BAD_REQUEST) {
            printf("\n%s", bad[i]);
            CU_FAIL("bad credentials were taken");
        }
        CU_ASSERT_PTR_NULL(text.p);
    }
    secret_clear(&text);
}

static CU_TestInfo cases[] = {
    { "fields are decoded", fields },
    { "ill-formed fields and repeated names are refused", refusals },
    { "64 fields and 64 KiB, and no more", limits },
    { "Basic credentials", basic },
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = { { .pName = "forms", .pTests = cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
