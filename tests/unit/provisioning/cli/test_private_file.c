/* provisioning/cli/private_file.c */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "provisioning/cli/private_file.h"
#include "tests/unit/harness.h"

static const char *at(const char *name)
{
    static char path[256];

    snprintf(path, sizeof path, "%s/%s", scratch_directory(), name);
    return path;
}

static unsigned mode_of(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0 ? st.st_mode & 07777 : 0;
}

static void whole_and_private(void)
{
    mode_t old = umask(0);
    struct bytes back = { 0 };

    CU_ASSERT_EQUAL(file_create(at("pin"), 0400, span_text("1234")), ST_OK);
    CU_ASSERT_EQUAL(mode_of(at("pin")), 0400);
    umask(077);
    CU_ASSERT_EQUAL(file_create(at("open"), 0644, span_text("for all")), ST_OK);
    CU_ASSERT_EQUAL(mode_of(at("open")), 0644);
    umask(old);
    read_file(at("pin"), &back);
    CU_ASSERT(span_is(bytes_span(&back), "1234"));
    bytes_clear(&back);
}

static void nothing_is_replaced(void)
{
    struct bytes back = { 0 };

    CU_ASSERT_EQUAL(file_create(at("old"), 0600, span_text("old")), ST_OK);
    CU_ASSERT_EQUAL(file_create(at("old"), 0600, span_text("new")), ST_EXISTS);
    read_file(at("old"), &back);
    CU_ASSERT(span_is(bytes_span(&back), "old"));
    bytes_clear(&back);
}

static void links_are_not_followed(void)
{
    CU_ASSERT_EQUAL_FATAL(symlink("elsewhere", at("link")), 0);
    CU_ASSERT_EQUAL(file_create(at("link"), 0600, span_text("x")), ST_EXISTS);
    CU_ASSERT_EQUAL(mode_of(at("elsewhere")), 0);
}

static void bad_places(void)
{
    CU_ASSERT_EQUAL(file_create(at("no/such/place"), 0600, span_text("x")), ST_NOT_FOUND);
    CU_ASSERT_EQUAL(file_create(at(""), 0600, span_text("x")), ST_IO); /* a directory */
}

static void abandoned_is_gone(void)
{
    int fd;

    CU_ASSERT_EQUAL_FATAL(file_reserve(at("reserved"), 0600, &fd), ST_OK);
    file_abandon(fd, at("reserved"));
    CU_ASSERT_EQUAL(mode_of(at("reserved")), 0);
}

static void reserved_is_filled(void)
{
    struct bytes back = { 0 };
    int fd;

    CU_ASSERT_EQUAL_FATAL(file_reserve(at("later"), 0440, &fd), ST_OK);
    CU_ASSERT_EQUAL(mode_of(at("later")), 0); /* not there in part */
    CU_ASSERT_EQUAL(file_fill(fd, at("later"), span_text("content")), ST_OK);
    CU_ASSERT_EQUAL(mode_of(at("later")), 0440);
    read_file(at("later"), &back);
    CU_ASSERT(span_is(bytes_span(&back), "content"));
    bytes_clear(&back);
}

static void reservation_is_no_right(void)
{
    struct bytes back = { 0 };
    int fd;

    CU_ASSERT_EQUAL_FATAL(file_reserve(at("contended"), 0600, &fd), ST_OK);
    CU_ASSERT_EQUAL(file_create(at("contended"), 0600, span_text("first")), ST_OK);
    CU_ASSERT_EQUAL(file_fill(fd, at("contended"), span_text("second")), ST_EXISTS);
    read_file(at("contended"), &back);
    CU_ASSERT(span_is(bytes_span(&back), "first"));
    bytes_clear(&back);
}

/* Killed between the two steps, and taken up again. */
static void killed_leaves_nothing(void)
{
    int fd, status;
    pid_t pid = fork();

    if (pid == 0) {
        if (file_reserve(at("killed"), 0600, &fd) == ST_OK && write(fd, "half", 4) == 4)
            kill(getpid(), SIGKILL);
        _exit(0);
    }
    CU_ASSERT_EQUAL_FATAL(waitpid(pid, &status, 0), pid);
    CU_ASSERT(WIFSIGNALED(status));
    CU_ASSERT_EQUAL(mode_of(at("killed")), 0);
    CU_ASSERT_EQUAL(file_create(at("killed"), 0600, span_text("whole")), ST_OK);
}

static void full_disk_leaves_nothing(void)
{
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

    CU_ASSERT_EQUAL_FATAL(file_create(at("victim"), 0600, span_text("")), ST_OK);
    CU_ASSERT_EQUAL(file_fill(fd, at("victim"), span_text("does not fit")), ST_IO);
    CU_ASSERT_EQUAL(mode_of(at("victim")), 0);
}

static void reading_is_bounded(void)
{
    struct bytes out = { 0 };

    CU_ASSERT_EQUAL_FATAL(file_create(at("ten"), 0600, span_text("0123456789")), ST_OK);
    CU_ASSERT_EQUAL(file_read(at("ten"), 10, &out), ST_OK);
    CU_ASSERT_EQUAL(out.len, 10);
    CU_ASSERT_EQUAL(file_read(at("ten"), 9, &out), ST_TOO_LARGE);
    CU_ASSERT_EQUAL(file_read("/dev/zero", 100000, &out), ST_TOO_LARGE);
    CU_ASSERT_EQUAL(file_read(at("none"), 10, &out), ST_NOT_FOUND);
    CU_ASSERT_EQUAL(file_read(at(""), 10, &out), ST_IO);
    bytes_clear(&out);
}

int main(void)
{
    static CU_TestInfo cases[] = {
        { "a file has the mode that was asked for, whatever the umask", whole_and_private },
        { "a file that is there is not replaced", nothing_is_replaced },
        { "a symbolic link is not followed, even one that leads nowhere", links_are_not_followed },
        { "a place that cannot be is refused", bad_places },
        { "an abandoned reservation leaves nothing", abandoned_is_gone },
        { "a reservation has no name until it is filled", reserved_is_filled },
        { "a reservation replaces nothing that came meanwhile", reservation_is_no_right },
        { "a process that is killed leaves no part of a file", killed_leaves_nothing },
        { "a full disk leaves no half file", full_disk_leaves_nothing },
        { "reading stops at its limit", reading_is_bounded },
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = { { "private_file", NULL, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
