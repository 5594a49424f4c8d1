#include "firmware/crypto/self_test.h"

#include <openssl/rand.h>

#include "firmware/crypto/entropy.h"
#include "tests/unit/harness.h"

/* Signing draws random bytes. */
static enum status sample(void *self, unsigned source, uint8_t *out, size_t len)
{
    (void)self;
    if (source > 0)
        return ST_NOT_FOUND;
    return RAND_bytes(out, (int)len) == 1 ? ST_OK : ST_IO;
}

static const char *source_name(void *self, unsigned source)
{
    (void)self;
    return source == 0 ? "test" : NULL;
}

static int set_up(void)
{
    static const struct hal board = { .entropy = sample, .entropy_name = source_name };
    const char *failed;

    return entropy_start(&board, &failed) != ST_OK;
}

static void all_pass(void)
{
    const char *failed = "unset";

    CU_ASSERT(self_test_run(NULL, &failed) == ST_OK && failed == NULL);
    if (failed != NULL)
        printf("failed: %s\n", failed);
}

static void each_fails_when_its_answer_is_spoilt(void)
{
    unsigned count = 0;

    for (const char *const *name = self_test_names(); *name != NULL; name++, count++) {
        const char *failed = NULL;

        CU_ASSERT(self_test_run(*name, &failed) == ST_CORRUPT);
        CU_ASSERT(failed != NULL && strcmp(failed, *name) == 0);
    }
    CU_ASSERT(count > 45);
}

static void names_are_unique(void)
{
    const char *const *names = self_test_names();

    for (unsigned i = 0; names[i] != NULL; i++)
        for (unsigned j = i + 1; names[j] != NULL; j++)
            CU_ASSERT(strcmp(names[i], names[j]) != 0);
}

static void an_unknown_name_spoils_nothing(void)
{
    const char *failed;

    CU_ASSERT(self_test_run("no such test", &failed) == ST_OK);
}

int main(void)
{
    CU_TestInfo cases[] = { { "all pass", all_pass },
                            { "each fails when its answer is spoilt", each_fails_when_its_answer_is_spoilt },
                            { "names are unique", names_are_unique },
                            { "an unknown name spoils nothing", an_unknown_name_spoils_nothing },
                            CU_TEST_INFO_NULL };
    CU_SuiteInfo suites[] = { { .pName = "self tests", .pInitFunc = set_up, .pTests = cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
