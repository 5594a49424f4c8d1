#include "firmware/base/secret.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/harness.h"

static char path[128], other[160];

static int set_up(void)
{
    snprintf(path, sizeof path, "%s/secret", scratch_directory());
    snprintf(other, sizeof other, "%s/other", scratch_directory());
    return 0;
}

static void write_secret(const char *to, const void *content, size_t len, mode_t mode)
{
    int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ssize_t n = write(fd, content, len);

    CU_ASSERT(n == (ssize_t)len && fchmod(fd, mode) == 0);
    close(fd);
}

static void the_process_keeps_its_memory_to_itself(void)
{
    struct rlimit core;
    struct secret s = { 0 };

    CU_ASSERT_FATAL(secret_init_process() == ST_OK);
    CU_ASSERT(secret_init_process() == ST_OK);
    CU_ASSERT(prctl(PR_GET_DUMPABLE) == 0);
    CU_ASSERT(getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur == 0 && core.rlim_max == 0);
    CU_ASSERT(secret_set(&s, span_text("pin")) == ST_OK);
    CU_ASSERT(CRYPTO_secure_allocated(s.p) == 1);
    secret_clear(&s);
    prctl(PR_SET_DUMPABLE, 1); /* the leak checker traces us at the end */
}

static void secrets_grow_and_move(void)
{
    struct secret s = { 0 }, moved = { 0 };

    CU_ASSERT(secret_append(&s, span_of(NULL, 0)) == ST_OK);
    CU_ASSERT(secret_append(&s, span_text("one")) == ST_OK);
    CU_ASSERT(secret_append(&s, span_text("two")) == ST_OK);
    CU_ASSERT(span_is(secret_span(&s), "onetwo"));
    CU_ASSERT(secret_grow(&s, 5000) == ST_OK && s.cap >= 5000);
    CU_ASSERT(span_is(secret_span(&s), "onetwo"));
    CU_ASSERT(secret_grow(&s, 10) == ST_OK && s.cap >= 5000);
    CU_ASSERT(secret_set(&s, span_text("x")) == ST_OK);
    CU_ASSERT(s.len == 1 && s.p[1] == 0 && s.p[5] == 0); /* the old bytes are gone */
    secret_move(&moved, &s);
    CU_ASSERT(s.p == NULL && s.len == 0 && s.cap == 0);
    CU_ASSERT(span_is(secret_span(&moved), "x"));
    secret_clear(&moved);
    CU_ASSERT(moved.p == NULL && moved.len == 0);
    secret_clear(&moved);
}

static void a_secret_has_a_largest_size(void)
{
    static uint8_t big[SECRET_MAX + 1];
    struct secret s = { 0 };

    CU_ASSERT(secret_grow(&s, SECRET_MAX + 1) == ST_TOO_LARGE);
    CU_ASSERT(secret_grow(&s, SIZE_MAX) == ST_TOO_LARGE);
    CU_ASSERT(secret_append(&s, span_of(big, SECRET_MAX)) == ST_OK);
    CU_ASSERT(secret_append(&s, span_of(big, 1)) == ST_TOO_LARGE);
    CU_ASSERT(secret_append(&s, span_of(big, SIZE_MAX)) == ST_TOO_LARGE);
    CU_ASSERT(s.len == SECRET_MAX);
    CU_ASSERT(secret_set(&s, span_of(big, SECRET_MAX + 1)) == ST_TOO_LARGE);
    secret_clear(&s);
}

static void secrets_compare(void)
{
    CU_ASSERT(secret_equal(span_text("pin"), span_text("pin")));
    CU_ASSERT(secret_equal(span_of(NULL, 0), span_text("")));
    CU_ASSERT(!secret_equal(span_text("pin"), span_text("pim")));
    CU_ASSERT(!secret_equal(span_text("xin"), span_text("pin")));
    CU_ASSERT(!secret_equal(span_text("pin"), span_text("pinn")));
    CU_ASSERT(!secret_equal(span_text("pin"), span_of(NULL, 0)));
}

static void wiping_leaves_zeros(void)
{
    uint8_t b[64], zeros[64] = { 0 };

    memset(b, 0xaa, sizeof b);
    secret_wipe(b, sizeof b);
    CU_ASSERT(memcmp(b, zeros, sizeof b) == 0);
}

static bool reads(const char *content, size_t len, const char *want)
{
    struct secret s = { 0 };
    bool same;

    write_secret(path, content, len, 0600);
    same = secret_read_file(&s, path) == ST_OK && span_is(secret_span(&s), want);
    secret_clear(&s);
    return same;
}

static void a_file_is_read_without_its_line_end(void)
{
    static uint8_t big[SECRET_MAX + 1];
    struct secret s = { 0 };

    CU_ASSERT(reads("1234", 4, "1234"));
    CU_ASSERT(reads("1234\n", 5, "1234"));
    CU_ASSERT(reads("1234\r\n", 6, "1234"));
    CU_ASSERT(reads(" 12\n34 \n", 8, " 12\n34 "));
    CU_ASSERT(reads("", 0, ""));
    CU_ASSERT(reads("\n", 1, ""));
    memset(big, 'b', sizeof big);
    write_secret(path, big, SECRET_MAX, 0600);
    CU_ASSERT(secret_read_file(&s, path) == ST_OK && s.len == SECRET_MAX);
    write_secret(path, big, SECRET_MAX + 1, 0600);
    CU_ASSERT(secret_read_file(&s, path) == ST_TOO_LARGE && s.p == NULL);
}

static enum status read_status(const char *from)
{
    struct secret s = { 0 };
    enum status st;

    CU_ASSERT(secret_set(&s, span_text("old")) == ST_OK);
    st = secret_read_file(&s, from);
    CU_ASSERT((st == ST_OK) == (s.p != NULL)); /* an error leaves no old secret behind */
    secret_clear(&s);
    return st;
}

static void files_that_others_could_touch_are_refused(void)
{
    static const mode_t open_modes[] = { 0640, 0604, 0644, 0660, 0666, 0601, 0610, 0620, 0602 };

    for (size_t i = 0; i < ARRAY_LEN(open_modes); i++) {
        write_secret(path, "1234", 4, open_modes[i]);
        CU_ASSERT(read_status(path) == ST_NOT_PERMITTED);
    }
    write_secret(path, "1234", 4, 0600);
    CU_ASSERT(read_status(path) == ST_OK);
    CU_ASSERT(symlink(path, other) == 0);
    CU_ASSERT(read_status(other) == ST_NOT_PERMITTED);
    CU_ASSERT(unlink(other) == 0);
    CU_ASSERT(mkfifo(other, 0600) == 0); /* with nobody at its other end */
    CU_ASSERT(read_status(other) == ST_NOT_PERMITTED);
    CU_ASSERT(unlink(other) == 0);
    CU_ASSERT(read_status(scratch_directory()) == ST_NOT_PERMITTED);
    CU_ASSERT(read_status("/dev/null") == ST_NOT_PERMITTED);
    CU_ASSERT(read_status(other) == ST_NOT_FOUND);
    if (geteuid() == 0) {
        CU_ASSERT(chown(path, 65534, 65534) == 0);
        CU_ASSERT(read_status(path) == ST_NOT_PERMITTED);
    }
}

int main(void)
{
    CU_TestInfo cases[] = { { "the process keeps its memory to itself", the_process_keeps_its_memory_to_itself },
                            { "secrets grow and move", secrets_grow_and_move },
                            { "a secret has a largest size", a_secret_has_a_largest_size },
                            { "secrets compare", secrets_compare },
                            { "wiping leaves zeros", wiping_leaves_zeros },
                            { "a file is read without its line end", a_file_is_read_without_its_line_end },
                            { "files that others could touch are refused", files_that_others_could_touch_are_refused },
                            CU_TEST_INFO_NULL };
    CU_SuiteInfo suites[] = { { .pName = "secrets", .pInitFunc = set_up, .pTests = cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
