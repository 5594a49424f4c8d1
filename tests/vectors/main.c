/* vectors_pkcs11 - every published test vector whose mechanism a PKCS#11 module offers, through the module.
 * Usage: vectors_pkcs11 [SET...]   (wycheproof acvp); environment: TOKEN_MODULE, TOKEN_LABEL, TOKEN_PIN_FILE,
 * STRONGROOM_VECTORS. The last line is "N passed, M failed"; exit code 0 when none failed. */
#include <stdio.h>
#include <sys/stat.h>

#include "firmware/base/secret.h"
#include "tests/vectors/sets.h"

static const struct {
    const char *name;
    void (*run)(struct work *w, const char *folder);
} sets[] = { { "wycheproof", wycheproof_run }, { "acvp", acvp_run } };

static const char *folder_of(const char *set)
{
    static char path[1024];
    const char *root = getenv("STRONGROOM_VECTORS");
    struct stat st;

    if (root != NULL)
        snprintf(path, sizeof path, "%s/%s", root, set);
    else
        snprintf(path, sizeof path, "%s/../shared/vectors/%s", STRONGROOM_SOURCE_DIR, set);
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode) ? path : NULL;
}

static bool wanted(int argc, char **argv, const char *set)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], set) == 0)
            return true;
    return argc < 2;
}

/* Every set that was asked for and is there. A set that is missing fails in CI alone. */
static unsigned run_sets(struct token *t, int argc, char **argv, unsigned *passed)
{
    const char *ci = getenv("CI");
    unsigned failed = 0;

    for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
        struct report report = { 0 };
        struct work w = { .token = t, .report = &report };
        const char *folder = folder_of(sets[i].name);

        if (!wanted(argc, argv, sets[i].name))
            continue;
        printf("\n== %s\n", sets[i].name);
        if (folder == NULL) {
            printf("vectors not found: %s (set STRONGROOM_VECTORS)\n", sets[i].name);
            failed += ci != NULL && strcmp(ci, "true") == 0;
            continue;
        }
        report_head();
        sets[i].run(&w, folder);
        report_end(&report, sets[i].name);
        *passed += report.all.passed;
        failed += report.all.failed;
    }
    return failed;
}

int main(int argc, char **argv)
{
    const char *module = getenv("TOKEN_MODULE"), *label = getenv("TOKEN_LABEL"), *pin = getenv("TOKEN_PIN_FILE");
    unsigned passed = 0, failed;
    struct token t;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (module == NULL || label == NULL || pin == NULL) {
        fprintf(stderr, "vectors_pkcs11: TOKEN_MODULE, TOKEN_LABEL and TOKEN_PIN_FILE name the token\n");
        return 2;
    }
    if (secret_init_process() != ST_OK || !token_open(&t, module, label, pin)) {
        printf("0 passed, 1 failed\n");
        return 1;
    }
    failed = run_sets(&t, argc, argv, &passed);
    token_close(&t);
    printf("\n%u passed, %u failed\n", passed, failed);
    return failed == 0 ? 0 : 1;
}
