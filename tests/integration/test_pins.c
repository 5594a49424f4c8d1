/* Where a running daemon's PIN is: a file, a credential, a key of the keyring; and a rotation under it. */
#include <linux/keyctl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/integration/appliance.h"
#include "tests/unit/harness.h"

#define KEY "strongroom-test-vaultd"

static struct appliance *a;
static char *config, *pin_file;

/* The value of `token_pin_file` in vaultd's configuration; caller frees. */
static char *configured_pin_file(void)
{
    struct bytes text = { 0 };
    const char *at;
    char *value;

    read_file(config, &text);
    at = strstr(bytes_text(&text), "token_pin_file = ");
    INVARIANT(at != NULL); /* CUnit has no assertions in a set-up */
    at += strlen("token_pin_file = ");
    value = strndup(at, strcspn(at, "\n"));
    bytes_clear(&text);
    return value;
}

static int set_up(void)
{
    if ((a = appliance_new()) == NULL)
        return 1;
    config = text_of("%s/vaultd/vaultd.conf", a->home);
    pin_file = configured_pin_file();
    return appliance_start_daemon(a, MANAGEMENTD) ? 0 : 1;
}

static int tear_down(void)
{
    free(config);
    free(pin_file);
    return appliance_free(a) ? 0 : 1;
}

static void write_pin(const char *pin)
{
    FILE *f;

    CU_ASSERT_EQUAL(chmod(pin_file, 0600), 0);
    CU_ASSERT_FATAL((f = fopen(pin_file, "we")) != NULL);
    fputs(pin, f);
    fclose(f);
    CU_ASSERT_EQUAL(chmod(pin_file, 0400), 0);
}

static void use_source(const char *source)
{
    struct bytes text = { 0 };
    char *line;
    FILE *f;

    read_file(config, &text);
    line = strstr((char *)text.p, "token_pin_file = ");
    f = fopen(config, "we");
    CU_ASSERT_FATAL(line != NULL && f != NULL);
    fwrite(text.p, 1, (size_t)(line - (char *)text.p), f);
    fprintf(f, "token_pin_file = %s%s", source, strchr(line, '\n'));
    fclose(f);
    bytes_clear(&text);
}

/* It ends by itself and says that there is no PIN. */
static void does_not_start(void)
{
    const char *words[] = { "vaultd", "--config", config, NULL };
    struct bytes output = { 0 };

    CU_ASSERT_EQUAL(appliance_run(a, words, &output), 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(bytes_text(&output), "the PIN cannot be read"));
    bytes_clear(&output);
}

static int cli(const char *const *words)
{
    struct bytes output = { 0 };
    int code = appliance_cli(a, VAULTD, words, &output);

    if (code != 0)
        printf("\n  %s", bytes_text(&output));
    bytes_clear(&output);
    return code;
}

/* As the unit's RestartPreventExitStatus= wants it: with another exit code, systemd would use up the tries. */
static void a_wrong_pin_ends_it_for_good(void)
{
    const char *words[] = { "vaultd", "--config", config, NULL };
    struct bytes right = { 0 }, output = { 0 };

    read_file(pin_file, &right);
    write_pin("not-the-pin-of-this-token");
    CU_ASSERT_EQUAL(appliance_run(a, words, &output), 77);
    CU_ASSERT_PTR_NOT_NULL(strstr(bytes_text(&output), "the token refuses the PIN"));
    write_pin(bytes_text(&right));
    CU_ASSERT(appliance_start_daemon(a, VAULTD));
    CU_ASSERT(appliance_stop_daemon(a, VAULTD));
    bytes_clear(&right);
    bytes_clear(&output);
}

/* Rotate, under the running daemon where the token allows that; it starts by the new PIN and ends. */
static void rotate_and_start_again(void)
{
    const char *words[] = { "pin", "rotate", "--who", "user", "--pin-file", pin_file, NULL };
    struct bytes before = { 0 }, after = { 0 };

    if (a->on_softhsm)
        CU_ASSERT(appliance_stop_daemon(a, VAULTD));
    read_file(pin_file, &before);
    CU_ASSERT_EQUAL(cli(words), 0);
    read_file(pin_file, &after);
    CU_ASSERT_FALSE(span_equal(bytes_span(&before), bytes_span(&after)));
    if (a->pid[VAULTD] != 0)
        CU_ASSERT(appliance_stop_daemon(a, VAULTD));
    CU_ASSERT(appliance_start_daemon(a, VAULTD));
    CU_ASSERT(appliance_stop_daemon(a, VAULTD));
    bytes_clear(&before);
    bytes_clear(&after);
}

static void a_file(void)
{
    CU_ASSERT(appliance_start_daemon(a, VAULTD));
    rotate_and_start_again();
    CU_ASSERT_EQUAL(chmod(pin_file, 0440), 0);
    does_not_start();
    CU_ASSERT_EQUAL(chmod(pin_file, 0400), 0);
}

/* systemd's part is played by a directory that holds the PIN's file under its name. */
static void a_credential(void)
{
    char *directory = strndup(pin_file, (size_t)(strrchr(pin_file, '/') - pin_file));
    char *source = text_of("credential:%s", strrchr(pin_file, '/') + 1);

    use_source(source);
    does_not_start(); /* no credentials at all */
    CU_ASSERT_EQUAL(setenv("CREDENTIALS_DIRECTORY", directory, 1), 0);
    CU_ASSERT(appliance_start_daemon(a, VAULTD));
    rotate_and_start_again();
    use_source("credential:another");
    does_not_start();
    CU_ASSERT_EQUAL(unsetenv("CREDENTIALS_DIRECTORY"), 0);
    free(source);
    free(directory);
}

static void a_key(void)
{
    const char *init[] = { "token", "init", "--pin-file", pin_file, NULL };
    long key;

    if (syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 1) < 0) {
        printf("\n  (no keyrings here) ");
        return;
    }
    use_source("keyring:" KEY);
    does_not_start();
    CU_ASSERT_EQUAL(cli(init), 0); /* the token was there; the key is added */
    CU_ASSERT(appliance_start_daemon(a, VAULTD));
    rotate_and_start_again();
    key = syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_USER_KEYRING, "user", KEY, 0);
    CU_ASSERT_TRUE(key > 0);
    CU_ASSERT_EQUAL(syscall(SYS_keyctl, KEYCTL_UNLINK, key, KEY_SPEC_USER_KEYRING), 0);
    does_not_start();
}

int main(void)
{
    static CU_TestInfo cases[] = {
        { "a daemon reads its PIN from a file, also a rotated one, and from none that others may read", a_file },
        { "a daemon whose PIN is refused ends with a code of its own", a_wrong_pin_ends_it_for_good },
        { "a daemon reads its PIN from a credential", a_credential },
        { "a daemon reads its PIN from a key of the keyring, behind its system call filter", a_key },
        CU_TEST_INFO_NULL,
    };
    static CU_SuiteInfo suites[] = { { "pins", set_up, tear_down, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
