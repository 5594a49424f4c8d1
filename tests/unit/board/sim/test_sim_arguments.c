#include "tests/unit/harness.h"

#include <unistd.h>

#include "board/sim/arguments.h"

/* Parse `line`, words with a blank between. */
static enum status parse(struct arguments *a, const char *line)
{
    static char words[1024];
    char *argv[32] = { words }, problem[128] = "";
    int argc = 1;
    enum status st;

    snprintf(words, sizeof words, "keystored %s", line);
    for (char *p = words; *p != '\0'; p++)
        if (*p == ' ' && argc < 31) {
            *p = '\0';
            argv[argc++] = p + 1;
        }
    argv[argc] = NULL;
    st = arguments_parse(a, argc, argv, problem, sizeof problem);
    CU_ASSERT((st == ST_OK) == (problem[0] == '\0'));
    return st;
}

static void defaults_are_filled_in(void)
{
    struct arguments a;

    CU_ASSERT_EQUAL(parse(&a, "--directory /d --root insecure-file"), ST_OK);
    CU_ASSERT_EQUAL(a.want, ARGUMENTS_RUN);
    CU_ASSERT_STRING_EQUAL(a.socket, "/d/keystore.sock");
    CU_ASSERT(a.threads >= 2);
    CU_ASSERT_PTR_NULL(a.tpm);
    CU_ASSERT_PTR_NULL(a.owner);
    CU_ASSERT_PTR_NULL(a.factory);
}

static void what_is_given_is_taken(void)
{
    struct arguments a;

    CU_ASSERT_EQUAL(parse(&a, "--directory /d --root tpm:/dev/tpmrm0 --socket /s --owner /o.pem --factory /f.pem "
                              "--threads 64"),
                    ST_OK);
    CU_ASSERT_STRING_EQUAL(a.tpm, "/dev/tpmrm0");
    CU_ASSERT_STRING_EQUAL(a.socket, "/s");
    CU_ASSERT_STRING_EQUAL(a.owner, "/o.pem");
    CU_ASSERT_STRING_EQUAL(a.factory, "/f.pem");
    CU_ASSERT_EQUAL(a.threads, 64);
    CU_ASSERT_EQUAL(parse(&a, "--help"), ST_OK);
    CU_ASSERT_EQUAL(a.want, ARGUMENTS_HELP);
    CU_ASSERT_EQUAL(parse(&a, "--version"), ST_OK);
    CU_ASSERT_EQUAL(a.want, ARGUMENTS_VERSION);
    CU_ASSERT_EQUAL(parse(&a, "--directory /d --root insecure-file --user nobody"),
                    geteuid() == 0 ? ST_OK : ST_BAD_REQUEST);
}

static void mistakes_are_refused(void)
{
    static const char *const wrong[] = {
        "",
        "--directory /d",
        "--root insecure-file",
        "--directory /d --root",
        "--directory /d --root file",
        "--directory /d --root insecure-file --factory",
        "--directory /d --root tpm:",
        "--directory /d --root tpm:relative",
        "--directory /d --root insecure-file more",
        "--directory /d --root insecure-file --unknown",
        "--directory /d --root insecure-file --threads 0",
        "--directory /d --root insecure-file --threads 65",
        "--directory /d --root insecure-file --threads -1",
        "--directory /d --root insecure-file --threads 2x",
        "--directory /d --root insecure-file --threads 99999999999999999999",
    };
    struct arguments a;
    char longest[256];

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        CU_ASSERT_EQUAL(parse(&a, wrong[i]), ST_BAD_REQUEST);
    snprintf(longest, sizeof longest, "--root insecure-file --directory /%0107d", 0);
    CU_ASSERT_EQUAL(parse(&a, longest), ST_BAD_REQUEST); /* the socket's path would be too long */
}

int main(void)
{
    CU_TestInfo cases[] = { { "defaults are filled in", defaults_are_filled_in },
                            { "what is given is taken", what_is_given_is_taken },
                            { "mistakes are refused", mistakes_are_refused },
                            CU_TEST_INFO_NULL };
    CU_SuiteInfo suites[] = { { "arguments", NULL, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
