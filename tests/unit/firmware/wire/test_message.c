/* The header in front of each body. */
#include "firmware/wire/message.h"

#include "tests/unit/harness.h"

static void the_form_is_fixed(void)
{
    static const uint8_t form[] = { 0, 1, 2, 3, 4, 5, 6, 7, 0, 50, 0, 1, 0, 0, 0, 0 };
    struct message_header h = { .length = 0x10203, .id = 0x4050607, .kind = MESSAGE_COMPUTE, .flags = MESSAGE_ANSWER },
                          back;
    uint8_t out[MESSAGE_HEADER_LEN];

    message_header_write(out, &h);
    CU_ASSERT_EQUAL(memcmp(out, form, sizeof form), 0);
    CU_ASSERT_EQUAL(message_header_read(&back, out), ST_OK);
    CU_ASSERT_TRUE(back.length == h.length && back.id == h.id && back.kind == h.kind && back.flags == h.flags &&
                   back.word == h.word);
}

static void rules_are_checked(void)
{
    static const struct {
        struct message_header h;
        enum status st;
    } cases[] = {
        { { 0, 1, MESSAGE_STATUS, 0, 5000 }, ST_OK },
        { { 10, UINT32_MAX, MESSAGE_ZEROISE, 0, UINT32_MAX }, ST_OK },
        { { LINK_MESSAGE_MAX, 1, MESSAGE_COMPUTE, 0, 0 }, ST_OK },
        { { LINK_MESSAGE_MAX + 1, 1, MESSAGE_COMPUTE, 0, 0 }, ST_TOO_LARGE },
        { { UINT32_MAX, 1, MESSAGE_COMPUTE, 0, 0 }, ST_TOO_LARGE },
        { { 0, 0, MESSAGE_STATUS, 0, 0 }, ST_BAD_REQUEST },
        { { 0, 1, 0, 0, 0 }, ST_BAD_REQUEST },
        { { 0, 1, 3, 0, 0 }, ST_BAD_REQUEST },
        { { 0, 1, 55, 0, 0 }, ST_BAD_REQUEST },
        { { 0, 1, MESSAGE_KIND_COUNT_, 0, 0 }, ST_BAD_REQUEST },
        { { 0, 1, UINT16_MAX, 0, 0 }, ST_BAD_REQUEST },
        { { 0, 1, MESSAGE_STATUS, 2, 0 }, ST_BAD_REQUEST },
        { { 0, 1, MESSAGE_STATUS, 0x8000, 0 }, ST_BAD_REQUEST },
        { { 5, 1, MESSAGE_STATUS, MESSAGE_ANSWER, 0 }, ST_OK },
        { { 0, 1, MESSAGE_STATUS, MESSAGE_ANSWER, 0x30 }, ST_OK },
        { { 5, 1, MESSAGE_STATUS, MESSAGE_ANSWER, 0x30 }, ST_BAD_REQUEST }, /* a failure that has a body */
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint8_t out[MESSAGE_HEADER_LEN];
        struct message_header h;

        message_header_write(out, &cases[i].h);
        CU_ASSERT_EQUAL(message_header_read(&h, out), cases[i].st);
    }
}

static void as_many_kinds_as_named(void)
{
    unsigned kinds = 0;

    for (unsigned kind = 0; kind <= UINT16_MAX; kind++)
        kinds += message_kind_exists((uint16_t)kind);
    CU_ASSERT_EQUAL(kinds, 61);
}

int main(void)
{
    static CU_TestInfo cases[] = { { "the form is fixed", the_form_is_fixed },
                                   { "rules are checked", rules_are_checked },
                                   { "as many kinds as are named", as_many_kinds_as_named },
                                   CU_TEST_INFO_NULL };
    CU_SuiteInfo suites[] = { { "message", NULL, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
