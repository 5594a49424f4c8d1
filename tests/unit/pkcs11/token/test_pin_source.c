/* Where a PIN may lie, and what is refused. */
#include "pkcs11/token/pin_source.h"

#include <linux/keyctl.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "pkcs11/token/posix_acl.h"
#include "tests/unit/harness.h"

#define PIN         "123456 not a PIN"
#define DESCRIPTION "strongroom-test-pin"

/* A row of an access control list as the kernel takes it. */
#define ROW(tag, rights, id)                                                                                           \
    tag, 0, rights, 0, (uint8_t)(id), (uint8_t)((id) >> 8), (uint8_t)((id) >> 16), (uint8_t)((id) >> 24)
#define NOBODY 0xffffffffu

/* Rights of a key, keyctl_setperm(3). */
#define KEY_POS_ALL  0x3f000000u
#define KEY_USR_VIEW 0x00010000u
#define KEY_GRP_READ 0x00000200u
#define KEY_OTH_READ 0x00000002u

static const char *place(const char *name)
{
    static char path[512];

    snprintf(path, sizeof path, "%s/%s", scratch_directory(), name);
    return path;
}

static void put(const char *name, const char *text, mode_t mode)
{
    FILE *f;

    unlink(place(name));
    f = fopen(place(name), "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    CU_ASSERT_TRUE(fputs(text, f) >= 0 && fclose(f) == 0 && chmod(place(name), mode) == 0);
}

static enum status read_source(const char *source)
{
    struct secret pin = { 0 };
    enum status st = pin_source_read(source, &pin, NULL);

    if (st == ST_OK)
        CU_ASSERT_TRUE(span_is(secret_span(&pin), PIN));
    if (st != ST_OK)
        CU_ASSERT_PTR_NULL(pin.p);
    secret_clear(&pin);
    return st;
}

static void kinds(void)
{
    const char *name;

    CU_ASSERT_EQUAL(pin_source_kind("/etc/pin", &name), PIN_SOURCE_FILE);
    CU_ASSERT_STRING_EQUAL(name, "/etc/pin");
    CU_ASSERT_EQUAL(pin_source_kind("credential:pin", &name), PIN_SOURCE_CREDENTIAL);
    CU_ASSERT_STRING_EQUAL(name, "pin");
    CU_ASSERT_EQUAL(pin_source_kind("keyring:a b:c", &name), PIN_SOURCE_KEYRING);
    CU_ASSERT_STRING_EQUAL(name, "a b:c");
    CU_ASSERT_EQUAL(pin_source_kind("Credential:pin", &name), PIN_SOURCE_FILE);
}

static void long_text(char *out, size_t len)
{
    memset(out, '7', len);
    out[len] = '\0';
}

static void files(void)
{
    char text[PIN_SOURCE_MAX + 4];
    struct secret pin = { 0 };

    put("pin", PIN "\r\n", 0400);
    CU_ASSERT_EQUAL(read_source(place("pin")), ST_OK);
    CU_ASSERT_EQUAL(read_source(place("none")), ST_NOT_FOUND);
    put("pin", PIN, 0440);
    CU_ASSERT_EQUAL(read_source(place("pin")), ST_NOT_PERMITTED);
    put("pin", PIN, 0404);
    CU_ASSERT_EQUAL(read_source(place("pin")), ST_NOT_PERMITTED);
    put("pin", PIN, 0600);
    CU_ASSERT_EQUAL(symlink("pin", place("link")), 0);
    CU_ASSERT_EQUAL(read_source(place("link")), ST_NOT_PERMITTED);
    CU_ASSERT_EQUAL(read_source(scratch_directory()), ST_NOT_PERMITTED);
    CU_ASSERT_EQUAL(mkfifo(place("fifo"), 0600), 0);
    CU_ASSERT_EQUAL(read_source(place("fifo")), ST_NOT_PERMITTED); /* and does not wait for a writer */
    long_text(text, PIN_SOURCE_MAX + 1);
    put("pin", text, 0600);
    CU_ASSERT_EQUAL(read_source(place("pin")), ST_TOO_LARGE);
    long_text(text, PIN_SOURCE_MAX);
    strcat(text, "\r\n");
    put("pin", text, 0600);
    CU_ASSERT_EQUAL(pin_source_read(place("pin"), &pin, NULL), ST_OK);
    CU_ASSERT_EQUAL(pin.len, PIN_SOURCE_MAX);
    secret_clear(&pin);
}

static void credentials(void)
{
    char text[PIN_SOURCE_MAX + 2];

    CU_ASSERT_EQUAL(unsetenv("CREDENTIALS_DIRECTORY"), 0);
    CU_ASSERT_EQUAL(read_source("credential:pin"), ST_NOT_FOUND);
    CU_ASSERT_EQUAL(setenv("CREDENTIALS_DIRECTORY", ".", 1), 0);
    CU_ASSERT_EQUAL(read_source("credential:pin"), ST_NOT_FOUND);
    CU_ASSERT_EQUAL(setenv("CREDENTIALS_DIRECTORY", place("no such directory"), 1), 0);
    CU_ASSERT_EQUAL(read_source("credential:pin"), ST_NOT_FOUND);
    CU_ASSERT_EQUAL(setenv("CREDENTIALS_DIRECTORY", scratch_directory(), 1), 0);
    CU_ASSERT_EQUAL(read_source("credential:absent"), ST_NOT_FOUND);
    put("pin", PIN, 0400);
    CU_ASSERT_EQUAL(read_source("credential:pin"), ST_OK);
    CU_ASSERT_EQUAL(mkdir(place("under"), 0700), 0);
    put("under/pin", PIN, 0400);
    CU_ASSERT_EQUAL(read_source("credential:under/pin"), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(read_source("credential:../pin"), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(read_source("credential:.."), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(read_source("credential:"), ST_BAD_REQUEST);
    unlink(place("link"));
    CU_ASSERT_EQUAL(symlink("pin", place("link")), 0);
    CU_ASSERT_EQUAL(read_source("credential:link"), ST_NOT_PERMITTED);
    put("pin", PIN, 0440); /* the mode alone: no list that says who is meant */
    CU_ASSERT_EQUAL(read_source("credential:pin"), ST_NOT_PERMITTED);
    put("pin", PIN, 0404);
    CU_ASSERT_EQUAL(read_source("credential:pin"), ST_NOT_PERMITTED);
    long_text(text, PIN_SOURCE_MAX + 1);
    put("pin", text, 0400);
    CU_ASSERT_EQUAL(read_source("credential:pin"), ST_TOO_LARGE);
}

static void lists(void)
{
    const uint8_t ours[] = {
        2, 0, 0, 0, ROW(1, 4, NOBODY), ROW(2, 4, 0x10203), ROW(4, 0, NOBODY), ROW(16, 4, NOBODY), ROW(32, 0, NOBODY)
    };
    static const struct {
        size_t at; /* the byte that is changed */
        uint8_t to;
    } worse[] = { { 0, 3 }, { 12 + 4, 4 }, { 20 + 2, 4 }, { 36 + 2, 4 }, { 20, 64 } };
    uint8_t list[sizeof ours];

    CU_ASSERT_TRUE(acl_text_is_for(ours, sizeof ours, 0x10203));
    CU_ASSERT_FALSE(acl_text_is_for(ours, sizeof ours, 0x10204));
    CU_ASSERT_FALSE(acl_text_is_for(ours, sizeof ours - 1, 0x10203));
    CU_ASSERT_FALSE(acl_text_is_for(ours, 4, 0x10203));
    CU_ASSERT_FALSE(acl_text_is_for(ours, 0, 0x10203));
    for (size_t i = 0; i < ARRAY_LEN(worse); i++) {
        memcpy(list, ours, sizeof list);
        list[worse[i].at] = worse[i].to;
        CU_ASSERT_FALSE(acl_text_is_for(list, sizeof list, 0x10203));
    }
}

/* As systemd gives it: the owner is root or we, a list names our user, the mode shows the list's mask. */
static void credential_with_list(void)
{
    uid_t us = geteuid();
    const uint8_t ours[] = {
        2, 0, 0, 0, ROW(1, 4, NOBODY), ROW(2, 4, us), ROW(4, 0, NOBODY), ROW(16, 4, NOBODY), ROW(32, 0, NOBODY)
    };
    const uint8_t another[] = {
        2, 0, 0, 0, ROW(1, 4, NOBODY), ROW(2, 4, us + 1), ROW(4, 0, NOBODY), ROW(16, 4, NOBODY), ROW(32, 0, NOBODY)
    };
    struct stat info;

    CU_ASSERT_EQUAL(setenv("CREDENTIALS_DIRECTORY", scratch_directory(), 1), 0);
    put("listed", PIN, 0400);
    if (setxattr(place("listed"), "system.posix_acl_access", ours, sizeof ours, 0) != 0) {
        printf("\n  (no access control lists on this file system) ");
        return;
    }
    CU_ASSERT_TRUE(stat(place("listed"), &info) == 0 && (info.st_mode & 0777) == 0440);
    CU_ASSERT_EQUAL(read_source("credential:listed"), ST_OK);
    CU_ASSERT_EQUAL(read_source(place("listed")), ST_NOT_PERMITTED); /* a plain file has its mode, and no more */
    CU_ASSERT_EQUAL(setxattr(place("listed"), "system.posix_acl_access", another, sizeof another, 0), 0);
    CU_ASSERT_EQUAL(read_source("credential:listed"), ST_NOT_PERMITTED);
}

static void keys(void)
{
    char text[PIN_SOURCE_MAX + 2];
    long key;

    if (pin_source_keep(DESCRIPTION, span_text(PIN "\n")) == ST_UNAVAILABLE) {
        printf("\n  (no keyrings here) ");
        return;
    }
    key = syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_USER_KEYRING, "user", DESCRIPTION, 0);
    CU_ASSERT_TRUE_FATAL(key > 0);
    CU_ASSERT_EQUAL(read_source("keyring:" DESCRIPTION), ST_OK);
    CU_ASSERT_EQUAL(read_source("keyring:" DESCRIPTION " of nobody"), ST_NOT_FOUND);
    CU_ASSERT_EQUAL(read_source("keyring:"), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(pin_source_keep("", span_text(PIN)), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(pin_source_keep(DESCRIPTION, span_text("")), ST_TOO_LARGE);
    long_text(text, PIN_SOURCE_MAX + 1);
    CU_ASSERT_EQUAL(pin_source_keep(DESCRIPTION, span_text(text)), ST_TOO_LARGE);
    CU_ASSERT_TRUE(syscall(SYS_keyctl, KEYCTL_UPDATE, key, text, PIN_SOURCE_MAX + 1) == 0);
    CU_ASSERT_EQUAL(read_source("keyring:" DESCRIPTION), ST_TOO_LARGE);
    CU_ASSERT_EQUAL(pin_source_keep(DESCRIPTION, span_text(PIN)), ST_OK);
    CU_ASSERT_EQUAL(read_source("keyring:" DESCRIPTION), ST_OK);
    CU_ASSERT_EQUAL(syscall(SYS_keyctl, KEYCTL_SETPERM, key, KEY_POS_ALL | KEY_USR_VIEW | KEY_OTH_READ), 0);
    CU_ASSERT_EQUAL(read_source("keyring:" DESCRIPTION), ST_NOT_PERMITTED);
    CU_ASSERT_EQUAL(syscall(SYS_keyctl, KEYCTL_SETPERM, key, KEY_POS_ALL | KEY_USR_VIEW | KEY_GRP_READ), 0);
    CU_ASSERT_EQUAL(read_source("keyring:" DESCRIPTION), ST_NOT_PERMITTED);
    CU_ASSERT_EQUAL(syscall(SYS_keyctl, KEYCTL_SETPERM, key, KEY_POS_ALL | KEY_USR_VIEW), 0);
    CU_ASSERT_EQUAL(syscall(SYS_keyctl, KEYCTL_REVOKE, key), 0);
    CU_ASSERT_EQUAL(read_source("keyring:" DESCRIPTION), ST_NOT_PERMITTED);
    CU_ASSERT_EQUAL(syscall(SYS_keyctl, KEYCTL_UNLINK, key, KEY_SPEC_USER_KEYRING), 0);
}

/* A service's session has no link to its user's keyring (KeyringMode=private), and its user is not root. */
static int read_as_a_service(void)
{
    struct secret pin = { 0 };
    enum status st;

    if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0)
        return 2;
    if ((st = pin_source_keep(DESCRIPTION " of a service", span_text(PIN))) != ST_OK)
        return st == ST_UNAVAILABLE ? 3 : 4;
    if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0)
        return 5;
    st = pin_source_read("keyring:" DESCRIPTION " of a service", &pin, NULL);
    if (st == ST_OK && !span_is(secret_span(&pin), PIN))
        st = ST_CORRUPT;
    secret_clear(&pin);
    syscall(SYS_keyctl, KEYCTL_UNLINK,
            syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_USER_KEYRING, "user", DESCRIPTION " of a service", 0),
            KEY_SPEC_USER_KEYRING);
    return st == ST_OK ? 0 : 6;
}

static void keys_of_a_service(void)
{
    int code;
    pid_t pid;

    fflush(stdout);
    if ((pid = fork()) == 0)
        _exit(read_as_a_service());
    CU_ASSERT_EQUAL(waitpid(pid, &code, 0), pid);
    if (WIFEXITED(code) && WEXITSTATUS(code) == 3)
        printf("\n  (no keyrings here) ");
    else
        CU_ASSERT_EQUAL(code, 0);
}

static struct pin_stamp stamp_of(const char *source)
{
    struct secret pin = { 0 };
    struct pin_stamp s = { { 0 } };

    CU_ASSERT_EQUAL(pin_source_read(source, &pin, &s), ST_OK);
    secret_clear(&pin);
    return s;
}

static bool same(struct pin_stamp a, struct pin_stamp b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

static void stamps(void)
{
    struct timespec earlier[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
    struct pin_stamp before;

    put("pin", PIN, 0600);
    before = stamp_of(place("pin"));
    CU_ASSERT_TRUE(same(before, stamp_of(place("pin"))));
    CU_ASSERT_EQUAL(utimensat(AT_FDCWD, place("pin"), earlier, 0), 0);
    CU_ASSERT_FALSE(same(before, stamp_of(place("pin")))); /* written anew, though the same */
    if (pin_source_keep(DESCRIPTION, span_text("1234")) != ST_OK)
        return;
    before = stamp_of("keyring:" DESCRIPTION);
    CU_ASSERT_TRUE(same(before, stamp_of("keyring:" DESCRIPTION)));
    CU_ASSERT_EQUAL(pin_source_keep(DESCRIPTION, span_text("1235")), ST_OK);
    CU_ASSERT_FALSE(same(before, stamp_of("keyring:" DESCRIPTION)));
    syscall(SYS_keyctl, KEYCTL_UNLINK,
            syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_USER_KEYRING, "user", DESCRIPTION, 0), KEY_SPEC_USER_KEYRING);
}

int main(void)
{
    static CU_TestInfo cases[] = {
        { "a source is a path, a credential or a key", kinds },
        { "a file must be there, ours alone, no link, and short enough", files },
        { "a credential is a file of the directory that systemd names, and nothing beyond it", credentials },
        { "an access control list is for us alone, or it is refused", lists },
        { "a credential that a list gives to our user is read", credential_with_list },
        { "a key is read; one that others may read, a revoked or a long one is not", keys },
        { "a service with a private session reads the key of its user", keys_of_a_service },
        { "a stamp tells that a source was written anew", stamps },
        CU_TEST_INFO_NULL,
    };
    static CU_SuiteInfo suites[] = { { "pin_source", NULL, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
