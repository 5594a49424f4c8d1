#include "firmware/base/hex.h"

#include "tests/unit/harness.h"

static void bytes_become_lower_case_digits(void)
{
    struct bytes b = { 0 };

    hex_append(&b, span_of(NULL, 0));
    CU_ASSERT(b.len == 0);
    bytes_append_text(&b, "0x");
    hex_append(&b, span_of("\x00\x01\x7f\x80\xab\xff", 6));
    CU_ASSERT_STRING_EQUAL(bytes_text(&b), "0x00017f80abff");
    CU_ASSERT(b.p[b.len] == '\0');
    bytes_clear(&b);
}

static void a_length_that_overflows_is_refused(void)
{
    struct bytes b = { 0 };

    hex_append(&b, span_of("", SIZE_MAX / 2 + 1)); /* twice that is 0 */
    CU_ASSERT(bytes_status(&b) == ST_NO_MEMORY);
    bytes_clear(&b);
}

static void digits_of_either_case_are_read(void)
{
    uint8_t out[4];

    CU_ASSERT(hex_decode(out, 4, span_text("00aBCdff")) == ST_OK);
    CU_ASSERT(memcmp(out, "\x00\xab\xcd\xff", 4) == 0);
    CU_ASSERT(hex_decode(out, 0, span_of(NULL, 0)) == ST_OK);
    for (unsigned v = 0; v < 256; v++) {
        struct bytes b = { 0 };
        uint8_t byte = (uint8_t)v;

        hex_append(&b, span_of(&byte, 1));
        CU_ASSERT(hex_decode(out, 1, bytes_span(&b)) == ST_OK && out[0] == v);
        bytes_clear(&b);
    }
}

static void all_else_is_refused(void)
{
    uint8_t out[4];

    CU_ASSERT(hex_decode(out, 4, span_text("00abcdf")) == ST_BAD_REQUEST);
    CU_ASSERT(hex_decode(out, 4, span_text("00abcdff0")) == ST_BAD_REQUEST);
    CU_ASSERT(hex_decode(out, 4, span_text("0x00abcd")) == ST_BAD_REQUEST);
    CU_ASSERT(hex_decode(out, 1, span_text("")) == ST_BAD_REQUEST);
    CU_ASSERT(hex_decode(out, 1, span_text(" 1")) == ST_BAD_REQUEST);
    CU_ASSERT(hex_decode(out, 1, span_text("+1")) == ST_BAD_REQUEST);
    for (unsigned c = 0; c < 256; c++) {
        char text[2] = { '0', (char)c };

        CU_ASSERT((hex_decode(out, 1, span_of(text, 2)) == ST_OK) ==
                  ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')));
    }
}

int main(void)
{
    CU_TestInfo cases[] = { { "bytes become lower-case digits", bytes_become_lower_case_digits },
                            { "a length that overflows is refused", a_length_that_overflows_is_refused },
                            { "digits of either case are read", digits_of_either_case_are_read },
                            { "all else is refused", all_else_is_refused },
                            CU_TEST_INFO_NULL };
    CU_SuiteInfo suites[] = { { .pName = "hexadecimal", .pTests = cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
