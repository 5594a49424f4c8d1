#include "tests/unit/harness.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "firmware/base/clock.h"

static char scratch[64];

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

static void remove_scratch(void)
{
    if (scratch[0] != '\0')
        nftw(scratch, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

bool wait_until(bool (*holds)(void *arg), void *arg)
{
    uint64_t end = clock_monotonic_ms() + PATIENCE_MS;

    while (!holds(arg)) {
        if (clock_monotonic_ms() > end)
            return false;
        usleep(1000);
    }
    return true;
}

const char *scratch_directory(void)
{
    if (scratch[0] == '\0') {
        snprintf(scratch, sizeof scratch, "/tmp/strongroom-test-XXXXXX");
        INVARIANT(mkdtemp(scratch) != NULL);
        atexit(remove_scratch);
    }
    return scratch;
}

int run_suites(CU_SuiteInfo *suites)
{
    unsigned ran = 0, failed = 0, broken = 0;
    int ok = CU_initialize_registry() == CUE_SUCCESS && CU_register_suites(suites) == CUE_SUCCESS;

    if (ok) {
        CU_basic_set_mode(CU_BRM_NORMAL);
        ok = CU_basic_run_tests() == CUE_SUCCESS;
        ran = CU_get_number_of_tests_run();
        failed = CU_get_number_of_tests_failed();
        broken = CU_get_number_of_suites_failed();
    }
    CU_cleanup_registry();
    printf("\n%u passed, %u failed\n", ran - failed, failed + broken);
    return ok && ran > 0 && failed == 0 && broken == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

const char *vectors_folder(const char *set)
{
    static char path[512];
    const char *root = getenv("STRONGROOM_VECTORS"), *ci = getenv("CI");
    struct stat st;

    if (root != NULL)
        snprintf(path, sizeof path, "%s/%s", root, set);
    else
        snprintf(path, sizeof path, "%s/../shared/vectors/%s", STRONGROOM_SOURCE_DIR, set);
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return path;
    printf("\nvectors not found: %s (set STRONGROOM_VECTORS)\n", set);
    if (ci != NULL && strcmp(ci, "true") == 0)
        CU_FAIL("in CI the vectors must be there");
    return NULL;
}

void read_file(const char *path, struct bytes *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char block[65536];
    ssize_t n;

    bytes_reset(out);
    if (fd < 0)
        CU_FAIL_FATAL("a file cannot be opened");
    while ((n = read(fd, block, sizeof block)) > 0)
        bytes_append(out, block, (size_t)n);
    close(fd);
    if (n < 0 || bytes_status(out) != ST_OK)
        CU_FAIL_FATAL("a file cannot be read");
}
