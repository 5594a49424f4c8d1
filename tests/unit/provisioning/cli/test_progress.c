/* provisioning/cli/progress.c, on a terminal and without one. */
#include "provisioning/cli/progress.h"

#include <fcntl.h>
#include <unistd.h>

#include "firmware/base/clock.h"
#include "tests/unit/harness.h"
#include "tests/unit/provisioning/pty.h"
#include "tests/unit/provisioning/session.h"

/* Steps of 10 ms for so long, as who waits does them. */
static int work_for(uint64_t ms, uint64_t total)
{
    uint64_t begun = clock_monotonic_ms(), now;
    struct progress p;

    progress_begin(&p, "the keystore is at work");
    while ((now = clock_monotonic_ms()) - begun < ms) {
        progress_step(&p, total > 0 ? (now - begun) * total / ms : 0, total);
        usleep(10 * 1000);
    }
    progress_end(&p);
    return 0;
}

static int quick(void *arg)
{
    (void)arg;
    return work_for(300, 0);
}

static int slow(void *arg)
{
    (void)arg;
    return work_for(2300, 0);
}

static int counted(void *arg)
{
    (void)arg;
    return work_for(2000, 10);
}

static int quiet(void *arg)
{
    int fd = open(arg, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    return fd >= 0 && dup2(fd, STDERR_FILENO) >= 0 ? work_for(1500, 0) : 1;
}

static void shown_after_a_second(void)
{
    struct pty p;
    const char *last;

    pty_start(&p, quick, NULL);
    CU_ASSERT_EQUAL(pty_end(&p), 0);
    CU_ASSERT_EQUAL(p.screen.len, 0);
    pty_clear(&p);
    pty_start(&p, slow, NULL);
    CU_ASSERT(pty_await(&p, "the keystore is at work, 1 s"));
    CU_ASSERT(pty_await(&p, "the keystore is at work, 2 s"));
    CU_ASSERT_EQUAL(pty_end(&p), 0);
    CU_ASSERT(says(bytes_text(&p.screen), "/ the") && says(bytes_text(&p.screen), "- the"));
    /* The line is empty at the end, and never broken. */
    last = strrchr(bytes_text(&p.screen), '2');
    CU_ASSERT_TRUE(last != NULL && strspn(last + 3, " \r") == strlen(last + 3));
    CU_ASSERT_PTR_NULL(strchr(bytes_text(&p.screen), '\n'));
    pty_clear(&p);
}

static void percent(void)
{
    struct pty p;

    pty_start(&p, counted, NULL);
    CU_ASSERT(pty_await(&p, "at work: 50 %"));
    CU_ASSERT_EQUAL(pty_end(&p), 0);
    pty_clear(&p);
}

static void not_for_scripts(void)
{
    struct bytes said = { 0 };
    char path[512];
    struct pty p;

    snprintf(path, sizeof path, "%s/err", scratch_directory());
    pty_start(&p, quiet, path);
    CU_ASSERT_EQUAL(pty_end(&p), 0);
    CU_ASSERT_EQUAL(p.screen.len, 0);
    read_file(path, &said);
    CU_ASSERT_EQUAL(said.len, 0);
    bytes_clear(&said);
    pty_clear(&p);
}

int main(void)
{
    static CU_TestInfo cases[] = {
        { "a line with the seconds, after one second, gone at the end", shown_after_a_second },
        { "a percentage where the total is known", percent },
        { "nothing where standard error is no terminal", not_for_scripts },
        CU_TEST_INFO_NULL,
    };
    static CU_SuiteInfo suites[] = { { "progress", NULL, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
