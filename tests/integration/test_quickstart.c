/* provisioning/quickstart as a user runs it, with a home and ports of its own. */
#include <ctype.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/integration/appliance.h"
#include "tests/unit/harness.h"

static struct appliance *a; /* for its home, ports and environment; the daemons are quickstart's */
static struct bytes output;

static int set_up(void)
{
    return (a = appliance_new()) != NULL ? 0 : 1;
}

static int tear_down(void)
{
    bytes_clear(&output);
    return appliance_free(a) ? 0 : 1;
}

static int quickstart(const char *verb)
{
    const char *words[] = { STRONGROOM_SOURCE_DIR "/provisioning/quickstart", verb, NULL };

    return appliance_run(a, words, &output);
}

static bool said(const char *part)
{
    if (strstr(bytes_text(&output), part) != NULL)
        return true;
    printf("\n  not said: \"%s\" in:\n%s", part, bytes_text(&output));
    return false;
}

static bool said_not(const char *part)
{
    return strstr(bytes_text(&output), part) == NULL;
}

/* What `up` starts: the daemons, and the keystore with its TPM. */
static unsigned all_processes(void)
{
    return a->on_softhsm ? 2 : 4;
}

/* How many processes have the appliance's home in their command line. */
static unsigned processes(void)
{
    DIR *d = opendir("/proc");
    struct dirent *entry;
    unsigned count = 0;

    CU_ASSERT_PTR_NOT_NULL_FATAL(d);
    while ((entry = readdir(d)) != NULL) {
        char path[300], line[4096] = "";
        FILE *f;
        size_t n;

        if (!isdigit((unsigned char)entry->d_name[0]))
            continue;
        snprintf(path, sizeof path, "/proc/%s/cmdline", entry->d_name);
        if ((f = fopen(path, "re")) == NULL)
            continue;
        n = fread(line, 1, sizeof line - 1, f);
        fclose(f);
        count += memmem(line, n, a->home, strlen(a->home)) != NULL;
    }
    closedir(d);
    return count;
}

static void up(void)
{
    CU_ASSERT_EQUAL_FATAL(quickstart("up"), 0);
    CU_ASSERT(said("Verified OK") && said("HTTP/2") && said("created the EC key"));
    CU_ASSERT(said("az login") && said("ClientSecretCredential"));
    CU_ASSERT_EQUAL(processes(), all_processes());
}

static void tells_no_secret(void)
{
    CU_ASSERT(said_not(a->client_secret));
    CU_ASSERT(said_not("eyJ")); /* how every JSON web token begins */
}

static void status_well(void)
{
    CU_ASSERT_EQUAL(quickstart("status"), 0);
    CU_ASSERT(said("managementd") && said("vaultd") && said("well"));
}

static void up_again(void)
{
    CU_ASSERT_EQUAL(quickstart("up"), 0);
    CU_ASSERT(said("still there") && said("Verified OK"));
    CU_ASSERT(said_not("starting") && said_not("created"));
    CU_ASSERT_EQUAL(processes(), all_processes());
}

static void down(void)
{
    CU_ASSERT_EQUAL(quickstart("down"), 0);
    CU_ASSERT_EQUAL(processes(), 0);
    CU_ASSERT_EQUAL(quickstart("status"), 1);
    CU_ASSERT(said("not running"));
    CU_ASSERT_EQUAL(quickstart("down"), 0);
}

static void up_after_down(void)
{
    CU_ASSERT_EQUAL(quickstart("up"), 0);
    CU_ASSERT(said("starting managementd") && said("starting vaultd"));
    CU_ASSERT(said("still there") && said("Verified OK"));
}

static void starts_what_is_missing(void)
{
    char *path = text_of("%s/vaultd/pid", a->home);
    struct bytes text = { 0 };

    read_file(path, &text);
    CU_ASSERT_EQUAL(kill((pid_t)strtol(bytes_text(&text), NULL, 10), SIGKILL), 0);
    CU_ASSERT_EQUAL(quickstart("up"), 0);
    CU_ASSERT(said("starting vaultd") && said_not("starting managementd") && said("Verified OK"));
    CU_ASSERT_EQUAL(processes(), all_processes());
    bytes_clear(&text);
    free(path);
}

static void other_ports(void)
{
    char port[16];

    snprintf(port, sizeof port, "%u", a->data_port);
    setenv("STRONGROOM_DATA_PORT", "1", 1);
    CU_ASSERT_EQUAL(quickstart("up"), 1);
    CU_ASSERT(said("down"));
    setenv("STRONGROOM_DATA_PORT", port, 1);
    CU_ASSERT_EQUAL(quickstart("status"), 0);
}

static void reused_pid(void)
{
    char *path = text_of("%s/vaultd/pid", a->home), *ours = text_of("%d 1\n", (int)getpid());
    struct bytes text = { 0 };
    FILE *f;

    read_file(path, &text);
    f = fopen(path, "we");
    fputs(ours, f);
    fclose(f);
    CU_ASSERT_EQUAL(quickstart("down"), 0); /* we live on: it was not vaultd's start time */
    CU_ASSERT_EQUAL(processes(), 1);
    f = fopen(path, "we");
    fwrite(text.p, 1, text.len, f);
    fclose(f);
    CU_ASSERT_EQUAL(quickstart("down"), 0);
    CU_ASSERT_EQUAL(processes(), 0);
    bytes_clear(&text);
    free(path);
    free(ours);
}

static void wrong_usage(void)
{
    CU_ASSERT_EQUAL(quickstart("sideways"), 2);
    CU_ASSERT(said("sideways"));
    CU_ASSERT_EQUAL(quickstart("--help"), 0);
    CU_ASSERT(said("STRONGROOM_HOME"));
}

int main(void)
{
    static CU_TestInfo cases[] = {
        { "up: a signature over HTTP/2 that OpenSSL verifies, and lines to paste", up },
        { "what it prints holds no secret and no token", tells_no_secret },
        { "status", status_well },
        { "up again finds everything, and the old key still signs", up_again },
        { "down leaves no process; twice is fine", down },
        { "up after down: the same key signs", up_after_down },
        { "up starts only what is missing", starts_what_is_missing },
        { "other ports while it runs are refused", other_ports },
        { "a pid file that names another process ends nobody", reused_pid },
        { "wrong usage", wrong_usage },
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = { { "quickstart", set_up, tear_down, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
