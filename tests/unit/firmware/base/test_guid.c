#include "firmware/base/guid.h"

#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/harness.h"

#define PLAIN "0a1b2c3d-4e5f-4071-8293-a4b5c6d7e8f9"

static void guids_of_either_case_are_read(void)
{
    struct guid a, b;

    CU_ASSERT(guid_parse(&a, span_text(PLAIN)) == ST_OK);
    CU_ASSERT_STRING_EQUAL(a.text, PLAIN);
    CU_ASSERT(guid_parse(&b, span_text("0A1B2C3D-4E5F-4071-8293-A4B5C6D7E8F9")) == ST_OK);
    CU_ASSERT(guid_equal(&a, &b));
    CU_ASSERT(guid_parse(&b, span_text("0a1b2c3d-4e5f-4071-8293-a4b5c6d7e8f8")) == ST_OK);
    CU_ASSERT(!guid_equal(&a, &b));
}

static void what_is_no_guid_is_refused(void)
{
    static const char *const bad[] = { "",
                                       "0a1b2c3d4e5f40718293a4b5c6d7e8f9",
                                       "{0a1b2c3d-4e5f-4071-8293-a4b5c6d7e8f9}",
                                       PLAIN "0",
                                       "0a1b2c3d-4e5f-4071-8293-a4b5c6d7e8f",
                                       "0a1b2c3d-4e5f-4071-8293a-4b5c6d7e8f9",
                                       "0a1b2c3d-4e5f-4071-8293-a4b5c6d7e8fg",
                                       "0a1b2c3d-4e5f-4071-8293-a4b5c6d7e8f\xe1",
                                       "0a1b2c3d_4e5f-4071-8293-a4b5c6d7e8f9",
                                       "-a1b2c3d-4e5f-4071-8293-a4b5c6d7e8f9",
                                       " a1b2c3d-4e5f-4071-8293-a4b5c6d7e8f9",
                                       "../../../../../../../../../etc/passw" };
    struct guid g;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        CU_ASSERT(guid_parse(&g, span_text(bad[i])) == ST_BAD_REQUEST);
    CU_ASSERT(guid_parse(&g, span_of("0a1b2c3d-4e5f-4071-8293-a4b5c6d7e8f\0", GUID_LEN)) == ST_BAD_REQUEST);
    for (unsigned c = 0; c < 256; c++) { /* of all bytes, hexadecimal digits alone */
        char text[] = PLAIN;

        text[5] = (char)c;
        CU_ASSERT((guid_parse(&g, span_of(text, GUID_LEN)) == ST_OK) ==
                  ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')));
    }
}

static void bytes_become_version_4(void)
{
    static const uint8_t ones[16] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
    static const uint8_t zeros[16] = { 0 };
    struct guid g = guid_from_bytes(ones);

    CU_ASSERT_STRING_EQUAL(g.text, "ffffffff-ffff-4fff-bfff-ffffffffffff");
    g = guid_from_bytes(zeros);
    CU_ASSERT_STRING_EQUAL(g.text, "00000000-0000-4000-8000-000000000000");
}

static void random_ones_differ(void)
{
    struct guid seen[64], read;

    for (size_t i = 0; i < ARRAY_LEN(seen); i++) {
        seen[i] = guid_random();
        CU_ASSERT(seen[i].text[14] == '4' && strchr("89ab", seen[i].text[19]) != NULL);
        CU_ASSERT(guid_parse(&read, span_text(seen[i].text)) == ST_OK && guid_equal(&read, &seen[i]));
        for (size_t j = 0; j < i; j++)
            CU_ASSERT(!guid_equal(&seen[i], &seen[j]));
    }
}

/* Random bytes that were drawn but not used are in the child's memory, too. */
static void a_child_draws_its_own(void)
{
    struct guid mine, childs = { "" };
    int ends[2], status = -1;
    pid_t child;

    mine = guid_random(); /* now there is something to inherit */
    CU_ASSERT_FATAL(pipe(ends) == 0);
    child = fork();
    if (child == 0) {
        mine = guid_random();
        _exit(write(ends[1], &mine, sizeof mine) == (ssize_t)sizeof mine ? 0 : 1);
    }
    CU_ASSERT_FATAL(child > 0 && waitpid(child, &status, 0) == child);
    CU_ASSERT(status == 0 && read(ends[0], &childs, sizeof childs) == (ssize_t)sizeof childs);
    mine = guid_random();
    CU_ASSERT(!guid_equal(&mine, &childs));
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    CU_TestInfo cases[] = { { "GUIDs of either case are read", guids_of_either_case_are_read },
                            { "what is no GUID is refused", what_is_no_guid_is_refused },
                            { "bytes become version 4 (RFC 9562, 5.4)", bytes_become_version_4 },
                            { "random ones differ", random_ones_differ },
                            { "a child draws its own", a_child_draws_its_own },
                            CU_TEST_INFO_NULL };
    CU_SuiteInfo suites[] = { { .pName = "GUIDs", .pTests = cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
