/* provisioning/cli/progress.c, on a terminal and without one. */
#include "provisioning/cli/progress.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "firmware/base/clock.h"
#include "tests/unit/harness.h"
#include "tests/unit/provisioning/pty.h"
#include "tests/unit/provisioning/session.h"

/* The clock that progress.c and the test's own work see: the real one, or, in `work_for`, one that only the work moves.
 */
static uint64_t moved_ms;

uint64_t __real_clock_monotonic_ms(void);
uint64_t __wrap_clock_monotonic_ms(void);

uint64_t __wrap_clock_monotonic_ms(void)
{
    return moved_ms != 0 ? moved_ms : __real_clock_monotonic_ms();
}

/* Steps of 10 ms for so long, as who waits does them. */
static int work_for(uint64_t ms, uint64_t total)
{
    struct progress p;

    moved_ms = 1000000;
    progress_begin(&p, "the keystore is at work");
    for (uint64_t done = 0; done < ms; done += 10, moved_ms += 10)
        progress_step(&p, total > 0 ? done * total / ms : 0, total);
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

static char socket_path[100], key[512], certificate[512];

static int ask_nobody(void *arg)
{
    const char *const words[] = { "keystore",      "status",    "--socket", socket_path,
                                  "--certificate", certificate, "--key",    key,
                                  "--keystore",    certificate, NULL };

    close(*(int *)arg); /* the parent's end alone keeps it open */
    return session_run_to(strongroom_nouns, strongroom_noun_count, words, stdout, stderr);
}

/* A keystore that has no time yet: it takes the connection and says nothing. */
static void a_busy_keystore(void)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct said said = { 0 };
    struct pty p;

    snprintf(socket_path, sizeof socket_path, "%s/sock", scratch_directory());
    snprintf(key, sizeof key, "%s/a.key", scratch_directory());
    snprintf(certificate, sizeof certificate, "%s/a.pem", scratch_directory());
    CU_ASSERT_EQUAL_FATAL(RUN(&said, "identity", "create", "--name", "a", "--key", key, "--certificate", certificate),
                          EXIT_DONE);
    memcpy(at.sun_path, socket_path, sizeof socket_path);
    CU_ASSERT_EQUAL_FATAL(bind(listener, (const struct sockaddr *)&at, sizeof at), 0);
    CU_ASSERT_EQUAL_FATAL(listen(listener, 1), 0);
    pty_start(&p, ask_nobody, &listener);
    CU_ASSERT(pty_await(&p, "the keystore is asked for, "));
    close(listener);
    CU_ASSERT_EQUAL(pty_end(&p), EXIT_REFUSED);
    pty_clear(&p);
    said_clear(&said);
}

int main(void)
{
    static CU_TestInfo cases[] = {
        { "a line with the seconds, after one second, gone at the end", shown_after_a_second },
        { "a percentage where the total is known", percent },
        { "nothing where standard error is no terminal", not_for_scripts },
        { "a keystore that does not answer yet", a_busy_keystore },
        CU_TEST_INFO_NULL,
    };
    static CU_SuiteInfo suites[] = { { "progress", NULL, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
