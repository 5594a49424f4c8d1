/* provisioning/ceremony/holder.c and holder_commands.c away from a keystore, with openssl as the independent check of
 * keys and signatures. What needs a domain file is in test_ceremonies.c. */
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "provisioning/ceremony/holder.h"
#include "provisioning/cli/private_file.h"
#include "tests/unit/harness.h"
#include "tests/unit/provisioning/ceremony.h"
#include "tests/unit/provisioning/session.h"

static struct said said;

#define CREATE(...)             RUN(&said, "holder", "create", __VA_ARGS__)
#define FILES(key, certificate) "--key", ceremony_path(key), "--certificate", ceremony_path(certificate)

static int set_up(void)
{
    ceremony_holders();
    return file_create(ceremony_path("pass"), 0600, span_text("a good passphrase\n")) == ST_OK ? 0 : 1;
}

static int tear_down(void)
{
    said_clear(&said);
    return 0;
}

/* The exit code of openssl; quiet. */
static int openssl(const char *const *words)
{
    int status;
    pid_t pid;

    fflush(stdout);
    if ((pid = fork()) == 0) {
        if (freopen("/dev/null", "w", stdout) == NULL || freopen("/dev/null", "w", stderr) == NULL)
            _exit(126);
        execvp("openssl", (char *const *)(uintptr_t)words);
        _exit(127);
    }
    INVARIANT(pid > 0 && waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define OPENSSL(...) openssl((const char *const[]){ "openssl", __VA_ARGS__, NULL })

static bool contains(const char *path, const char *part)
{
    struct bytes text = { 0 };
    bool found;

    read_file(path, &text);
    bytes_append_char(&text, '\0');
    found = says((const char *)text.p, part);
    bytes_clear(&text);
    return found;
}

static void a_key_under_a_passphrase(void)
{
    const char *key = ceremony_path("eve.key"), *certificate = ceremony_path("eve.pem");
    char from[300];
    struct stat st;

    CU_ASSERT_EQUAL_FATAL(CREATE("--name", "eve", FILES("eve.key", "eve.pem"), "--bits", "2048",
                                 "--key-passphrase-file", ceremony_path("pass")),
                          EXIT_DONE);
    CU_ASSERT(contains(key, "-----BEGIN ENCRYPTED PRIVATE KEY-----"));
    CU_ASSERT_EQUAL_FATAL(stat(key, &st), 0);
    CU_ASSERT_EQUAL(st.st_mode & 07777, 0400);
    snprintf(from, sizeof from, "file:%s", ceremony_path("pass"));
    CU_ASSERT_EQUAL(OPENSSL("pkey", "-in", key, "-passin", from, "-noout"), 0);
    CU_ASSERT_NOT_EQUAL(OPENSSL("pkey", "-in", key, "-passin", "pass:another", "-noout"), 0);
    CU_ASSERT_EQUAL(OPENSSL("verify", "-CAfile", certificate, certificate), 0);
    CU_ASSERT_EQUAL(OPENSSL("x509", "-in", certificate, "-noout", "-checkend", "315000000"), 0); /* ten years, nearly */
    CU_ASSERT_NOT_EQUAL(OPENSSL("x509", "-in", certificate, "-noout", "-checkend", "316000000"), 0);
}

static void a_key_without(void)
{
    CU_ASSERT_EQUAL_FATAL(CREATE("--name", "fay", FILES("fay.key", "fay.pem"), "--no-passphrase"), EXIT_DONE);
    CU_ASSERT(contains(ceremony_path("fay.key"), "-----BEGIN PRIVATE KEY-----"));
    CU_ASSERT_EQUAL(CREATE("--name", "fay", FILES("fay.key", "other.pem"), "--no-passphrase"), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "exists"));
    CU_ASSERT_NOT_EQUAL(access(ceremony_path("other.pem"), F_OK), 0);
}

static void keys_that_are_not_made(void)
{
    const char *open = ceremony_path("open"), *little = ceremony_path("short");

    CU_ASSERT_EQUAL_FATAL(file_create(open, 0644, span_text("a good passphrase\n")), ST_OK);
    CU_ASSERT_EQUAL_FATAL(file_create(little, 0600, span_text("seven77\n")), ST_OK);
#define REFUSED(...) CREATE(FILES("gus.key", "gus.pem"), __VA_ARGS__)
    CU_ASSERT_EQUAL(REFUSED("--name", "gus", "--bits", "1024", "--no-passphrase"), EXIT_USAGE);
    CU_ASSERT_EQUAL(REFUSED("--name", "gus", "--bits", "3072x", "--no-passphrase"), EXIT_USAGE);
    CU_ASSERT_EQUAL(REFUSED("--name", "", "--no-passphrase"), EXIT_USAGE);
    CU_ASSERT_EQUAL(REFUSED("--name", "a name of more than thirty-two by", "--no-passphrase"), EXIT_USAGE);
    CU_ASSERT_EQUAL(REFUSED("--name", "gus", "--no-passphrase", "--key-passphrase-file", ceremony_path("pass")),
                    EXIT_USAGE);
    CU_ASSERT_EQUAL(REFUSED("--name", "gus", "--key-passphrase-file", open), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "its owner alone may read"));
    CU_ASSERT_EQUAL(REFUSED("--name", "gus", "--key-passphrase-file", little), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "at least 8 bytes"));
    CU_ASSERT_NOT_EQUAL(access(ceremony_path("gus.key"), F_OK), 0);
}

static const char *reset_act(void)
{
    Ks__Decommission m = KS__DECOMMISSION__INIT;

    return ceremony_act_file("reset.act", MESSAGE_FACTORY_RESET, &m.base);
}

/* Nobody types a passphrase, or confirms, for a file that cannot be: no terminal is looked for. */
static void the_place_comes_first(void)
{
    CU_ASSERT_EQUAL_FATAL(file_create(ceremony_path("taken"), 0600, span_text("mine")), ST_OK);
    CU_ASSERT_EQUAL(CREATE("--name", "gus", FILES("taken", "gus.pem")), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "taken: exists already"));
    CU_ASSERT_EQUAL(CREATE("--name", "gus", FILES("gus.key", "taken")), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "taken: exists already"));
    CU_ASSERT_EQUAL(CREATE("--name", "gus", FILES("none/gus.key", "gus.pem")), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "none/gus.key: there is no such directory"));
    CU_ASSERT_EQUAL(CREATE("--name", "gus", FILES("gus.key", "gus.key")), EXIT_USAGE);
    CU_ASSERT_EQUAL(RUN(&said, "identity", "create", "--name", "gus", "--passphrase", FILES("gus.key", "taken")),
                    EXIT_REFUSED);
    CU_ASSERT(says(said.err, "taken: exists already"));
    CU_ASSERT_EQUAL(RUN(&said, "act", "approve", "--act", reset_act(), "--certificate", ceremony_certificate(0),
                        "--key", ceremony_key(0), "--out", ceremony_path("taken")),
                    EXIT_REFUSED);
    CU_ASSERT(says(said.err, "taken: exists already"));
    CU_ASSERT_NOT_EQUAL(access(ceremony_path("gus.key"), F_OK), 0);
    CU_ASSERT_NOT_EQUAL(access(ceremony_path("gus.pem"), F_OK), 0);
}

/* --- signatures --- */

#define PSS_SALTED(len)                                                                                                \
    "-rawin", "-digest", "sha256", "-pkeyopt", "rsa_padding_mode:pss", "-pkeyopt", "rsa_pss_saltlen:" len, "-pkeyopt", \
        "rsa_mgf1_md:sha256"
#define PSS PSS_SALTED("32")

static void write_statement(const char *act, const char *to)
{
    struct bytes statement = { 0 };

    unlink(to);
    CU_ASSERT_EQUAL_FATAL(RUN(&said, "act", "show", "--act", act, "--statement", to), EXIT_DONE);
    read_file(to, &statement);
    CU_ASSERT_EQUAL(statement.len, ACT_STATEMENT_LEN);
    CU_ASSERT_EQUAL(memcmp(statement.p, "strongroom act v1", 18), 0);
    bytes_clear(&statement);
}

static void openssl_verifies(void)
{
    const char *act = reset_act(), *statement = ceremony_path("statement"), *signature = ceremony_path("signature");
    struct approval a = { 0 };

    write_statement(act, statement);
    CU_ASSERT_EQUAL_FATAL(ceremony_approve(act, 0, ceremony_path("approval.json")), EXIT_DONE);
    CU_ASSERT_EQUAL_FATAL(approval_read(ceremony_invocation(), ceremony_path("approval.json"), &a), EXIT_DONE);
    CU_ASSERT_STRING_EQUAL(a.name, "ann");
    CU_ASSERT_EQUAL_FATAL(file_create(signature, 0600, bytes_span(&a.signature)), ST_OK);
#define VERIFY(holder)                                                                                                 \
    OPENSSL("pkeyutl", "-verify", "-certin", "-inkey", ceremony_certificate(holder), "-in", statement, "-sigfile",     \
            signature, PSS)
    CU_ASSERT_EQUAL(VERIFY(0), 0);
    CU_ASSERT_NOT_EQUAL(VERIFY(1), 0);
    CU_ASSERT_FATAL(ceremony_edit(act, "\"sequence\":42", "\"sequence\":43"));
    write_statement(act, statement);
    CU_ASSERT_NOT_EQUAL(VERIFY(0), 0);
    approval_clear(&a);
}

#define BY_SIGNATURE(holder, signature)                                                                                \
    RUN(&said, "act", "approve", "--yes", "--act", act, "--certificate", ceremony_certificate(holder), "--signature",  \
        signature, "--out", approval)
#define BY_OPENSSL(holder, ...)                                                                                        \
    OPENSSL("pkeyutl", "-sign", "-inkey", ceremony_key(holder), "-in", statement, __VA_ARGS__)

/* A holder whose key is in another device: openssl's command stands for it. */
static void openssl_signs(void)
{
    const char *act = reset_act(), *statement = ceremony_path("statement"), *signature = ceremony_path("by-openssl");
    const char *approval = ceremony_path("approval-by-openssl.json");

    write_statement(act, statement);
    CU_ASSERT_EQUAL_FATAL(BY_OPENSSL(1, "-out", signature, PSS), 0);
    CU_ASSERT_EQUAL(BY_SIGNATURE(1, signature), EXIT_DONE);
    CU_ASSERT_EQUAL(RUN(&said, "act", "verify", "--act", act, "--approval", approval), EXIT_REFUSED); /* of two */
    CU_ASSERT(says(said.out, "1 of the 2 approvals"));
}

static void signatures_that_do_not_approve(void)
{
    const char *act = reset_act(), *statement = ceremony_path("statement"), *signature = ceremony_path("by-openssl");
    const char *approval = ceremony_path("no-approval.json");

    write_statement(act, statement);
    CU_ASSERT_EQUAL_FATAL(BY_OPENSSL(1, "-out", signature, PSS_SALTED("20")), 0);
    CU_ASSERT_EQUAL(BY_SIGNATURE(1, signature), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "not by this certificate's key over this act"));
    CU_ASSERT_EQUAL_FATAL(BY_OPENSSL(1, "-out", signature, PSS), 0);
    CU_ASSERT_EQUAL(BY_SIGNATURE(0, signature), EXIT_REFUSED);
    CU_ASSERT_EQUAL(BY_SIGNATURE(1, act), EXIT_REFUSED);
    CU_ASSERT_EQUAL(BY_SIGNATURE(1, ceremony_path("none")), EXIT_REFUSED);
    CU_ASSERT_FATAL(ceremony_edit(act, "\"sequence\":42", "\"sequence\":43"));
    CU_ASSERT_EQUAL(BY_SIGNATURE(1, signature), EXIT_REFUSED);
    CU_ASSERT_NOT_EQUAL(access(approval, F_OK), 0);
}

static void a_key_or_a_signature(void)
{
    const char *act = reset_act(), *out = ceremony_path("no-approval.json");

#define APPROVE(...)                                                                                                   \
    RUN(&said, "act", "approve", "--act", act, "--certificate", ceremony_certificate(1), "--out", out, __VA_ARGS__)
    CU_ASSERT_EQUAL(APPROVE("--yes"), EXIT_USAGE);
    CU_ASSERT_EQUAL(APPROVE("--yes", "--key", ceremony_key(1), "--signature", ceremony_path("by-openssl")), EXIT_USAGE);
    CU_ASSERT_NOT_EQUAL(access(out, F_OK), 0);
}

static void the_wrong_passphrase(void)
{
    const char *wrong = ceremony_path("wrong"), *out = ceremony_path("by-eve.json"), *act = reset_act();
    struct holder_certificate c = { 0 };
    struct act_file file = { 0 };

    CU_ASSERT_EQUAL_FATAL(file_create(wrong, 0600, span_text("another passphrase\n")), ST_OK);
    CU_ASSERT_EQUAL_FATAL(act_file_read(ceremony_invocation(), act, &file), EXIT_DONE);
    CU_ASSERT_EQUAL_FATAL(holder_certificate_read(ceremony_invocation(), ceremony_path("eve.pem"), &c), EXIT_DONE);
    memcpy(file.holders[0].id, c.id, sizeof c.id); /* eve in ann's place */
    CU_ASSERT_EQUAL(unlink(act), 0);
    CU_ASSERT_EQUAL_FATAL(act_file_write(ceremony_invocation(), act, &file, span_text("")), EXIT_DONE);
#define BY_EVE(passphrase)                                                                                             \
    RUN(&said, "act", "approve", "--yes", "--act", act, "--certificate", ceremony_path("eve.pem"), "--key",            \
        ceremony_path("eve.key"), "--key-passphrase-file", passphrase, "--out", out)
    CU_ASSERT_EQUAL(BY_EVE(wrong), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "this passphrase does not open it"));
    CU_ASSERT_NOT_EQUAL(access(out, F_OK), 0);
    CU_ASSERT_EQUAL(BY_EVE(ceremony_path("pass")), EXIT_DONE);
    holder_certificate_clear(&c);
    act_file_clear(&file);
}

/* Each kind of file that is none of what is asked for, at each kind of reader. */
static void files_that_cannot_be(void)
{
    const char *empty = ceremony_path("empty"), *large = ceremony_path("large"), *pipe = ceremony_path("fifo");
    const char *act = reset_act();
    const struct {
        const char *path, *why;
    } cases[] = {
        { empty, "empty: the file is empty" },
        { large, "large: too large" },
        { pipe, "fifo: a directory, a pipe or a device" },
        { scratch_directory(), ": a directory, a pipe or a device" },
        { ceremony_path("none"), "none: not found" },
    };
    struct bytes much = { 0 };

    CU_ASSERT_EQUAL_FATAL(bytes_reserve(&much, 8u << 20), ST_OK);
    much.len = 8u << 20;
    memset(much.p, ' ', much.len);
    CU_ASSERT_EQUAL_FATAL(file_create(large, 0600, bytes_span(&much)), ST_OK);
    CU_ASSERT_EQUAL_FATAL(file_create(empty, 0600, span_text("")), ST_OK);
    CU_ASSERT_EQUAL_FATAL(mkfifo(pipe, 0600), 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CU_ASSERT_EQUAL(RUN(&said, "act", "show", "--act", cases[i].path), EXIT_REFUSED);
        CU_ASSERT(says(said.err, cases[i].why));
        CU_ASSERT_EQUAL(RUN(&said, "identity", "show", "--certificate", cases[i].path), EXIT_REFUSED);
        CU_ASSERT(says(said.err, cases[i].why));
        CU_ASSERT_EQUAL(RUN(&said, "act", "approve", "--yes", "--act", act, "--certificate", ceremony_certificate(0),
                            "--signature", cases[i].path, "--out", ceremony_path("never.json")),
                        EXIT_REFUSED);
        CU_ASSERT(says(said.err, cases[i].why));
        CU_ASSERT_EQUAL(RUN(&said, "holder", "check", "--domain", cases[i].path, "--certificate",
                            ceremony_certificate(0), "--key", ceremony_key(0)),
                        EXIT_REFUSED);
        CU_ASSERT(says(said.err, cases[i].why));
    }
    bytes_clear(&much);
}

int main(void)
{
    CU_TestInfo cases[] = {
        { "a key under a passphrase, as openssl reads it", a_key_under_a_passphrase },
        { "a key without one; nothing is replaced", a_key_without },
        { "keys that are not made", keys_that_are_not_made },
        { "the place of a file comes before questions", the_place_comes_first },
        { "openssl verifies an approval, of just this act", openssl_verifies },
        { "a signature that openssl made is an approval", openssl_signs },
        { "signatures that do not approve", signatures_that_do_not_approve },
        { "a key or a signature, not both", a_key_or_a_signature },
        { "files that cannot be, in words", files_that_cannot_be },
        { "the wrong passphrase approves nothing", the_wrong_passphrase },
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = { { "holders", set_up, tear_down, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
