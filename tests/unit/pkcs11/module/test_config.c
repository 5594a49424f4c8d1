#include "pkcs11/module/config.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/harness.h"

#define WHOLE "socket = /s\ncertificate=/c\n key =\t/k \nkeystore = /b\n"

static struct config config;

static enum status parse(const char *text, unsigned *line)
{
    config = (struct config){ 0 };
    return config_parse(span_text(text), &config, line);
}

static void one_token_needs_no_name(void)
{
    unsigned line;

    CU_ASSERT_FATAL(parse("# where it is\n\n" WHOLE, &line) == ST_OK);
    CU_ASSERT(config.count == 1 && config.slots[0].name[0] == '\0');
    CU_ASSERT_STRING_EQUAL(config.slots[0].path[CONFIG_SOCKET], "/s");
    CU_ASSERT_STRING_EQUAL(config.slots[0].path[CONFIG_KEY], "/k");
    config_clear(&config);
}

static void further_tokens_have_names(void)
{
    unsigned line;

    CU_ASSERT_FATAL(parse(WHOLE "[second]\n" WHOLE "[third.one]\n" WHOLE, &line) == ST_OK);
    CU_ASSERT(config.count == 3);
    CU_ASSERT_STRING_EQUAL(config.slots[2].name, "third.one");
    config_clear(&config);
    CU_ASSERT_FATAL(parse("[first]\n" WHOLE, &line) == ST_OK);
    CU_ASSERT(config.count == 1);
    CU_ASSERT_STRING_EQUAL(config.slots[0].name, "first");
    config_clear(&config);
}

static void lines_that_are_not_understood_are_refused(void)
{
    static const struct {
        const char *text;
        unsigned line;
    } bad[] = {
        { "socket /s\n", 1 },
        { "sockets = /s\n", 1 },
        { "Socket = /s\n", 1 },
        { "\nsocket =\n", 2 },
        { "socket = relative\n", 1 },
        { "socket = /s\nsocket = /s\n", 2 },
        { "[]\n", 1 },
        { "[a\n", 1 },
        { "[\n", 1 },
        { "[a b]\n", 1 },
        { "[a/b]\n", 1 },
        { "[a]\n[a]\n", 2 },
        { "[a23456789012345678901234567890123]\n", 1 },
        { "socket = /s\r\n= /x\n", 2 },
        { "pin = 1234\n", 1 },
    };

    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        unsigned line = 0;

        CU_ASSERT(parse(bad[i].text, &line) == ST_BAD_REQUEST);
        CU_ASSERT(line == bad[i].line);
        CU_ASSERT(config.count == 0 && config.slots[0].path[CONFIG_SOCKET] == NULL);
    }
}

static void lengths_are_bounded(void)
{
    char text[2048] = "socket = /";
    struct bytes many = { 0 };
    unsigned line;

    memset(text + 10, 'x', 120); /* one more than sun_path takes would do */
    CU_ASSERT(parse(text, &line) == ST_TOO_LARGE);
    memcpy(text, "key =    /", 10);
    CU_ASSERT(parse(text, &line) == ST_OK);
    config_clear(&config);
    memset(text + 10, 'x', 1100);
    CU_ASSERT(parse(text, &line) == ST_TOO_LARGE);
    for (unsigned i = 0; i <= CONFIG_SLOTS_MAX; i++)
        bytes_printf(&many, "[t%u]\n" WHOLE, i);
    CU_ASSERT(parse(bytes_text(&many), &line) == ST_TOO_LARGE);
    bytes_clear(&many);
}

static void a_nul_in_a_path_is_refused(void)
{
    static const char text[] = "socket = /a\0b\n";
    unsigned line;

    config = (struct config){ 0 };
    CU_ASSERT(config_parse(span_of(text, sizeof text - 1), &config, &line) == ST_BAD_REQUEST);
}

static const char *file(const char *name)
{
    static char path[128];

    snprintf(path, sizeof path, "%s/%s", scratch_directory(), name);
    return path;
}

static void write_file(const char *path, const char *text, mode_t mode)
{
    FILE *f = fopen(path, "we");

    CU_ASSERT_FATAL(f != NULL);
    fputs(text, f);
    fclose(f);
    CU_ASSERT_FATAL(chmod(path, mode) == 0);
}

static enum status load(const char *path)
{
    enum status st;

    setenv("STRONGROOM_PKCS11_CONF", path, 1);
    st = config_load(&config);
    config_clear(&config);
    return st;
}

static void files_of_bad_kind_are_refused(void)
{
    const char *path = file("conf");
    char other[128];

    write_file(path, WHOLE, 0644);
    CU_ASSERT(load(path) == ST_OK);
    CU_ASSERT_FATAL(chmod(path, 0664) == 0);
    CU_ASSERT(load(path) == ST_NOT_PERMITTED);
    CU_ASSERT_FATAL(chmod(path, 0602) == 0);
    CU_ASSERT(load(path) == ST_NOT_PERMITTED);
    CU_ASSERT_FATAL(chmod(path, 0600) == 0);
    snprintf(other, sizeof other, "%s/link", scratch_directory());
    CU_ASSERT_FATAL(symlink(path, other) == 0);
    CU_ASSERT(load(other) == ST_NOT_PERMITTED);
    CU_ASSERT(load(scratch_directory()) == ST_NOT_PERMITTED);
    CU_ASSERT(load("/nowhere/at/all") == ST_NOT_FOUND);
    if (geteuid() == 0) {
        CU_ASSERT_FATAL(chown(path, 12345, 0) == 0);
        CU_ASSERT(load(path) == ST_NOT_PERMITTED);
        CU_ASSERT_FATAL(chown(path, 0, 0) == 0);
    }
    write_file(path, "socket = /s\n", 0600);
    CU_ASSERT(load(path) == ST_BAD_REQUEST); /* the rest is missing */
}

static void the_environment_goes_first(void)
{
    const char *path = file("conf2");

    write_file(path, WHOLE "[b]\n" WHOLE, 0600);
    setenv("STRONGROOM_PKCS11_CONF", path, 1);
    setenv("STRONGROOM_PKCS11_SOCKET", "/other", 1);
    CU_ASSERT_FATAL(config_load(&config) == ST_OK);
    CU_ASSERT_STRING_EQUAL(config.slots[0].path[CONFIG_SOCKET], "/other");
    CU_ASSERT_STRING_EQUAL(config.slots[1].path[CONFIG_SOCKET], "/s");
    config_clear(&config);
    setenv("STRONGROOM_PKCS11_SOCKET", "other", 1);
    CU_ASSERT(config_load(&config) == ST_BAD_REQUEST);
    unsetenv("STRONGROOM_PKCS11_SOCKET");
}

static void the_first_file_there_is_counts(void)
{
    char folder[128], path[160];

    unsetenv("STRONGROOM_PKCS11_CONF");
    setenv("XDG_CONFIG_HOME", "/nowhere", 1);
    setenv("HOME", scratch_directory(), 1);
    snprintf(folder, sizeof folder, "%s/.config", scratch_directory());
    CU_ASSERT_FATAL(mkdir(folder, 0700) == 0);
    snprintf(path, sizeof path, "%s/strongroom", folder);
    CU_ASSERT_FATAL(mkdir(path, 0700) == 0);
    snprintf(path, sizeof path, "%s/strongroom/pkcs11.conf", folder);
    write_file(path, WHOLE "[home]\n" WHOLE, 0600);
    CU_ASSERT_FATAL(config_load(&config) == ST_OK);
    CU_ASSERT(config.count == 2);
    config_clear(&config);
    write_file(path, "nonsense\n", 0600); /* it is there, so nothing further is looked for */
    CU_ASSERT(config_load(&config) == ST_BAD_REQUEST);
}

static void without_anything_there_are_no_tokens(void)
{
    unsetenv("STRONGROOM_PKCS11_CONF");
    setenv("XDG_CONFIG_HOME", "/nowhere", 1);
    setenv("HOME", "/nowhere", 1);
    if (access("/etc/strongroom/pkcs11.conf", F_OK) == 0)
        return; /* this machine has one */
    CU_ASSERT(config_load(&config) == ST_OK && config.count == 0);
}

int main(void)
{
    static CU_TestInfo cases[] = { { "one token needs no name", one_token_needs_no_name },
                                   { "further tokens have names", further_tokens_have_names },
                                   { "lines that are not understood are refused",
                                     lines_that_are_not_understood_are_refused },
                                   { "lengths are bounded", lengths_are_bounded },
                                   { "a NUL in a path is refused", a_nul_in_a_path_is_refused },
                                   { "files of bad kind, owner or mode are refused", files_of_bad_kind_are_refused },
                                   { "the environment goes first", the_environment_goes_first },
                                   { "the first file there is counts", the_first_file_there_is_counts },
                                   { "without anything there are no tokens", without_anything_there_are_no_tokens },
                                   CU_TEST_INFO_NULL };
    CU_SuiteInfo suites[] = { { "pkcs11 configuration", NULL, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
