/* provisioning/token/pin_commands.c, pin_rotate.c, pin_place.c, machine_pin.c: on SoftHSM. A module is initialised once
 * a process, so each command line runs in a child. */
#include <linux/keyctl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkcs11/token/pin_source.h"
#include "provisioning/cli/private_file.h"
#include "provisioning/token/machine_pin.h"
#include "tests/unit/harness.h"
#include "tests/unit/provisioning/session.h"

#define KEY "strongroom-test-pin-commands"

static struct said said;
static char config[512], pin[512], pin_new[512], so_pin[512], mine[512];

static int set_up(void)
{
    snprintf(config, sizeof config, "%s", session_config("site"));
    snprintf(pin, sizeof pin, "%s", session_path("site", "pin"));
    snprintf(pin_new, sizeof pin_new, "%s", session_path("site", "pin.new"));
    snprintf(so_pin, sizeof so_pin, "%s", session_path("site", "so-pin"));
    snprintf(mine, sizeof mine, "%s", session_path("site", "mine"));
    return RUN_APART(&said, "token", "init", "--config", config) == EXIT_DONE ? 0 : 1;
}

#define PIN(verb, ...) RUN_APART(&said, "pin", verb, "--config", config, __VA_ARGS__)

static void put(const char *path, const char *text)
{
    unlink(path);
    CU_ASSERT_EQUAL(file_create(path, 0400, span_text(text)), ST_OK);
}

static void get(const char *path, char out[256])
{
    struct bytes b = { 0 };

    read_file(path, &b);
    snprintf(out, 256, "%s", bytes_text(&b));
    bytes_clear(&b);
}

/* The daemon's way in: the configured PIN opens the token. */
static bool opens(void)
{
    return RUN_APART(&said, "token", "info", "--config", config) == EXIT_DONE;
}

static void status(void)
{
    CU_ASSERT_EQUAL(RUN_APART(&said, "pin", "status", "--config", config), EXIT_DONE);
    CU_ASSERT(says(said.out, "user PIN  set") && says(said.out, "SO PIN    set"));
    CU_ASSERT_EQUAL(PIN("status", "--json"), EXIT_DONE);
    CU_ASSERT(says(said.out, "\"user\":{\"set\":true,") && says(said.out, "\"locked\":false}"));
    CU_ASSERT_EQUAL(PIN("status", "--who", "user"), EXIT_USAGE);
}

static void change(void)
{
    put(mine, "a PIN of my own");
    CU_ASSERT_EQUAL(PIN("change", "--who", "user", "--old-pin-file", pin, "--new-pin-file", mine), EXIT_DONE);
    CU_ASSERT(says(said.out, "the user PIN is changed") && says(said.out, pin));
    CU_ASSERT_FALSE(opens());
    CU_ASSERT_EQUAL(PIN("change", "--who", "user", "--old-pin-file", pin, "--new-pin-file", mine), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "the user PIN is wrong"));
    CU_ASSERT_EQUAL(PIN("change", "--who", "user", "--old-pin-file", mine, "--new-pin-file", pin), EXIT_DONE);
    CU_ASSERT_TRUE(opens());
    CU_ASSERT_EQUAL(PIN("change", "--who", "so", "--old-pin-file", so_pin, "--new-pin-file", mine), EXIT_DONE);
    CU_ASSERT_EQUAL(PIN("change", "--who", "so", "--old-pin-file", mine, "--new-pin-file", so_pin), EXIT_DONE);
    CU_ASSERT_EQUAL(PIN("change", "--who", "admin", "--old-pin-file", mine, "--new-pin-file", so_pin), EXIT_USAGE);
    CU_ASSERT_EQUAL(PIN("change", "--old-pin-file", mine), EXIT_USAGE);
    put(mine, "123"); /* SoftHSM's least is 4 */
    CU_ASSERT_EQUAL(PIN("change", "--who", "user", "--old-pin-file", pin, "--new-pin-file", mine), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "too short"));
    CU_ASSERT_TRUE(opens());
}

static void unlock(void)
{
    put(mine, "a PIN that is lost soon");
    CU_ASSERT_EQUAL(PIN("unlock", "--so-pin-file", so_pin, "--new-pin-file", mine), EXIT_DONE);
    CU_ASSERT_FALSE(opens());
    CU_ASSERT_EQUAL(PIN("unlock", "--so-pin-file", mine, "--new-pin-file", pin), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "the SO PIN is wrong"));
    CU_ASSERT_FALSE(opens());
    CU_ASSERT_EQUAL(PIN("unlock", "--so-pin-file", so_pin, "--new-pin-file", pin), EXIT_DONE);
    CU_ASSERT_TRUE(opens());
}

static void rotate(void)
{
    char before[256], after[256];
    struct stat info;

    get(pin, before);
    CU_ASSERT_EQUAL(PIN("rotate", "--who", "user"), EXIT_DONE);
    get(pin, after);
    CU_ASSERT_STRING_NOT_EQUAL(before, after);
    CU_ASSERT_TRUE(machine_pin_is_whole(span_text(after)));
    CU_ASSERT_TRUE(stat(pin, &info) == 0 && (info.st_mode & 07777) == 0400);
    CU_ASSERT_NOT_EQUAL(access(pin_new, F_OK), 0);
    CU_ASSERT_PTR_NULL(strstr(said.out, after));
    CU_ASSERT_TRUE(opens());
    put(mine, before); /* the old one is good no more */
    CU_ASSERT_EQUAL(PIN("change", "--who", "user", "--old-pin-file", mine, "--new-pin-file", pin), EXIT_REFUSED);
    get(so_pin, before);
    CU_ASSERT_EQUAL(PIN("rotate", "--who", "so"), EXIT_DONE);
    get(so_pin, after);
    CU_ASSERT_STRING_NOT_EQUAL(before, after);
    CU_ASSERT_EQUAL(PIN("unlock", "--so-pin-file", so_pin, "--new-pin-file", pin), EXIT_DONE);
}

/* FILE.new was written, and the token not asked. */
static void interrupted_before_the_token(void)
{
    char next[256], after[256];

    put(pin_new, "AAAABBBBCCCCDDDDEEEEFFFFGGGGHHHH");
    get(pin_new, next);
    CU_ASSERT_EQUAL(PIN("rotate", "--who", "user"), EXIT_DONE);
    get(pin, after);
    CU_ASSERT_STRING_EQUAL(after, next); /* whole: the token may even get it late */
    CU_ASSERT_NOT_EQUAL(access(pin_new, F_OK), 0);
    CU_ASSERT_TRUE(opens());
    put(pin_new, "AAAABBBB"); /* a crash in the middle of writing */
    CU_ASSERT_EQUAL(PIN("rotate", "--who", "user"), EXIT_DONE);
    get(pin, after);
    CU_ASSERT_EQUAL(strlen(after), MACHINE_PIN_LEN);
    CU_ASSERT_TRUE(opens());
    put(pin_new, "");
    CU_ASSERT_EQUAL(PIN("rotate", "--who", "user"), EXIT_DONE);
    CU_ASSERT_TRUE(opens());
}

/* The token has the PIN of FILE.new. */
static void interrupted_after_the_token(void)
{
    char next[256], after[256];

    put(pin_new, "AAAABBBBCCCCDDDDEEEEFFFFGGGGHHHH");
    get(pin_new, next);
    CU_ASSERT_EQUAL(PIN("change", "--who", "user", "--old-pin-file", pin, "--new-pin-file", pin_new), EXIT_DONE);
    CU_ASSERT_FALSE(opens());
    CU_ASSERT_EQUAL(PIN("rotate", "--who", "user"), EXIT_DONE);
    CU_ASSERT(says(said.out, "interrupted is finished"));
    get(pin, after);
    CU_ASSERT_STRING_EQUAL(after, next);
    CU_ASSERT_NOT_EQUAL(access(pin_new, F_OK), 0);
    CU_ASSERT_TRUE(opens());
}

/* A rotation whose process is killed at its first call of this number; SIGSYS ends it there. */
static void rotate_and_die(int system_call)
{
    static const char *const words[] = { "pin", "rotate", "--who", "user", "--config", config, NULL };
    int code;
    pid_t pid;

    fflush(stdout);
    if ((pid = fork()) == 0) {
        scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

        INVARIANT(seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, system_call, 0) == 0 && seccomp_load(filter) == 0);
        _exit(session_run_to(strongroom_nouns, strongroom_noun_count, words, stdout, stderr));
    }
    CU_ASSERT_EQUAL(waitpid(pid, &code, 0), pid);
    CU_ASSERT_TRUE(WIFSIGNALED(code) && WTERMSIG(code) == SIGSYS);
}

static void killed(void)
{
    char before[256], next[256];

    get(pin, before);
    rotate_and_die(SCMP_SYS(rename));
    get(pin, next);
    CU_ASSERT_STRING_EQUAL(before, next);
    get(pin_new, next);
    CU_ASSERT_TRUE(machine_pin_is_whole(span_text(next)));
    CU_ASSERT_EQUAL(PIN("rotate", "--who", "user"), EXIT_DONE);
    get(pin, before);
    CU_ASSERT_STRING_EQUAL(before, next);
    CU_ASSERT_TRUE(opens());
    rotate_and_die(SCMP_SYS(fsync)); /* of FILE.new: it is there, and perhaps not on the disk */
    CU_ASSERT_EQUAL(PIN("rotate", "--who", "user"), EXIT_DONE);
    CU_ASSERT_TRUE(opens());
}

static void refusals(void)
{
    char before[256], after[256];

    get(pin, before);
    put(mine, "not the PIN");
    CU_ASSERT_EQUAL(PIN("rotate", "--who", "user", "--pin-file", mine), EXIT_USAGE);
    CU_ASSERT(says(said.err, "the configuration names"));
    CU_ASSERT_EQUAL(PIN("rotate", "--who", "so", "--pin-file", mine), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "the SO PIN is wrong"));
    CU_ASSERT_EQUAL(PIN("rotate", "--who", "so", "--pin-file", "/nonexistent/pin"), EXIT_REFUSED);
    CU_ASSERT_EQUAL(PIN("rotate", "--who", "nobody"), EXIT_USAGE);
    CU_ASSERT_EQUAL(chmod(pin, 0440), 0);
    CU_ASSERT_EQUAL(PIN("rotate", "--who", "user"), EXIT_REFUSED);
    CU_ASSERT_EQUAL(chmod(pin, 0400), 0);
    if (geteuid() == 0) { /* root is not the daemon: its file is left to it, and stays its own */
        CU_ASSERT_EQUAL(chown(pin, 65534, 65534), 0);
        CU_ASSERT_EQUAL(PIN("rotate", "--who", "user"), EXIT_REFUSED);
        CU_ASSERT_EQUAL(chown(pin, 0, 0), 0);
    }
    get(pin, after);
    CU_ASSERT_STRING_EQUAL(before, after);
    CU_ASSERT_TRUE(opens());
}

/* A configuration beside the first, with another source of the PIN. */
static const char *config_with(const char *name, const char *source)
{
    static char path[512];
    struct bytes text = { 0 }, changed = { 0 };
    char *line;

    read_file(config, &text);
    line = strstr((char *)text.p, "token_pin_file");
    bytes_append(&changed, text.p, (size_t)(line - (char *)text.p));
    bytes_printf(&changed, "token_pin_file = %s%s", source, strchr(line, '\n'));
    snprintf(path, sizeof path, "%s", session_path("site", name));
    CU_ASSERT_EQUAL(file_create(path, 0600, bytes_span(&changed)), ST_OK);
    bytes_clear(&text);
    bytes_clear(&changed);
    return path;
}

static void with_a_credential(void)
{
    const char *other = config_with("credential.conf", "credential:pin");

    CU_ASSERT_EQUAL(RUN_APART(&said, "token", "init", "--config", other), EXIT_USAGE);
    CU_ASSERT(says(said.err, "--pin-file"));
    CU_ASSERT_EQUAL(RUN_APART(&said, "token", "init", "--config", other, "--pin-file", pin, "--json"), EXIT_DONE);
    CU_ASSERT(says(said.err, "systemd-creds encrypt --name=pin") && says(said.err, pin));
    /* both daemons' have one name: each is a file of its own, as the units have it */
    CU_ASSERT(says(said.err, "LoadCredentialEncrypted=pin:/etc/credstore.encrypted/strongroom-credential.pin\n"));
    CU_ASSERT_EQUAL(RUN_APART(&said, "token", "info", "--config", other), EXIT_REFUSED); /* there is none here */
    CU_ASSERT_EQUAL(setenv("CREDENTIALS_DIRECTORY", session_path("site", "."), 1), 0);
    CU_ASSERT_EQUAL(RUN_APART(&said, "token", "info", "--config", other), EXIT_DONE);
    CU_ASSERT_EQUAL(unsetenv("CREDENTIALS_DIRECTORY"), 0);
    CU_ASSERT_EQUAL(RUN_APART(&said, "pin", "rotate", "--config", other, "--who", "user"), EXIT_USAGE);
    CU_ASSERT_EQUAL(RUN_APART(&said, "pin", "rotate", "--config", other, "--who", "so"), EXIT_USAGE);
    CU_ASSERT_EQUAL(RUN_APART(&said, "pin", "rotate", "--config", other, "--who", "user", "--pin-file", pin),
                    EXIT_DONE);
    CU_ASSERT(says(said.err, "systemd-creds encrypt") && says(said.err, pin));
    CU_ASSERT_PTR_NULL(strstr(said.err, pin_new)); /* the file's name, not the one it has for a moment */
    CU_ASSERT_TRUE(opens());
}

static void with_a_key(void)
{
    const char *other = config_with("keyring.conf", "keyring:" KEY);
    long key;

    if (syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 1) < 0) {
        printf("\n  (no keyrings here) ");
        return;
    }
    CU_ASSERT_EQUAL(RUN_APART(&said, "token", "info", "--config", other), EXIT_REFUSED);
    CU_ASSERT_EQUAL(RUN_APART(&said, "token", "init", "--config", other), EXIT_USAGE);
    CU_ASSERT_EQUAL(RUN_APART(&said, "token", "init", "--config", other, "--pin-file", pin), EXIT_DONE);
    CU_ASSERT_EQUAL(RUN_APART(&said, "token", "info", "--config", other), EXIT_DONE);
    CU_ASSERT_EQUAL(PIN("rotate", "--who", "user"), EXIT_DONE); /* the file's way: the key is not told */
    CU_ASSERT_EQUAL(RUN_APART(&said, "token", "info", "--config", other), EXIT_REFUSED);
    CU_ASSERT_EQUAL(RUN_APART(&said, "pin", "rotate", "--config", other, "--who", "user", "--pin-file", pin),
                    EXIT_DONE);
    CU_ASSERT_EQUAL(RUN_APART(&said, "token", "info", "--config", other), EXIT_DONE);
    key = syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_USER_KEYRING, "user", KEY, 0);
    CU_ASSERT_TRUE(key > 0);
    CU_ASSERT_EQUAL(syscall(SYS_keyctl, KEYCTL_UNLINK, key, KEY_SPEC_USER_KEYRING), 0);
}

static void whole_pins(void)
{
    CU_ASSERT_TRUE(machine_pin_is_whole(span_text("AZaz09-_BBBBCCCCDDDDEEEEFFFFGGGG")));
    CU_ASSERT_FALSE(machine_pin_is_whole(span_text("AZaz09-_BBBBCCCCDDDDEEEEFFFFGGG")));
    CU_ASSERT_FALSE(machine_pin_is_whole(span_text("AZaz09-_BBBBCCCCDDDDEEEEFFFFGGGGH")));
    CU_ASSERT_FALSE(machine_pin_is_whole(span_text("AZaz09-_BBBBCCCCDDDDEEEEFFFFGGG\n")));
    CU_ASSERT_FALSE(machine_pin_is_whole(span_text("AZaz09+/BBBBCCCCDDDDEEEEFFFFGGGG")));
    CU_ASSERT_FALSE(machine_pin_is_whole(span_text("")));
}

int main(void)
{
    static CU_TestInfo cases[] = {
        { "status says what the token says of its PINs", status },
        { "change takes the old PIN and sets the new one, of user and SO", change },
        { "unlock lets the SO set a user PIN", unlock },
        { "rotate gives token and file a new random PIN", rotate },
        { "a rotation interrupted before the token had the PIN is gone through", interrupted_before_the_token },
        { "a rotation interrupted after the token had the PIN is finished", interrupted_after_the_token },
        { "a rotation killed between the token and the file loses nothing", killed },
        { "a wrong PIN, another file, a file that others may read: nothing is rotated", refusals },
        { "the configuration names a credential: a file is asked for, and what to do is said", with_a_credential },
        { "the configuration names a key: it is made and renewed", with_a_key },
        { "what a crash left of a PIN is told from a whole one", whole_pins },
        CU_TEST_INFO_NULL,
    };
    static CU_SuiteInfo suites[] = { { "pin", set_up, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };
    int code;

    unsetenv("CREDENTIALS_DIRECTORY");
    code = run_suites(suites);
    said_clear(&said);
    return code;
}
