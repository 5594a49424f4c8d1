/* provisioning/keystore/identity_commands.c and link_files.c: keys for the keystore's link, in clear and under a
 * passphrase. The openssl program opens what we wrote, and we open what it wrote. */
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "provisioning/cli/private_file.h"
#include "provisioning/link/link_files.h"
#include "tests/unit/harness.h"
#include "tests/unit/provisioning/session.h"

#define PASSPHRASE "correct horse battery"

static struct said said;

static const char *at(const char *name)
{
    static char paths[8][512];
    static unsigned next;
    char *path = paths[next++ % ARRAY_LEN(paths)];

    snprintf(path, sizeof paths[0], "%s/%s", scratch_directory(), name);
    return path;
}

static void put(const char *name, const char *text, mode_t mode)
{
    unlink(at(name));
    CU_ASSERT_EQUAL(file_create(at(name), mode, span_text(text)), ST_OK);
}

static bool contains(const char *name, const char *text)
{
    struct bytes b = { 0 };
    bool found;

    read_file(at(name), &b);
    found = strstr(bytes_text(&b), text) != NULL;
    bytes_clear(&b);
    return found;
}

static int create(const char *key, const char *passphrase_file)
{
    unlink(at("some.pem"));
    unlink(at(key));
    if (passphrase_file == NULL)
        return RUN(&said, "identity", "create", "--name", "Owner", "--key", at(key), "--certificate", at("some.pem"));
    return RUN(&said, "identity", "create", "--name", "Owner", "--key", at(key), "--certificate", at("some.pem"),
               "--key-passphrase-file", passphrase_file);
}

/* What a verb with --key does with it. */
static int open_key(struct invocation *in)
{
    EVP_PKEY *key;
    int code = link_read_key(in, command_value(in, "key"), &key);

    if (code == EXIT_DONE)
        fprintf(in->out, "opened");
    else
        CU_ASSERT_PTR_NULL(key);
    EVP_PKEY_free(key);
    return code;
}

static const struct verb_option key_options[] = {
    { "key", "PEM", true, false, "" },
    { LINK_PASSPHRASE_OPTION, "FILE", false, false, "" },
    { 0 },
};
static const struct verb key_verbs[] = { { "open", "open it", NULL, false, true, key_options, open_key }, { 0 } };
static const struct noun key_nouns[] = { { "key", "keys", key_verbs } };

static int opens(const char *key, const char *passphrase_file)
{
    const char *words[] = {
        "key", "open", "--key", at(key), passphrase_file != NULL ? "--key-passphrase-file" : NULL, passphrase_file, NULL
    };

    return session_run(key_nouns, 1, words, &said);
}

static int run_openssl(const char *words)
{
    char line[2048];
    int status;

    snprintf(line, sizeof line, "cd %s && openssl %s >/dev/null 2>&1", scratch_directory(), words);
    status = system(line);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void in_clear(void)
{
    struct stat st;

    CU_ASSERT_EQUAL(create("clear.key", NULL), EXIT_DONE);
    CU_ASSERT_TRUE(stat(at("clear.key"), &st) == 0 && (st.st_mode & 07777) == 0400);
    CU_ASSERT(contains("clear.key", "-----BEGIN PRIVATE KEY-----"));
    CU_ASSERT_EQUAL(opens("clear.key", NULL), EXIT_DONE);
    CU_ASSERT_EQUAL(RUN(&said, "identity", "show", "--certificate", at("some.pem")), EXIT_DONE);
    CU_ASSERT_EQUAL(strspn(said.out, "0123456789abcdef"), 64);
    CU_ASSERT_EQUAL(RUN(&said, "identity", "show", "--certificate", at("some.pem"), "--json"), EXIT_DONE);
    CU_ASSERT_EQUAL(strncmp(said.out, "{\"sha256\":\"", 11), 0);
}

static void under_a_passphrase(void)
{
    struct stat st;

    put("passphrase", PASSPHRASE "\n", 0400);
    put("wrong", "correct horse batterx", 0400);
    CU_ASSERT_EQUAL(create("sealed.key", at("passphrase")), EXIT_DONE);
    CU_ASSERT_TRUE(stat(at("sealed.key"), &st) == 0 && (st.st_mode & 07777) == 0400);
    CU_ASSERT(contains("sealed.key", "-----BEGIN ENCRYPTED PRIVATE KEY-----"));
    CU_ASSERT_EQUAL(opens("sealed.key", at("passphrase")), EXIT_DONE);
    CU_ASSERT_EQUAL(opens("sealed.key", at("wrong")), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "does not open it"));
    CU_ASSERT_PTR_NULL(strstr(said.err, "horse"));
    put("passphrase", PASSPHRASE, 0440);
    CU_ASSERT_EQUAL(opens("sealed.key", at("passphrase")), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "its owner alone"));
    put("passphrase", PASSPHRASE, 0400);
}

static void openssl_agrees(void)
{
    CU_ASSERT_EQUAL(run_openssl("pkey -in sealed.key -passin file:passphrase -out opened.key"), 0);
    CU_ASSERT_NOT_EQUAL(run_openssl("pkey -in sealed.key -passin file:wrong -out /dev/null"), 0);
    CU_ASSERT_EQUAL(run_openssl("asn1parse -in sealed.key | grep -q scrypt"), 0);
    CU_ASSERT_EQUAL(run_openssl("asn1parse -in sealed.key | grep -q aes-256-cbc"), 0);
    CU_ASSERT_EQUAL(run_openssl("pkcs8 -topk8 -in opened.key -passout file:passphrase -v2 aes-256-cbc -v2prf "
                                "hmacWithSHA256 -out theirs.key"),
                    0);
    CU_ASSERT_EQUAL(chmod(at("theirs.key"), 0600), 0);
    CU_ASSERT_EQUAL(opens("theirs.key", at("passphrase")), EXIT_DONE);
    CU_ASSERT_EQUAL(opens("theirs.key", at("wrong")), EXIT_REFUSED);
}

static void refusals(void)
{
    put("short", "seven 7", 0400);
    CU_ASSERT_EQUAL(create("short.key", at("short")), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "at least 8 bytes"));
    CU_ASSERT_NOT_EQUAL(access(at("short.key"), F_OK), 0);
    CU_ASSERT_EQUAL(create("none.key", at("no such file")), EXIT_REFUSED);
    put("text.key", "no key", 0400);
    CU_ASSERT_EQUAL(opens("text.key", NULL), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "no private key in PEM"));
    CU_ASSERT_EQUAL(chmod(at("clear.key"), 0440), 0);
    CU_ASSERT_EQUAL(opens("clear.key", NULL), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "its owner's alone"));
}

int main(void)
{
    static CU_TestInfo cases[] = {
        { "a key in clear has mode 0400; its certificate has a fingerprint", in_clear },
        { "a key under a passphrase opens by it alone", under_a_passphrase },
        { "openssl opens ours and we open its", openssl_agrees },
        { "a short passphrase, no key, a key that others may read are refused", refusals },
        CU_TEST_INFO_NULL,
    };
    static CU_SuiteInfo suites[] = { { "identity", NULL, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };
    int code = run_suites(suites);

    said_clear(&said);
    return code;
}
