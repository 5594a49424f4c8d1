#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "service/daemon/config.h"
#include "tests/unit/harness.h"

static char path[256];

static const char complete[] = "# a comment = not a setting\n"
                               "tenant_id = 11111111-2222-3333-4444-555555555555\n"
                               "management_store = /var/lib/m.db\n"
                               "audit_directory=/var/lib/audit\n"
                               "  certificate_file\t=  /etc/cert.pem  \r\n"
                               "token_module = /usr/lib/softhsm/libsofthsm2.so\n"
                               "token_label = a label with spaces\n"
                               "token_pin_file = /etc/pin\n";

/* Write a configuration: the complete one, then `more`. */
static void write_config(const char *more, mode_t mode)
{
    FILE *f;

    snprintf(path, sizeof path, "%s/daemon.conf", scratch_directory());
    unlink(path);
    f = fopen(path, "w");
    CU_ASSERT_FATAL(f != NULL);
    fputs(complete, f);
    fputs(more, f);
    fclose(f);
    chmod(path, mode);
}

static enum status load(const char *more)
{
    struct config c;
    enum status st;

    write_config(more, 0600);
    st = config_load(path, &c);
    config_clear(&c);
    return st;
}

static void defaults(void)
{
    struct config c;

    write_config("", 0600);
    CU_ASSERT_EQUAL_FATAL(config_load(path, &c), ST_OK);
    CU_ASSERT_STRING_EQUAL(c.domain, "localhost");
    CU_ASSERT_STRING_EQUAL(c.listen[0], "127.0.0.1");
    CU_ASSERT_STRING_EQUAL(c.listen[1], "::1");
    CU_ASSERT_PTR_NULL(c.listen[2]);
    CU_ASSERT_EQUAL(c.data_port, 8443);
    CU_ASSERT_EQUAL(c.management_port, 8444);
    CU_ASSERT_STRING_EQUAL(c.certificate_file, "/etc/cert.pem");
    CU_ASSERT_STRING_EQUAL(c.token_label, "a label with spaces");
    CU_ASSERT_STRING_EQUAL(c.tenant_id.text, "11111111-2222-3333-4444-555555555555");
    config_clear(&c);
}

static void urls(void)
{
    struct config c;
    char *url;

    write_config("domain = example.org\ndata_port = 443\n", 0600);
    CU_ASSERT_EQUAL_FATAL(config_load(path, &c), ST_OK);
    url = config_vault_resource(&c);
    CU_ASSERT_STRING_EQUAL(url, "https://vault.example.org");
    free(url);
    url = config_login_url(&c);
    CU_ASSERT_STRING_EQUAL(url, "https://login.example.org:8444");
    free(url);
    config_clear(&c);
}

static void refused_lines(void)
{
    CU_ASSERT_EQUAL(load("colour = red\n"), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(load("just words\n"), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(load("token_label = again\n"), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(load("data_port = 0\n"), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(load("data_port = 65536\n"), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(load("data_port = 0x10\n"), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(load("data_port = -1\n"), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(load("data_port =\n"), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(load("data_port = 99999999999999999999\n"), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(load("vault_store = relative/path\n"), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(load("listen = 1 2 3 4 5 6 7 8 9\n"), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(load("domain = localhost\n"), ST_OK);
}

static void missing_setting(void)
{
    struct config c;
    FILE *f;

    write_config("", 0600);
    f = fopen(path, "w");
    CU_ASSERT_FATAL(f != NULL);
    fputs("domain = localhost\n", f);
    fclose(f);
    CU_ASSERT_EQUAL(config_load(path, &c), ST_BAD_REQUEST);
    CU_ASSERT_PTR_NULL(c.domain); /* nothing half read is left */
}

/* `complete` names a path; here is another source in its place. */
static enum status load_pin_source(const char *source)
{
    struct config c;
    enum status st;
    FILE *f;

    write_config("", 0600);
    f = fopen(path, "w");
    CU_ASSERT_FATAL(f != NULL);
    fprintf(f, "%.*stoken_pin_file = %s\n", (int)(strstr(complete, "token_pin_file") - complete), complete, source);
    fclose(f);
    if ((st = config_load(path, &c)) == ST_OK)
        CU_ASSERT_STRING_EQUAL(c.token_pin_file, source);
    config_clear(&c);
    return st;
}

static void pin_sources(void)
{
    CU_ASSERT_EQUAL(load_pin_source("/etc/pin"), ST_OK);
    CU_ASSERT_EQUAL(load_pin_source("credential:pin"), ST_OK);
    CU_ASSERT_EQUAL(load_pin_source("keyring:strongroom vaultd"), ST_OK);
    CU_ASSERT_EQUAL(load_pin_source("credential:"), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(load_pin_source("keyring:"), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(load_pin_source("pin"), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(load_pin_source("env:PIN"), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(load_pin_source(""), ST_BAD_REQUEST);
}

static void wrong_files(void)
{
    char link[300];
    struct config c;

    write_config("", 0602);
    CU_ASSERT_EQUAL(config_load(path, &c), ST_NOT_PERMITTED);
    write_config("", 0620);
    CU_ASSERT_EQUAL(config_load(path, &c), ST_NOT_PERMITTED);
    write_config("", 0644);
    CU_ASSERT_EQUAL(config_load(path, &c), ST_OK);
    config_clear(&c);
    snprintf(link, sizeof link, "%s.link", path);
    CU_ASSERT_EQUAL_FATAL(symlink(path, link), 0);
    CU_ASSERT_EQUAL(config_load(link, &c), ST_NOT_PERMITTED);
    CU_ASSERT_EQUAL(config_load("/nowhere/at/all", &c), ST_NOT_FOUND);
    CU_ASSERT_EQUAL(config_load("/dev/null", &c), ST_NOT_PERMITTED);
}

static void too_large(void)
{
    char *big = malloc(CONFIG_FILE_MAX + 2);

    memset(big, '#', CONFIG_FILE_MAX + 1);
    big[CONFIG_FILE_MAX + 1] = '\0';
    CU_ASSERT_EQUAL(load(big), ST_BAD_REQUEST);
    free(big);
}

int main(void)
{
    static CU_TestInfo cases[] = {
        { "what is not said has its documented default", defaults },
        { "URLs leave the port out when it is 443", urls },
        { "an unknown, repeated or ill-formed line is refused", refused_lines },
        { "a missing setting is refused", missing_setting },
        { "a PIN is in a file, a credential or a key", pin_sources },
        { "a link, a device and a file that others may write are refused", wrong_files },
        { "a file beyond the limit is refused", too_large },
        CU_TEST_INFO_NULL,
    };
    static CU_SuiteInfo suites[] = { { "config", NULL, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
