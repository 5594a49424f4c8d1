#include "firmware/base/bytes.h"

#include "tests/unit/harness.h"

static void spans_compare_as_bytes(void)
{
    CU_ASSERT(span_equal(span_of(NULL, 0), span_text("")));
    CU_ASSERT(span_equal(span_of("a\0b", 3), span_of("a\0b", 3)));
    CU_ASSERT(!span_equal(span_of("a\0b", 3), span_of("a\0c", 3)));
    CU_ASSERT(!span_equal(span_text("a"), span_text("ab")));
    CU_ASSERT(span_is(span_text("abc"), "abc"));
    CU_ASSERT(!span_is(span_of("abc", 2), "abc"));
    CU_ASSERT(span_is_nocase(span_text("Content-TYPE"), "content-type"));
    CU_ASSERT(!span_is_nocase(span_text("content_type"), "content-type"));
    CU_ASSERT(!span_is_nocase(span_text("@"), "`")); /* 0x40 and 0x60 are no letters */
    CU_ASSERT(!span_is_nocase(span_text("["), "{"));
    CU_ASSERT(!span_is_nocase(span_text("\xc4"), "\xe4"));
    CU_ASSERT(span_starts_with(span_text("key/a"), span_text("key/")));
    CU_ASSERT(span_starts_with(span_text("key"), span_of(NULL, 0)));
    CU_ASSERT(!span_starts_with(span_text("ke"), span_text("key")));
}

static void appending_keeps_a_nul_behind(void)
{
    struct bytes b = { 0 };
    struct bytes moved = { 0 };

    CU_ASSERT_STRING_EQUAL(bytes_text(&b), "");
    bytes_append_text(&b, "one");
    CU_ASSERT_STRING_EQUAL(bytes_text(&b), "one");
    bytes_append_char(&b, '-');
    bytes_append_span(&b, span_of("two!", 3));
    bytes_append(&b, NULL, 0);
    bytes_append_span(&b, span_of(NULL, 0));
    bytes_printf(&b, "-%d-%s", 3, "four");
    CU_ASSERT_STRING_EQUAL(bytes_text(&b), "one-two-3-four");
    CU_ASSERT(b.len == 14 && bytes_status(&b) == ST_OK);
    for (int i = 0; i < 10000; i++) {
        bytes_append_char(&b, 'x');
        INVARIANT(b.p[b.len] == '\0' && b.len < b.cap);
    }
    bytes_reset(&b);
    CU_ASSERT(b.len == 0 && b.cap > 0);
    CU_ASSERT_STRING_EQUAL(bytes_text(&b), "");
    CU_ASSERT(bytes_set(&b, span_text("new")) == ST_OK);
    bytes_move(&moved, &b);
    CU_ASSERT(b.p == NULL && b.len == 0 && b.cap == 0);
    CU_ASSERT_STRING_EQUAL(bytes_text(&moved), "new");
    bytes_clear(&moved);
    CU_ASSERT(moved.p == NULL && moved.cap == 0);
    bytes_clear(&moved);
}

static void numbers_are_big_endian(void)
{
    struct bytes b = { 0 };

    bytes_append_u32(&b, 0x01020304);
    bytes_append_u64(&b, 0xf1f2f3f4f5f6f7f8);
    CU_ASSERT(span_equal(bytes_span(&b), span_of("\x01\x02\x03\x04\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8", 12)));
    bytes_clear(&b);
}

static void printing_long_texts_grows(void)
{
    struct bytes b = { 0 };
    char text[3000];

    memset(text, 'y', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    bytes_append_text(&b, "<");
    bytes_printf(&b, "%s", text);
    bytes_printf(&b, "%s", "");
    bytes_append_text(&b, ">");
    CU_ASSERT(b.len == sizeof text + 1 && b.p[0] == '<' && b.p[b.len - 1] == '>');
    bytes_clear(&b);
}

static void an_overflow_is_refused_and_remembered(void)
{
    static const size_t sizes[] = { SIZE_MAX, SIZE_MAX - 1, SIZE_MAX / 2, SIZE_MAX - 3 };

    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct bytes b = { 0 };

        bytes_append_text(&b, "kept");
        CU_ASSERT(bytes_reserve(&b, sizes[i]) == ST_NO_MEMORY);
        CU_ASSERT(bytes_status(&b) == ST_NO_MEMORY);
        bytes_append_text(&b, "lost"); /* later appends do nothing */
        bytes_printf(&b, "%d", 1);
        bytes_append_u32(&b, 1);
        CU_ASSERT_STRING_EQUAL(bytes_text(&b), "kept");
        CU_ASSERT(bytes_reserve(&b, 1) == ST_NO_MEMORY);
        bytes_reset(&b);
        bytes_append_text(&b, "again");
        CU_ASSERT(bytes_status(&b) == ST_OK);
        CU_ASSERT_STRING_EQUAL(bytes_text(&b), "again");
        bytes_clear(&b);
        CU_ASSERT(bytes_status(&b) == ST_OK);
    }
}

static void a_span_becomes_a_text(void)
{
    char *text = span_dup_text(span_of("abcdef", 3)), *empty = span_dup_text(span_of(NULL, 0));

    CU_ASSERT_STRING_EQUAL(text, "abc");
    CU_ASSERT_STRING_EQUAL(empty, "");
    free(text);
    free(empty);
}

int main(void)
{
    CU_TestInfo cases[] = { { "spans compare as bytes", spans_compare_as_bytes },
                            { "appending keeps a NUL behind", appending_keeps_a_nul_behind },
                            { "numbers are big-endian", numbers_are_big_endian },
                            { "printing long texts grows", printing_long_texts_grows },
                            { "an overflow is refused and remembered", an_overflow_is_refused_and_remembered },
                            { "a span becomes a text", a_span_becomes_a_text },
                            CU_TEST_INFO_NULL };
    CU_SuiteInfo suites[] = { { .pName = "spans and bytes", .pTests = cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
