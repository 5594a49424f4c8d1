/* The TPM's commands and the root key in it, against a real TPM 2.0 implementation (swtpm). */
#include "tests/unit/harness.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "board/sim/root_tpm.h"
#include "board/sim/tpm.h"
#include "tests/unit/board/sim/swtpm.h"

static const uint8_t image[TPM_DIGEST_LEN] = "this firmware, thirty-two bytes";
static const uint8_t other_image[TPM_DIGEST_LEN] = "that firmware, thirty-two bytes";

static struct tpm *connected(const struct swtpm *s)
{
    struct tpm *t = NULL;

    CU_ASSERT_EQUAL_FATAL(tpm_open(s->socket, &t), ST_OK);
    return t;
}

static void random_bytes_differ(void)
{
    uint8_t a[100] = { 0 }, b[100] = { 0 };
    struct swtpm s;
    struct tpm *t;

    swtpm_start(&s, "random");
    t = connected(&s);
    CU_ASSERT_EQUAL(tpm_random(t, a, sizeof a), ST_OK);
    CU_ASSERT_EQUAL(tpm_random(t, b, sizeof b), ST_OK);
    CU_ASSERT(memcmp(a, b, sizeof a) != 0);
    CU_ASSERT(memcmp(a + 68, a, 32) != 0);
    tpm_close(t);
    swtpm_stop(&s);
}

static void root_key_survives_a_restart(void)
{
    uint8_t first[HAL_ROOT_KEY_LEN] = { 1 }, second[HAL_ROOT_KEY_LEN] = { 2 };
    struct root_tpm r;
    struct swtpm s;
    struct tpm *t;

    swtpm_start(&s, "restart");
    t = connected(&s);
    CU_ASSERT_EQUAL(root_tpm_open(&r, t, image), ST_OK);
    CU_ASSERT_EQUAL(root_tpm_key(&r, first), ST_OK);
    tpm_close(t);

    t = connected(&s); /* the keystore restarts, its TPM runs on */
    CU_ASSERT_EQUAL(root_tpm_open(&r, t, image), ST_OK);
    CU_ASSERT_EQUAL(root_tpm_key(&r, second), ST_OK);
    CU_ASSERT(memcmp(first, second, sizeof first) == 0);
    tpm_close(t);

    swtpm_stop(&s);
    swtpm_start(&s, "restart"); /* both restart */
    t = connected(&s);
    memset(second, 0, sizeof second);
    CU_ASSERT_EQUAL(root_tpm_open(&r, t, image), ST_OK);
    for (int i = 0; i < 10; i++) /* sessions and objects are flushed: a TPM has room for three */
        CU_ASSERT_EQUAL(root_tpm_key(&r, second), ST_OK);
    CU_ASSERT(memcmp(first, second, sizeof first) == 0);
    tpm_close(t);
    swtpm_stop(&s);
}

static void root_key_stays_closed_to_other_measurements(void)
{
    uint8_t key[HAL_ROOT_KEY_LEN];
    struct root_tpm r;
    struct swtpm s;
    struct tpm *t;

    swtpm_start(&s, "measured");
    t = connected(&s);
    CU_ASSERT_EQUAL(root_tpm_open(&r, t, image), ST_OK);
    CU_ASSERT_EQUAL(root_tpm_key(&r, key), ST_OK);
    CU_ASSERT_EQUAL(tpm_pcr_extend(t, ROOT_TPM_PCR, image), ST_OK); /* one more */
    CU_ASSERT_EQUAL(root_tpm_key(&r, key), ST_CORRUPT);
    CU_ASSERT_EQUAL(tpm_unseal(t, ROOT_TPM_HANDLE, ROOT_TPM_PCR, key, sizeof key), ST_CORRUPT);
    CU_ASSERT_EQUAL(tpm_unseal(t, ROOT_TPM_HANDLE, 13, key, sizeof key), ST_CORRUPT); /* another policy */
    tpm_close(t);

    swtpm_stop(&s);
    swtpm_start(&s, "measured");
    t = connected(&s);
    CU_ASSERT_EQUAL(root_tpm_open(&r, t, other_image), ST_OK); /* other firmware on the same board */
    CU_ASSERT_EQUAL(root_tpm_key(&r, key), ST_CORRUPT);
    tpm_close(t);
    swtpm_stop(&s);
}

/* Its own measurement would have to be there, and the TPM has the one of the image before. */
static void another_image_does_not_take_over_a_running_tpm(void)
{
    uint8_t key[HAL_ROOT_KEY_LEN];
    struct root_tpm r;
    struct swtpm s;
    struct tpm *t;

    swtpm_start(&s, "taken_over");
    t = connected(&s);
    CU_ASSERT_EQUAL(root_tpm_open(&r, t, image), ST_OK);
    CU_ASSERT_EQUAL(root_tpm_key(&r, key), ST_OK);
    tpm_close(t);
    t = connected(&s);
    CU_ASSERT_EQUAL(root_tpm_open(&r, t, other_image), ST_CORRUPT);
    CU_ASSERT_EQUAL(root_tpm_open(&r, t, image), ST_OK);
    CU_ASSERT_EQUAL(root_tpm_key(&r, key), ST_OK);
    tpm_close(t);
    swtpm_stop(&s);
}

static void no_key_is_made_on_a_foreign_measurement(void)
{
    struct root_tpm r;
    struct swtpm s;
    struct tpm *t;

    swtpm_start(&s, "foreign");
    t = connected(&s);
    CU_ASSERT_EQUAL(tpm_pcr_extend(t, ROOT_TPM_PCR, other_image), ST_OK);
    CU_ASSERT_EQUAL(root_tpm_open(&r, t, image), ST_CORRUPT);
    CU_ASSERT_EQUAL(tpm_holds(t, ROOT_TPM_HANDLE), ST_NOT_FOUND);
    tpm_close(t);
    swtpm_stop(&s);
}

static void destroyed_root_key_stays_destroyed(void)
{
    uint8_t key[HAL_ROOT_KEY_LEN];
    struct root_tpm r;
    struct swtpm s;
    struct tpm *t;

    swtpm_start(&s, "destroyed");
    t = connected(&s);
    CU_ASSERT_EQUAL(root_tpm_open(&r, t, image), ST_OK);
    CU_ASSERT_EQUAL(root_tpm_destroy(&r), ST_OK);
    CU_ASSERT_EQUAL(root_tpm_key(&r, key), ST_NOT_FOUND);
    CU_ASSERT_EQUAL(root_tpm_destroy(&r), ST_OK); /* once more does no harm */
    CU_ASSERT_EQUAL(tpm_unseal(t, ROOT_TPM_HANDLE, ROOT_TPM_PCR, key, sizeof key), ST_NOT_FOUND);
    tpm_close(t);
    swtpm_stop(&s);
    swtpm_start(&s, "destroyed");
    t = connected(&s);
    CU_ASSERT_EQUAL(root_tpm_open(&r, t, image), ST_OK);
    CU_ASSERT_EQUAL(root_tpm_key(&r, key), ST_NOT_FOUND); /* and no new one was made */
    tpm_close(t);
    swtpm_stop(&s);
}

static void counter_never_goes_back(void)
{
    uint64_t last = 0, now = 0;
    struct root_tpm r;
    struct swtpm s;
    struct tpm *t;

    for (int start = 0; start < 3; start++) {
        swtpm_start(&s, "counter");
        t = connected(&s);
        CU_ASSERT_EQUAL(root_tpm_open(&r, t, image), ST_OK);
        CU_ASSERT_EQUAL(root_tpm_counter_read(&r, &now), ST_OK);
        CU_ASSERT(start == 0 || now == last);
        CU_ASSERT_EQUAL(root_tpm_counter_increment(&r, &now), ST_OK);
        CU_ASSERT(start == 0 || now == last + 1);
        last = now;
        tpm_close(t);
        swtpm_stop(&s);
    }
}

static void missing_things_are_not_found(void)
{
    uint8_t key[HAL_ROOT_KEY_LEN];
    uint64_t value;
    struct swtpm s;
    struct tpm *t;

    swtpm_start(&s, "missing");
    t = connected(&s);
    CU_ASSERT_EQUAL(tpm_unseal(t, ROOT_TPM_HANDLE, ROOT_TPM_PCR, key, sizeof key), ST_NOT_FOUND);
    CU_ASSERT_EQUAL(tpm_evict(t, ROOT_TPM_HANDLE), ST_NOT_FOUND);
    CU_ASSERT_EQUAL(tpm_counter_read(t, ROOT_TPM_COUNTER, &value), ST_NOT_FOUND);
    CU_ASSERT_EQUAL(tpm_counter_increment(t, ROOT_TPM_COUNTER), ST_NOT_FOUND);
    CU_ASSERT_EQUAL(tpm_counter_define(t, ROOT_TPM_COUNTER), ST_OK);
    CU_ASSERT_EQUAL(tpm_counter_define(t, ROOT_TPM_COUNTER), ST_EXISTS);
    CU_ASSERT_EQUAL(tpm_counter_read(t, ROOT_TPM_COUNTER, &value), ST_NOT_FOUND); /* never incremented */
    tpm_close(t);
    swtpm_stop(&s);
    CU_ASSERT_EQUAL(tpm_open(s.socket, &t), ST_UNAVAILABLE);
    CU_ASSERT_PTR_NULL(t);
    CU_ASSERT_EQUAL(tpm_open("/dev/null", &t), ST_UNAVAILABLE);
}

static void a_tpm_that_goes_away_is_unavailable(void)
{
    uint8_t b[8];
    struct swtpm s;
    struct tpm *t;

    swtpm_start(&s, "away");
    t = connected(&s);
    swtpm_stop(&s);
    CU_ASSERT_EQUAL(tpm_random(t, b, sizeof b), ST_UNAVAILABLE);
    CU_ASSERT_EQUAL(tpm_random(t, b, sizeof b), ST_UNAVAILABLE);
    tpm_close(t);
}

/* A listener that gives one answer to the first command, whatever it was. */
static enum status open_with_answer(struct span answer)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    enum status st;
    struct tpm *t;
    pid_t pid;
    int fd;

    snprintf(at.sun_path, sizeof at.sun_path, "%s/lies.sock", scratch_directory());
    unlink(at.sun_path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    CU_ASSERT_EQUAL_FATAL(listen(fd, 1), 0);
    if ((pid = fork()) == 0) {
        uint8_t command[64];
        int to = accept(fd, NULL, NULL);
        bool ok = read(to, command, sizeof command) > 0 && write(to, answer.p, answer.len) == (ssize_t)answer.len;

        _exit(ok ? 0 : 1);
    }
    st = tpm_open(at.sun_path, &t);
    tpm_close(t);
    close(fd);
    waitpid(pid, NULL, 0);
    return st;
}

static void answers_that_make_no_sense_are_refused(void)
{
    static const uint8_t shorter[] = { 0x80, 1, 0, 0, 0, 9, 0, 0, 0, 0 }, /* than its header */
        longer[] = { 0x80, 1, 0, 1, 0, 0, 0, 0, 0, 0 },                   /* than we have room for */
        more[] = { 0x80, 1, 0, 0, 0, 10, 0, 0, 0, 0, 7 },                 /* than it says */
        error[] = { 0x80, 1, 0, 0, 0, 10, 0, 0, 1, 1 },                   /* TPM_RC_FAILURE */
        cut[] = { 0x80, 1, 0, 0, 0, 20, 0, 0, 0, 0 };

    CU_ASSERT_EQUAL(open_with_answer(span_of(shorter, sizeof shorter)), ST_INTERNAL);
    CU_ASSERT_EQUAL(open_with_answer(span_of(longer, sizeof longer)), ST_INTERNAL);
    CU_ASSERT_EQUAL(open_with_answer(span_of(more, sizeof more)), ST_INTERNAL);
    CU_ASSERT_EQUAL(open_with_answer(span_of(error, sizeof error)), ST_INTERNAL);
    CU_ASSERT_EQUAL(open_with_answer(span_of(cut, sizeof cut)), ST_UNAVAILABLE);
}

static void fields_beyond_the_answer_are_empty(void)
{
    static const uint8_t bytes[] = { 0, 3, 'a', 'b', 'c', 0, 9, 'd' };
    struct tpm_reader r = { .rest = span_of(bytes, sizeof bytes) };
    struct tpm_writer w = { .len = 0 };

    CU_ASSERT(span_is(tpm_get_sized(&r), "abc"));
    CU_ASSERT_FALSE(r.failed);
    CU_ASSERT_EQUAL(tpm_get_sized(&r).len, 0);
    CU_ASSERT_TRUE(r.failed);
    CU_ASSERT_EQUAL(tpm_get_u32(&r), 0);

    w.len = sizeof w.p - 1;
    tpm_put_u16(&w, 1);
    CU_ASSERT_TRUE(w.failed);
    CU_ASSERT(w.len <= sizeof w.p);
}

int main(void)
{
    CU_TestInfo cases[] = {
        { "random bytes differ", random_bytes_differ },
        { "the root key survives restarts of keystore and TPM", root_key_survives_a_restart },
        { "the root key stays closed to other measurements", root_key_stays_closed_to_other_measurements },
        { "another image does not take over a TPM that runs on", another_image_does_not_take_over_a_running_tpm },
        { "no key is made on a foreign measurement", no_key_is_made_on_a_foreign_measurement },
        { "a destroyed root key stays destroyed", destroyed_root_key_stays_destroyed },
        { "the counter never goes back", counter_never_goes_back },
        { "missing things are not found", missing_things_are_not_found },
        { "a TPM that goes away is unavailable", a_tpm_that_goes_away_is_unavailable },
        { "answers that make no sense are refused", answers_that_make_no_sense_are_refused },
        { "fields beyond the answer are empty", fields_beyond_the_answer_are_empty },
        CU_TEST_INFO_NULL
    };
    CU_SuiteInfo suites[] = { { "tpm", NULL, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
