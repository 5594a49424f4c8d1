/* Both daemons as processes: start, health, orderly end, crash, restart, one owner, configuration. */
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/integration/appliance.h"
#include "tests/unit/harness.h"

static struct appliance *a;

static int set_up(void)
{
    return (a = appliance_new()) != NULL && appliance_start(a) ? 0 : 1;
}

static int tear_down(void)
{
    return appliance_free(a) ? 0 : 1;
}

static long health(const char *base, const char *address)
{
    char *url = text_of("%s/healthz", base);
    struct request rq = { .url = url, .address = address };
    struct reply reply = { 0 };
    long status;

    appliance_request(a, &rq, &reply);
    status = reply.status;
    reply_clear(&reply);
    free(url);
    return status;
}

static void well_on_both_addresses(void)
{
    CU_ASSERT_EQUAL(health(a->data_url, "127.0.0.1"), 200);
    CU_ASSERT_EQUAL(health(a->data_url, "[::1]"), 200);
    CU_ASSERT_EQUAL(health(a->management_url, "127.0.0.1"), 200);
    CU_ASSERT_EQUAL(health(a->management_url, "[::1]"), 200);
}

static void ends_and_starts(enum appliance_daemon which, const char *url, const char *other_url)
{
    CU_ASSERT(appliance_stop_daemon(a, which));
    CU_ASSERT_EQUAL(health(url, NULL), 0);
    CU_ASSERT_EQUAL(health(other_url, NULL), 200);
    CU_ASSERT(appliance_start_daemon(a, which));
    CU_ASSERT_EQUAL(health(url, NULL), 200);
}

static void vaultd_ends_and_starts(void)
{
    ends_and_starts(VAULTD, a->data_url, a->management_url);
}

static void managementd_ends_and_starts(void)
{
    ends_and_starts(MANAGEMENTD, a->management_url, a->data_url);
}

static void killed_ones_start_again(void)
{
    appliance_kill_daemon(a, VAULTD);
    appliance_kill_daemon(a, MANAGEMENTD);
    CU_ASSERT(appliance_start(a));
}

static void hangup_reloads(void)
{
    CU_ASSERT_EQUAL(kill(a->pid[VAULTD], SIGHUP), 0);
    CU_ASSERT_EQUAL(kill(a->pid[MANAGEMENTD], SIGHUP), 0);
    CU_ASSERT_EQUAL(health(a->data_url, NULL), 200);
    CU_ASSERT_EQUAL(health(a->management_url, NULL), 200);
    CU_ASSERT_EQUAL(appliance_await_exit(a, VAULTD, 0), -1);
    CU_ASSERT_EQUAL(appliance_await_exit(a, MANAGEMENTD, 0), -1);
}

/* Run a daemon to its end with a configuration; what it wrote goes to `output`. */
static int run_daemon(const char *name, const char *config, struct bytes *output)
{
    const char *words[] = { name, "--config", config, NULL };

    return appliance_run(a, words, output);
}

static void one_owner(void)
{
    char *config = text_of("%s/vaultd/vaultd.conf", a->home);
    struct bytes output = { 0 };

    CU_ASSERT_EQUAL(run_daemon("vaultd", config, &output), 1);
    /* On the keystore a token has no single owner, and the audit trail has: the second writer is refused there. */
    CU_ASSERT_PTR_NOT_NULL(
        strstr(bytes_text(&output), a->on_softhsm ? "in use by another process" : "audit trail: busy"));
    CU_ASSERT_EQUAL(health(a->data_url, NULL), 200);
    bytes_clear(&output);
    free(config);
}

/* A daemon does not start with this line added, and says why. */
static void refused_line(const char *daemon, const char *line, const char *why)
{
    char *config = text_of("%s/%s/%s.conf", a->home, daemon, daemon), *bad = text_of("%s/bad.conf", a->home);
    struct bytes text = { 0 }, output = { 0 };
    FILE *f;

    read_file(config, &text);
    bytes_append_text(&text, line);
    f = fopen(bad, "wxe");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fwrite(text.p, 1, text.len, f);
    fclose(f);
    CU_ASSERT_EQUAL(chmod(bad, 0600), 0);
    CU_ASSERT_EQUAL(run_daemon(daemon, bad, &output), 1);
    if (strstr(bytes_text(&output), why) == NULL) {
        printf("\n  %s", bytes_text(&output));
        CU_FAIL("the reason is not said");
    }
    unlink(bad);
    bytes_clear(&text);
    bytes_clear(&output);
    free(config);
    free(bad);
}

static void bad_configuration(void)
{
    static const char *const daemons[] = { "vaultd", "managementd" };

    for (size_t i = 0; i < ARRAY_LEN(daemons); i++) {
        refused_line(daemons[i], "colour = red\n", "unknown name");
        refused_line(daemons[i], "domain = example.org\n", "set twice");
        refused_line(daemons[i], "key_cache = 0\n", "not valid");
    }
}

static void writable_configuration(void)
{
    char *config = text_of("%s/vaultd/vaultd.conf", a->home);
    struct bytes output = { 0 };

    CU_ASSERT_EQUAL(chmod(config, 0622), 0);
    CU_ASSERT_EQUAL(run_daemon("vaultd", config, &output), 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(bytes_text(&output), "nobody else may write"));
    CU_ASSERT_EQUAL(chmod(config, 0600), 0);
    bytes_clear(&output);
    free(config);
}

static void help_and_usage(void)
{
    static const char *const daemons[] = { "vaultd", "managementd" };
    struct bytes output = { 0 };

    for (size_t i = 0; i < ARRAY_LEN(daemons); i++) {
        CU_ASSERT_EQUAL(appliance_run(a, (const char *[]){ daemons[i], "--help", NULL }, &output), 0);
        CU_ASSERT_PTR_NOT_NULL(strstr(bytes_text(&output), "--config"));
        CU_ASSERT_EQUAL(appliance_run(a, (const char *[]){ daemons[i], "--version", NULL }, &output), 0);
        CU_ASSERT_EQUAL(appliance_run(a, (const char *[]){ daemons[i], NULL }, &output), 2);
        CU_ASSERT_EQUAL(appliance_run(a, (const char *[]){ daemons[i], "--colour", NULL }, &output), 2);
    }
    bytes_clear(&output);
}

static void missing_key(void)
{
    char *pin = text_of("%s/vaultd/pin", a->home), *away = text_of("%s/vaultd/pin.away", a->home);
    char *config = text_of("%s/vaultd/vaultd.conf", a->home);
    struct bytes output = { 0 };

    CU_ASSERT(appliance_stop_daemon(a, VAULTD));
    CU_ASSERT_EQUAL(rename(pin, away), 0);
    CU_ASSERT_EQUAL(run_daemon("vaultd", config, &output), 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(bytes_text(&output), "token"));
    CU_ASSERT_EQUAL(rename(away, pin), 0);
    CU_ASSERT_EQUAL(chmod(pin, 0444), 0);
    CU_ASSERT_EQUAL(run_daemon("vaultd", config, &output), 1);
    CU_ASSERT_EQUAL(chmod(pin, 0400), 0);
    CU_ASSERT(appliance_start_daemon(a, VAULTD));
    bytes_clear(&output);
    free(pin);
    free(away);
    free(config);
}

int main(void)
{
    static CU_TestInfo cases[] = {
        { "both answer /healthz on 127.0.0.1 and ::1", well_on_both_addresses },
        { "vaultd ends on SIGTERM with code 0 while managementd goes on, and starts again", vaultd_ends_and_starts },
        { "managementd ends on SIGTERM with code 0 while vaultd goes on, and starts again",
          managementd_ends_and_starts },
        { "both start again after SIGKILL", killed_ones_start_again },
        { "SIGHUP reloads, nothing else", hangup_reloads },
        { "a second vaultd on the same token refuses to start and harms nobody", one_owner },
        { "an unknown, repeated or wrong line of the configuration is named", bad_configuration },
        { "a configuration that others may write is refused", writable_configuration },
        { "--help, --version and wrong usage have their exit codes", help_and_usage },
        { "a PIN file that is missing or readable by others: no start", missing_key },
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = { { "daemons", set_up, tear_down, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
