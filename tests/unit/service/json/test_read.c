#include "service/json/json.h"

#include <dirent.h>
#include <stdio.h>

#include "tests/unit/harness.h"

static enum status read_text(const char *text)
{
    json_t *tree = NULL;
    enum status st = json_read_object(span_text(text), JSON_BODY_MAX, &tree);

    CU_ASSERT((st == ST_OK) == (tree != NULL));
    json_decref(tree);
    return st;
}

/* ---- the JSONTestSuite ---- */

/* Valid by RFC 8259, refused by us, and why. */
static const char *const stricter[] = {
    "y_object_duplicated_key.json",           /* a repeated name is a bad request (THREATS.md 5.4) */
    "y_object_duplicated_key_and_value.json", /* the same */
    "y_object_escaped_null_in_key.json",      /* NUL in a string */
    "y_string_null_escape.json",              /* NUL in a string */
};
/* Where the suite leaves it open, what we accept; all other i_ files are refused: invalid UTF-8, lone surrogates, byte
 * order marks, UTF-16, numbers beyond 64 bits or a double, depth 500. */
static const char *const lenient[] = {
    "i_number_double_huge_neg_exp.json", /* 123.456e-789 is 0.0; an integer field refuses it anyway */
    "i_number_real_underflow.json",      /* 123e-10000000, the same */
};

static bool listed(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static bool expect_accepted(const char *name)
{
    if (name[0] == 'y')
        return !listed(stricter, ARRAY_LEN(stricter), name);
    return name[0] == 'i' && listed(lenient, ARRAY_LEN(lenient), name);
}

static void suite_file(const char *folder, const char *name)
{
    char path[1024];
    struct bytes text = { 0 };
    json_t *tree = NULL;
    bool accepted;
    enum status st;

    snprintf(path, sizeof path, "%s/test_parsing/%s", folder, name);
    read_file(path, &text);
    st = json_read_value(bytes_span(&text), JSON_IMPORT_MAX, &tree);
    accepted = st == ST_OK;
    if (accepted != expect_accepted(name)) {
        printf("\n%s: %s", name, status_name(st));
        CU_FAIL("a verdict differs");
    }
    CU_ASSERT(st == ST_OK || st == ST_BAD_REQUEST || st == ST_TOO_LARGE);
    /* The object reader says the same, except that it takes objects only. */
    if (!accepted || !json_is_object(tree)) {
        json_t *object = NULL;

        CU_ASSERT(json_read_object(bytes_span(&text), JSON_IMPORT_MAX, &object) != ST_OK);
        CU_ASSERT_PTR_NULL(object);
    }
    json_decref(tree);
    bytes_clear(&text);
}

static void json_test_suite(void)
{
    const char *set = vectors_folder("json");
    char folder[512], parsing[600];
    unsigned seen = 0;
    DIR *d;

    if (set == NULL)
        return;
    snprintf(folder, sizeof folder, "%s", set);
    snprintf(parsing, sizeof parsing, "%s/test_parsing", folder);
    CU_ASSERT_PTR_NOT_NULL_FATAL(d = opendir(parsing));
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        if (e->d_name[0] != '.') {
            suite_file(folder, e->d_name);
            seen++;
        }
    closedir(d);
    CU_ASSERT_EQUAL(seen, 318);
}

/* ---- limits ---- */

static void nest(struct bytes *b, size_t depth)
{
    bytes_reset(b);
    bytes_append_text(b, "{\"v\":");
    for (size_t i = 1; i < depth; i++)
        bytes_append_char(b, '[');
    for (size_t i = 1; i < depth; i++)
        bytes_append_char(b, ']');
    bytes_append_char(b, '}');
}

static void depth(void)
{
    struct bytes b = { 0 };

    nest(&b, JSON_DEPTH_MAX);
    CU_ASSERT_EQUAL(read_text(bytes_text(&b)), ST_OK);
    nest(&b, JSON_DEPTH_MAX + 1);
    CU_ASSERT_EQUAL(read_text(bytes_text(&b)), ST_TOO_LARGE);
    nest(&b, 30000);
    CU_ASSERT_EQUAL(read_text(bytes_text(&b)), ST_TOO_LARGE);
    bytes_reset(&b); /* opened and closed again and again: depth 2, not 900 */
    bytes_append_text(&b, "{\"v\":[[]");
    for (size_t i = 0; i < 900; i++)
        bytes_append_text(&b, ",[]");
    bytes_append_text(&b, "]}");
    CU_ASSERT_EQUAL(read_text(bytes_text(&b)), ST_OK);
    bytes_clear(&b);
    /* Brackets in strings open nothing, not even behind an escaped quote. */
    CU_ASSERT_EQUAL(read_text("{\"v\":\"[[[[[[[[[[\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[\\\\\"}"), ST_OK);
    CU_ASSERT_EQUAL(read_text("{\"v\":\"\\\\\",\"w\":[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]}"), ST_TOO_LARGE);
    CU_ASSERT_EQUAL(read_text("]]]]{}"), ST_BAD_REQUEST);
}

static enum status members(size_t count)
{
    struct bytes b = { 0 };
    enum status st;

    bytes_append_char(&b, '{');
    for (size_t i = 0; i < count; i++)
        bytes_printf(&b, "%s\"%zu\" : \"\"", i > 0 ? " ,\n" : "", i);
    bytes_append_char(&b, '}');
    st = read_text(bytes_text(&b));
    bytes_clear(&b);
    return st;
}

static enum status elements(size_t count, const char *element)
{
    struct bytes b = { 0 };
    enum status st;

    bytes_append_text(&b, "{\"v\":[");
    for (size_t i = 0; i < count; i++)
        bytes_printf(&b, "%s%s", i > 0 ? "," : "", element);
    bytes_append_text(&b, "]}");
    st = read_text(bytes_text(&b));
    bytes_clear(&b);
    return st;
}

static void items(void)
{
    CU_ASSERT_EQUAL(members(JSON_ITEMS_MAX), ST_OK);
    CU_ASSERT_EQUAL(members(JSON_ITEMS_MAX + 1), ST_TOO_LARGE);
    CU_ASSERT_EQUAL(elements(JSON_ITEMS_MAX - 1, "\"x\""), ST_OK); /* and the member they are in */
    CU_ASSERT_EQUAL(elements(JSON_ITEMS_MAX, "\"x\""), ST_TOO_LARGE);
    CU_ASSERT_EQUAL(elements(JSON_ITEMS_MAX - 1, "{}"), ST_OK);
    CU_ASSERT_EQUAL(elements(JSON_ITEMS_MAX, "{}"), ST_TOO_LARGE);
    CU_ASSERT_EQUAL(elements(JSON_ITEMS_MAX / 2, "[0]"), ST_TOO_LARGE); /* 500 arrays, 500 numbers, 1 member */
    CU_ASSERT_EQUAL(elements(JSON_ITEMS_MAX / 2 - 1, "[0]"), ST_OK);
    CU_ASSERT_EQUAL(elements(1, "\",,,,,\\\",,,\""), ST_OK); /* commas in a string are none */
}

static void sizes(void)
{
    struct bytes b = { 0 };
    json_t *tree = NULL;

    bytes_append_text(&b, "{\"v\":\"");
    while (b.len < JSON_BODY_MAX - 2)
        bytes_append_char(&b, 'a');
    bytes_append_text(&b, "\"}");
    CU_ASSERT_EQUAL(b.len, JSON_BODY_MAX);
    CU_ASSERT_EQUAL(json_read_object(bytes_span(&b), JSON_BODY_MAX, &tree), ST_OK);
    json_decref(tree);
    CU_ASSERT_EQUAL(json_read_object(bytes_span(&b), JSON_BODY_MAX - 1, &tree), ST_TOO_LARGE);
    CU_ASSERT_PTR_NULL(tree);
    CU_ASSERT_EQUAL(json_read_object((struct span){ 0 }, JSON_BODY_MAX, &tree), ST_BAD_REQUEST);
    bytes_clear(&b);
}

static void duplicates(void)
{
    CU_ASSERT_EQUAL(read_text("{\"a\":1,\"b\":2}"), ST_OK);
    CU_ASSERT_EQUAL(read_text("{\"a\":1,\"A\":2}"), ST_OK); /* two names */
    CU_ASSERT_EQUAL(read_text("{\"a\":1,\"a\":1}"), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(read_text("{\"a\":1,\"\\u0061\":1}"), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(read_text("{\"a\":null,\"a\":1}"), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(read_text("{\"\":1,\"\":1}"), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(read_text("{\"x\":{\"y\":[{\"a\":1,\"b\":2,\"a\":3}]}}"), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(read_text("{\"x\":{\"a\":1},\"y\":{\"a\":1},\"a\":1}"), ST_OK);
}

static void not_an_object(void)
{
    static const char *const others[] = { "[]", "1", "\"{}\"", "null", "true", "[{}]",
                                          "",   " ", "{}{}",   "{} x", "{},",  "{}]" };
    json_t *tree = NULL;

    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        CU_ASSERT_EQUAL(read_text(others[i]), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(read_text(" {} \r\n\t"), ST_OK);
    CU_ASSERT_EQUAL(json_read_object(span_of("{}\0", 3), JSON_BODY_MAX, &tree), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(json_read_object(span_of("{\"a\":1\0}", 8), JSON_BODY_MAX, &tree), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(json_read_object(span_of("\xef\xbb\xbf{}", 5), JSON_BODY_MAX, &tree), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(json_read_object(span_of("{\"a\":\"\0\"}", 9), JSON_BODY_MAX, &tree), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(read_text("{\"a\":\"\\u0000\"}"), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(read_text("{\"a\":\"\\ud800\"}"), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(read_text("{\"a\":\"\xed\xa0\x80\"}"), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(read_text("{\"a\":\"\xc0\xaf\"}"), ST_BAD_REQUEST);
}

/* Texts made to be slow, 64 KiB and 1 MiB of each. Work that multiplies with each level or digit would not end before
 * the test's time-out; what reading costs is tests/bench's to say. */
static void hostile(const char *head, const char *unit, const char *tail)
{
    size_t sizes[] = { JSON_BODY_MAX, JSON_IMPORT_MAX };

    for (size_t k = 0; k < ARRAY_LEN(sizes); k++) {
        struct bytes b = { 0 };
        json_t *tree = NULL;
        enum status st;

        bytes_append_text(&b, head);
        while (b.len + strlen(unit) + strlen(tail) <= sizes[k])
            bytes_append_text(&b, unit);
        bytes_append_text(&b, tail);
        st = json_read_object(bytes_span(&b), JSON_IMPORT_MAX, &tree);
        CU_ASSERT(st == ST_OK || st == ST_BAD_REQUEST || st == ST_TOO_LARGE);
        json_decref(tree);
        bytes_clear(&b);
    }
}

static void hostile_texts(void)
{
    hostile("{\"a\":", "[", "");
    hostile("{\"a\":", "{\"a\":", "");
    hostile("", "]", "");
    hostile("{\"a\":[", "0,", "0]}");
    hostile("{\"a\":[", "\"\",", "\"\"]}");
    hostile("{\"a\":", "9", "}");
    hostile("{\"a\":0.", "9", "}");
    hostile("{\"a\":1e", "9", "}");
    hostile("{\"a\":1e-", "9", "}");
    hostile("{\"a\":1", "0", "e-99999}");
    hostile("{\"a\":\"", "\\u0041", "\"}");
    hostile("{\"a\":\"", "\\\"", "\"}");
    hostile("{\"a\":\"", "\\ud83d\\ude00", "\"}");
    hostile("{\"a\":\"", "\xf0\x9f\x98\x80", "\"}");
    hostile("{\"", "a", "\":1}");
    hostile("{\"a\":1", " ", "}");
    hostile("{", "\"a\":1,", "\"a\":1}");
    hostile("", "\xff", "");
}

/* ---- members ---- */

static json_t *tree_of(const char *text)
{
    json_t *tree = NULL;

    CU_ASSERT_EQUAL_FATAL(json_read_object(span_text(text), JSON_BODY_MAX, &tree), ST_OK);
    return tree;
}

static void texts(void)
{
    json_t *t = tree_of("{\"s\":\"x\\u00e9\",\"e\":\"\",\"n\":null,\"i\":1,\"o\":{}}");
    struct span s = span_text("untouched");

    CU_ASSERT_EQUAL(json_get_text(t, "absent", &s), ST_NOT_FOUND);
    CU_ASSERT_EQUAL(json_get_text(t, "n", &s), ST_NOT_FOUND);
    CU_ASSERT_EQUAL(json_get_text(t, "i", &s), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(json_get_text(t, "o", &s), ST_BAD_REQUEST);
    CU_ASSERT(span_is(s, "untouched"));
    CU_ASSERT_EQUAL(json_get_text(t, "s", &s), ST_OK);
    CU_ASSERT(span_is(s, "x\xc3\xa9"));
    CU_ASSERT_EQUAL(json_get_text(t, "e", &s), ST_OK);
    CU_ASSERT_EQUAL(s.len, 0);
    json_decref(t);
}

static void integers(void)
{
    json_t *t = tree_of("{\"a\":5,\"min\":-9223372036854775808,\"max\":9223372036854775807,\"f\":5.0,\"e\":5e0,"
                        "\"s\":\"5\",\"n\":null,\"b\":true,\"z\":-0}");
    int64_t v = 77;

    CU_ASSERT_EQUAL(json_get_int(t, "absent", 0, 9, &v), ST_NOT_FOUND);
    CU_ASSERT_EQUAL(json_get_int(t, "n", 0, 9, &v), ST_NOT_FOUND);
    CU_ASSERT_EQUAL(json_get_int(t, "f", 0, 9, &v), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(json_get_int(t, "e", 0, 9, &v), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(json_get_int(t, "s", 0, 9, &v), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(json_get_int(t, "b", 0, 9, &v), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(json_get_int(t, "a", 6, 9, &v), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(json_get_int(t, "a", 0, 4, &v), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(v, 77);
    CU_ASSERT_EQUAL(json_get_int(t, "a", 5, 5, &v), ST_OK);
    CU_ASSERT_EQUAL(v, 5);
    CU_ASSERT_EQUAL(json_get_int(t, "min", INT64_MIN, INT64_MAX, &v), ST_OK);
    CU_ASSERT_EQUAL(v, INT64_MIN);
    CU_ASSERT_EQUAL(json_get_int(t, "max", INT64_MIN, INT64_MAX, &v), ST_OK);
    CU_ASSERT_EQUAL(v, INT64_MAX);
    CU_ASSERT_EQUAL(json_get_int(t, "z", 0, 0, &v), ST_OK);
    json_decref(t);
    CU_ASSERT_EQUAL(read_text("{\"a\":9223372036854775808}"), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(read_text("{\"a\":1e400}"), ST_BAD_REQUEST);
}

static void others(void)
{
    json_t *t = tree_of("{\"t\":true,\"f\":false,\"n\":null,\"i\":1,\"o\":{\"x\":1},\"a\":[1]}"), *v = NULL;
    bool b = true;

    CU_ASSERT_EQUAL(json_get_bool(t, "absent", &b), ST_NOT_FOUND);
    CU_ASSERT_EQUAL(json_get_bool(t, "n", &b), ST_NOT_FOUND);
    CU_ASSERT_EQUAL(json_get_bool(t, "i", &b), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(json_get_bool(t, "f", &b), ST_OK);
    CU_ASSERT_FALSE(b);
    CU_ASSERT_EQUAL(json_get_bool(t, "t", &b), ST_OK);
    CU_ASSERT_TRUE(b);
    CU_ASSERT_EQUAL(json_get_object(t, "a", &v), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(json_get_object(t, "n", &v), ST_NOT_FOUND);
    CU_ASSERT_EQUAL(json_get_array(t, "o", &v), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(json_get_array(t, "n", &v), ST_NOT_FOUND);
    CU_ASSERT_PTR_NULL(v);
    CU_ASSERT_EQUAL(json_get_object(t, "o", &v), ST_OK);
    CU_ASSERT_TRUE(json_is_object(v));
    CU_ASSERT_EQUAL(json_get_array(t, "a", &v), ST_OK);
    CU_ASSERT_EQUAL(json_array_size(v), 1);
    json_decref(t);
}

static CU_TestInfo limit_cases[] = {
    { "each of the 318 files of JSONTestSuite gets its verdict", json_test_suite },
    { "depth 16 is read, 17 is not, and brackets in strings do not count", depth },
    { "1,000 members and elements are read, 1,001 are not", items },
    { "bytes beyond the caller's limit are refused", sizes },
    { "a repeated name is refused at every level, however it is written", duplicates },
    { "anything but exactly one object is refused, so is NUL and what is not UTF-8", not_an_object },
    { "texts made to be slow", hostile_texts },
    CU_TEST_INFO_NULL,
};
static CU_TestInfo member_cases[] = {
    { "a text member is a text, null is absent, another type an error", texts },
    { "an integer has no fraction, no exponent, and lies in its range", integers },
    { "booleans, objects and arrays", others },
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = { { .pName = "reading", .pTests = limit_cases },
                              { .pName = "members", .pTests = member_cases },
                              CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
