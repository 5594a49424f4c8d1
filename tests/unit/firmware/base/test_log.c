#include "firmware/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/unit/harness.h"

static char path[128];
static int saved = -1;

/* Standard error goes into a file between these two. */
static void capture(void)
{
    int fd;

    snprintf(path, sizeof path, "%s/log", scratch_directory());
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    dup2(fd, STDERR_FILENO);
    close(fd);
}

static void release(struct bytes *out)
{
    dup2(saved, STDERR_FILENO);
    close(saved);
    read_file(path, out);
}

static void lines_carry_a_priority(void)
{
    struct bytes b = { 0 };

    capture();
    log_error("disk %d", 1);
    log_info("plain");
    log_debug("not shown");
    log_set_level(LOG_LEVEL_WARNING);
    log_notice("not shown");
    log_warning("shown");
    log_set_level(LOG_LEVEL_INFO);
    release(&b);
    CU_ASSERT_STRING_EQUAL(bytes_text(&b), "<3>disk 1\n<6>plain\n<4>shown\n");
    bytes_clear(&b);
}

static void nobody_can_forge_a_line(void)
{
    struct bytes b = { 0 };

    capture();
    log_info("name: %s", "a\n<0>forged\r\t\x1b[2J\x7f");
    release(&b);
    CU_ASSERT_STRING_EQUAL(bytes_text(&b), "<6>name: a?<0>forged???[2J?\n");
    bytes_clear(&b);
}

static void long_lines_are_cut(void)
{
    struct bytes b = { 0 };
    char text[5000];

    memset(text, 'l', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    capture();
    for (size_t len = 1000; len < 1040; len++)
        log_info("%.*s", (int)len, text);
    log_info("%s", text);
    release(&b);
    for (size_t at = 0; at < b.len;) {
        const uint8_t *end = memchr(b.p + at, '\n', b.len - at);

        CU_ASSERT_FATAL(end != NULL);
        CU_ASSERT((size_t)(end - (b.p + at)) <= 1023);
        at = (size_t)(end - b.p) + 1;
    }
    bytes_clear(&b);
}

static void errno_survives(void)
{
    struct bytes b = { 0 };

    capture();
    errno = ENOSPC;
    log_error("x");
    CU_ASSERT(errno == ENOSPC);
    release(&b);
    bytes_clear(&b);
}

static void *talk(void *arg)
{
    for (int i = 0; i < 500; i++)
        log_info("%s", (const char *)arg);
    return NULL;
}

static void lines_of_threads_do_not_mix(void)
{
    static char texts[4][40] = { "aaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbb", "cccccccccccccccccccc",
                                 "dddddddddddddddddddd" };
    pthread_t threads[4];
    struct bytes b = { 0 };

    capture();
    for (size_t i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, talk, texts[i]);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    release(&b);
    CU_ASSERT(b.len == 4 * 500 * 24);
    for (size_t at = 0; at + 24 <= b.len; at += 24)
        CU_ASSERT(memcmp(b.p + at, "<6>", 3) == 0 && b.p[at + 3] == b.p[at + 22] && b.p[at + 23] == '\n');
    bytes_clear(&b);
}

int main(void)
{
    CU_TestInfo cases[] = { { "lines carry a priority, and some are left out", lines_carry_a_priority },
                            { "nobody can forge a line", nobody_can_forge_a_line },
                            { "long lines are cut", long_lines_are_cut },
                            { "errno survives", errno_survives },
                            { "lines of threads do not mix", lines_of_threads_do_not_mix },
                            CU_TEST_INFO_NULL };
    CU_SuiteInfo suites[] = { { .pName = "the log", .pTests = cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
