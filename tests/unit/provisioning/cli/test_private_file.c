/* provisioning/cli/private_file.c */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
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

/* Files that are there under a name that is not theirs. */
static unsigned drafts(void)
{
    DIR *d = opendir(scratch_directory());
    const struct dirent *e;
    unsigned n = 0;

    while (d != NULL && (e = readdir(d)) != NULL)
        n += e->d_name[0] != '.' && strchr(e->d_name, '.') != NULL;
    if (d != NULL)
        closedir(d);
    return n;
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
    CU_ASSERT_EQUAL(file_create(at(""), 0600, span_text("x")), ST_EXISTS); /* a directory */
}

static void abandoned_is_gone(void)
{
    struct file_draft draft;

    CU_ASSERT_EQUAL_FATAL(file_reserve(at("reserved"), 0600, &draft), ST_OK);
    file_abandon(&draft);
    CU_ASSERT_EQUAL(mode_of(at("reserved")), 0);
    CU_ASSERT_EQUAL(drafts(), 0);
}

static void reserved_is_filled(void)
{
    struct bytes back = { 0 };
    struct file_draft draft;

    CU_ASSERT_EQUAL_FATAL(file_reserve(at("later"), 0440, &draft), ST_OK);
    CU_ASSERT_EQUAL(mode_of(at("later")), 0); /* not there in part */
    CU_ASSERT_EQUAL(file_fill(&draft, at("later"), span_text("content")), ST_OK);
    CU_ASSERT_EQUAL(mode_of(at("later")), 0440);
    read_file(at("later"), &back);
    CU_ASSERT(span_is(bytes_span(&back), "content"));
    CU_ASSERT_EQUAL(drafts(), 0);
    bytes_clear(&back);
    unlink(at("later"));
}

static void reservation_is_no_right(void)
{
    struct bytes back = { 0 };
    struct file_draft draft;

    CU_ASSERT_EQUAL_FATAL(file_reserve(at("contended"), 0600, &draft), ST_OK);
    CU_ASSERT_EQUAL(file_create(at("contended"), 0600, span_text("first")), ST_OK);
    CU_ASSERT_EQUAL(file_fill(&draft, at("contended"), span_text("second")), ST_EXISTS);
    read_file(at("contended"), &back);
    CU_ASSERT(span_is(bytes_span(&back), "first"));
    CU_ASSERT_EQUAL(drafts(), 0);
    bytes_clear(&back);
    unlink(at("contended"));
}

/* Killed between the two steps, and taken up again. */
static void killed_leaves_nothing(void)
{
    struct file_draft draft;
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        if (file_reserve(at("killed"), 0600, &draft) == ST_OK && write(draft.fd, "half", 4) == 4)
            kill(getpid(), SIGKILL);
        _exit(0);
    }
    CU_ASSERT_EQUAL_FATAL(waitpid(pid, &status, 0), pid);
    CU_ASSERT(WIFSIGNALED(status));
    CU_ASSERT_EQUAL(mode_of(at("killed")), 0);
    CU_ASSERT_EQUAL(file_create(at("killed"), 0600, span_text("whole")), ST_OK);
    unlink(at("killed"));
}

static void full_disk_leaves_nothing(void)
{
    struct file_draft draft = { .fd = open("/dev/full", O_WRONLY | O_CLOEXEC), .name = strdup(at("victim.abcdef")) };

    CU_ASSERT_EQUAL_FATAL(file_create(draft.name, 0600, span_text("")), ST_OK);
    CU_ASSERT_EQUAL(file_fill(&draft, at("victim"), span_text("does not fit")), ST_IO);
    CU_ASSERT_EQUAL(mode_of(at("victim")), 0);
    CU_ASSERT_EQUAL(drafts(), 0);
}

/* As on a FAT medium. */
static void without_nameless_files(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    pid_t pid = fork();
    unsigned failed;
    int status;

    if (pid == 0) {
        INVARIANT(seccomp_rule_add(filter, SCMP_ACT_ERRNO(EOPNOTSUPP), SCMP_SYS(openat), 1,
                                   SCMP_A2(SCMP_CMP_MASKED_EQ, O_TMPFILE & ~O_DIRECTORY, O_TMPFILE & ~O_DIRECTORY)) ==
                  0);
        INVARIANT(seccomp_load(filter) == 0);
        failed = CU_get_number_of_failures();
        abandoned_is_gone();
        reserved_is_filled();
        reservation_is_no_right();
        killed_leaves_nothing();
        _exit(CU_get_number_of_failures() == failed ? 0 : 1);
    }
    seccomp_release(filter);
    CU_ASSERT_EQUAL_FATAL(waitpid(pid, &status, 0), pid);
    CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CU_ASSERT_EQUAL(drafts(), 1); /* of the one that was killed */
}

static void reading_is_bounded(void)
{
    struct bytes out = { 0 };

    CU_ASSERT_EQUAL_FATAL(file_create(at("ten"), 0600, span_text("0123456789")), ST_OK);
    CU_ASSERT_EQUAL(file_read(at("ten"), 10, &out), ST_OK);
    CU_ASSERT_EQUAL(out.len, 10);
    CU_ASSERT_EQUAL(file_read(at("ten"), 9, &out), ST_TOO_LARGE);
    CU_ASSERT_EQUAL(file_read("/proc/self/exe", 10000, &out), ST_TOO_LARGE);
    CU_ASSERT_EQUAL(file_read("/dev/zero", 100000, &out), ST_UNSUPPORTED);
    CU_ASSERT_EQUAL(file_read(at("none"), 10, &out), ST_NOT_FOUND);
    CU_ASSERT_EQUAL(file_read(at(""), 10, &out), ST_UNSUPPORTED);
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
        { "all that is so where files without a name are not to be had", without_nameless_files },
        { "reading stops at its limit", reading_is_bounded },
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = { { "private_file", NULL, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
