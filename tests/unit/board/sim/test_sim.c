/* The board's HAL as the firmware finds it: behind the sandbox, with a TPM and without one. */
#include "tests/unit/harness.h"

#include <openssl/pem.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "board/sim/directory.h"
#include "board/sim/sandbox.h"
#include "board/sim/sim.h"
#include "tests/unit/board/sim/swtpm.h"
#include "tests/unit/firmware/flash/quote_check.h"

static const uint8_t image[TPM_DIGEST_LEN] = "this firmware, thirty-two bytes",
                     nonce[TPM_DIGEST_LEN] = "a nonce of just thirty-two bytes";

static struct sim sim;

static void open_board(const char *name, struct tpm *tpm)
{
    char path[128];
    int folder = -1;

    snprintf(path, sizeof path, "%s/%s", scratch_directory(), name);
    CU_ASSERT_EQUAL_FATAL(directory_open(path, &folder), ST_OK);
    CU_ASSERT_EQUAL_FATAL(sim_open(&sim, folder, tpm, image), ST_OK);
    close(folder);
}

/* What `probe` returns in a child that has closed the sandbox over the open board, or minus the signal that ended it.
 */
static int behind_the_sandbox(int (*probe)(const struct hal *hal))
{
    int how = 0;
    pid_t pid = fork();

    if (pid == 0) {
        struct sandbox s;

        syscall(SYS_exit_group, sandbox_enter(&s, NULL, scratch_directory()) == ST_OK && sandbox_close() == ST_OK
                                    ? probe(&sim.hal)
                                    : 99);
    }
    waitpid(pid, &how, 0);
    return WIFEXITED(how) ? WEXITSTATUS(how) : -WTERMSIG(how);
}

/* 0, or which step failed. */
static int quotes(const struct hal *hal)
{
    struct bytes key = { 0 }, attest = { 0 }, signature = { 0 };
    uint8_t pcr[TPM_DIGEST_LEN];
    struct quote q;

    if (hal->quote_key(hal->self, &key) != ST_OK)
        return 1;
    if (hal->quote(hal->self, nonce, &attest, &signature) != ST_OK)
        return 2;
    quote_expected_pcr(hal->facts.firmware_hash, pcr);
    q = (struct quote){ bytes_span(&key), bytes_span(&attest), bytes_span(&signature) };
    return quote_fault(&q, nonce, pcr) == NULL ? 0 : 3;
}

static void quotes_come_out_of_the_sandbox(void)
{
    struct tpm *tpm = NULL;
    struct swtpm s;

    swtpm_start(&s, "tpm");
    CU_ASSERT_EQUAL_FATAL(tpm_open(s.socket, &tpm), ST_OK);
    open_board("with-tpm", tpm);
    CU_ASSERT_EQUAL(behind_the_sandbox(quotes), 0);
    swtpm_stop(&s);
    CU_ASSERT_EQUAL(behind_the_sandbox(quotes), 1);
    sim_close(&sim);
}

static void a_board_without_a_tpm_has_no_quote(void)
{
    struct bytes a = { 0 }, b = { 0 };

    open_board("without-tpm", NULL);
    CU_ASSERT_EQUAL(sim.hal.quote_key(&sim, &a), ST_NOT_FOUND);
    CU_ASSERT_EQUAL(sim.hal.quote(&sim, nonce, &a, &b), ST_NOT_FOUND);
    CU_ASSERT(a.len == 0 && b.len == 0);
    sim_close(&sim);
}

static int publishes(const struct hal *hal)
{
    static const uint8_t long_one[40000] = { 1, 2, 3 };

    if (hal->publish_destruction(hal->self, span_of(long_one, sizeof long_one)) != ST_OK)
        return 1;
    return hal->publish_destruction(hal->self, span_text("a statement, for all we care")) == ST_OK ? 0 : 2;
}

static int takes_back(const struct hal *hal)
{
    return hal->publish_destruction(hal->self, span_of(NULL, 0)) == ST_OK ? 0 : 1;
}

/* What OpenSSL reads out of the file; false: there is no PEM in it. */
static bool read_destruction(struct bytes *out)
{
    unsigned char *data = NULL;
    char path[160], *name = NULL, *header = NULL;
    long len = 0;
    FILE *f;
    bool found;

    snprintf(path, sizeof path, "%s/published/destruction", scratch_directory());
    f = fopen(path, "re");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    found = PEM_read(f, &name, &header, &data, &len) == 1;
    if (found) {
        CU_ASSERT_STRING_EQUAL(name, "STRONGROOM STATEMENT");
        CU_ASSERT_STRING_EQUAL(header, "");
        CU_ASSERT_EQUAL(bytes_set(out, span_of(data, (size_t)len)), ST_OK);
    }
    fclose(f);
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(data);
    return found;
}

static void destruction_is_published_out_of_the_sandbox(void)
{
    struct bytes read = { 0 };

    open_board("published", NULL);
    CU_ASSERT_FALSE(read_destruction(&read));
    CU_ASSERT_EQUAL(behind_the_sandbox(publishes), 0);
    CU_ASSERT_TRUE(read_destruction(&read));
    CU_ASSERT(span_is(bytes_span(&read), "a statement, for all we care"));
    sim_close(&sim);

    open_board("published", NULL); /* a start leaves it */
    CU_ASSERT_TRUE(read_destruction(&read));
    CU_ASSERT_EQUAL(behind_the_sandbox(takes_back), 0);
    CU_ASSERT_FALSE(read_destruction(&read));
    sim_close(&sim);
    bytes_clear(&read);
}

int main(void)
{
    CU_TestInfo cases[] = { { "quotes come out of the sandbox", quotes_come_out_of_the_sandbox },
                            { "a board without a TPM has no quote", a_board_without_a_tpm_has_no_quote },
                            { "the destruction is published out of the sandbox",
                              destruction_is_published_out_of_the_sandbox },
                            CU_TEST_INFO_NULL };
    CU_SuiteInfo suites[] = { { "the simulated board", NULL, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
