/* provisioning/identity_commands.c, keystore_commands.c, partition_commands.c and keystore_link.c against the real
 * keystored. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "provisioning/private_file.h"
#include "tests/unit/harness.h"
#include "tests/unit/provisioning/session.h"

#define START_MS 60000

static struct said said;
static char directory[128], socket_path[160], board_pem[160], owner_pem[160], owner_key[160], client_pem[160],
    client_key[160], other_pem[160], other_key[160];
static pid_t keystored;

/* A verb with the owner's link options before the test's own. */
#define ASK(noun, verb, ...)                                                                                           \
    RUN(&said, noun, verb, "--socket", socket_path, "--certificate", owner_pem, "--key", owner_key, "--keystore",      \
        board_pem, __VA_ARGS__)
#define ASK_ALONE(noun, verb)                                                                                          \
    RUN(&said, noun, verb, "--socket", socket_path, "--certificate", owner_pem, "--key", owner_key, "--keystore",      \
        board_pem)

static void name(char *out, const char *file)
{
    snprintf(out, 160, "%s/%s", scratch_directory(), file);
}

static bool start_keystored(void)
{
    char text[4096] = "";
    size_t len = 0;
    int ends[2];

    if (pipe(ends) != 0)
        return false;
    if ((keystored = fork()) == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(ends[1], STDERR_FILENO);
        execl(KEYSTORED, KEYSTORED, "--directory", directory, "--root", "insecure-file", "--owner", owner_pem,
              (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    while (strstr(text, "listening on") == NULL) {
        struct pollfd p = { .fd = ends[0], .events = POLLIN };
        ssize_t n = poll(&p, 1, START_MS) == 1 ? read(ends[0], text + len, sizeof text - 1 - len) : 0;

        if (n <= 0) {
            printf("\n%s\n", text);
            return false;
        }
        len += (size_t)n;
        text[len] = '\0';
    }
    return true; /* the pipe stays: it is keystored's log */
}

static int set_up(void)
{
    snprintf(directory, sizeof directory, "%s/board", scratch_directory());
    snprintf(socket_path, sizeof socket_path, "%s/keystore.sock", directory);
    snprintf(board_pem, sizeof board_pem, "%s/keystore.pem", directory);
    name(owner_pem, "owner.pem");
    name(owner_key, "owner.key");
    name(client_pem, "client.pem");
    name(client_key, "client.key");
    name(other_pem, "other.pem");
    name(other_key, "other.key");
    if (RUN(&said, "identity", "create", "--name", "owner", "--key", owner_key, "--certificate", owner_pem) !=
            EXIT_DONE ||
        RUN(&said, "identity", "create", "--name", "client", "--key", client_key, "--certificate", client_pem) !=
            EXIT_DONE ||
        RUN(&said, "identity", "create", "--name", "other", "--key", other_key, "--certificate", other_pem) !=
            EXIT_DONE)
        return 1;
    return start_keystored() ? 0 : 1;
}

static int tear_down(void)
{
    kill(keystored, SIGTERM);
    waitpid(keystored, NULL, 0);
    said_clear(&said);
    return 0;
}

static void identity_files(void)
{
    struct stat st;

    CU_ASSERT_EQUAL_FATAL(stat(owner_key, &st), 0);
    CU_ASSERT_EQUAL(st.st_mode & 07777, 0400);
    CU_ASSERT_EQUAL(RUN(&said, "identity", "create", "--name", "x", "--key", owner_key, "--certificate", "/dev/null"),
                    EXIT_REFUSED); /* nothing is replaced */
    CU_ASSERT(says(said.err, owner_key));
    CU_ASSERT_EQUAL(RUN(&said, "identity", "create", "--name", "", "--key", "/x", "--certificate", "/y"), EXIT_USAGE);
    CU_ASSERT_EQUAL(RUN(&said, "identity", "show", "--certificate", owner_pem), EXIT_DONE);
    CU_ASSERT_EQUAL(strspn(said.out, "0123456789abcdef"), 64);
    CU_ASSERT_EQUAL(RUN(&said, "identity", "show", "--certificate", owner_key), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "no certificate"));
}

static void who_asks(void)
{
    CU_ASSERT_EQUAL(RUN(&said, "keystore", "status"), EXIT_USAGE);
    CU_ASSERT_EQUAL(RUN(&said, "keystore", "status", "--socket", "/nonexistent", "--certificate", owner_pem, "--key",
                        owner_key, "--keystore", board_pem),
                    EXIT_REFUSED);
    CU_ASSERT(says(said.err, "no keystore there"));
    /* another's key; a pin of another keystore; a stranger */
    CU_ASSERT_EQUAL(RUN(&said, "keystore", "status", "--socket", socket_path, "--certificate", owner_pem, "--key",
                        client_key, "--keystore", board_pem),
                    EXIT_REFUSED);
    CU_ASSERT(says(said.err, "do not belong together"));
    CU_ASSERT_EQUAL(RUN(&said, "keystore", "status", "--socket", socket_path, "--certificate", owner_pem, "--key",
                        owner_key, "--keystore", client_pem),
                    EXIT_REFUSED);
    CU_ASSERT(says(said.err, "not the one whose certificate"));
    CU_ASSERT_EQUAL(RUN(&said, "keystore", "status", "--socket", socket_path, "--certificate", other_pem, "--key",
                        other_key, "--keystore", board_pem),
                    EXIT_REFUSED);
    CU_ASSERT(says(said.err, "is this certificate registered there?"));
    CU_ASSERT_EQUAL(chmod(owner_key, 0444), 0);
    CU_ASSERT_EQUAL(ASK_ALONE("keystore", "status"), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "its owner's alone"));
    CU_ASSERT_EQUAL(chmod(owner_key, 0400), 0);
}

/* The four names from a file of the module's format; the same owner's key under a passphrase. */
static void by_a_profile(void)
{
    char profile[160], sealed[160], passphrase[160], text[1024];

    name(profile, "owner.conf");
    name(sealed, "owner-sealed.key");
    name(passphrase, "passphrase");
    snprintf(text, sizeof text, "socket = %s\ncertificate = %s\nkey = %s\nkeystore = %s\n", socket_path, owner_pem,
             owner_key, board_pem);
    CU_ASSERT_EQUAL(file_create(profile, 0600, span_text(text)), ST_OK);
    CU_ASSERT_EQUAL(RUN(&said, "keystore", "status", "--profile", profile), EXIT_DONE);
    CU_ASSERT_EQUAL(RUN(&said, "keystore", "status", "--profile", profile, "--key", client_key), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "do not belong together"));
    CU_ASSERT_EQUAL(RUN(&said, "keystore", "audit", "--profile", profile, "--json"), EXIT_DONE);
    CU_ASSERT(says(said.out, "[\n{\"sequence\":1,") && says(said.out, "}\n]\n"));
    CU_ASSERT_EQUAL(file_create(passphrase, 0400, span_text("seven green bottles")), ST_OK);
    snprintf(text, sizeof text, "openssl pkcs8 -topk8 -scrypt -in %s -passout file:%s -out %s && chmod 0400 %s",
             owner_key, passphrase, sealed, sealed);
    CU_ASSERT_EQUAL(system(text), 0);
    CU_ASSERT_EQUAL(
        RUN(&said, "keystore", "status", "--profile", profile, "--key", sealed, "--key-passphrase-file", passphrase),
        EXIT_DONE);
}

static void from_provisioned_to_operational(void)
{
    CU_ASSERT_EQUAL(ASK_ALONE("keystore", "status"), EXIT_DONE);
    CU_ASSERT(says(said.out, "keystore: provisioned"));
    CU_ASSERT(says(said.out, "simulated"));
    CU_ASSERT_EQUAL(ASK("partition", "create", "--name", "early"), EXIT_REFUSED); /* there is no domain yet */
    CU_ASSERT_EQUAL(ASK("keystore", "provision", "--name", "a b"), EXIT_REFUSED);
    CU_ASSERT_EQUAL(ASK("keystore", "provision", "--name", "main"), EXIT_DONE);
    CU_ASSERT_EQUAL(ASK("keystore", "provision", "--name", "again"), EXIT_REFUSED);
    CU_ASSERT_EQUAL(ASK("keystore", "status", "--json"), EXIT_DONE);
    CU_ASSERT(says(said.out, "\"state\":\"operational\""));
    CU_ASSERT(says(said.out, "\"hardware\":false"));
    CU_ASSERT_EQUAL(ASK_ALONE("keystore", "self-test"), EXIT_DONE);
}

static void partitions(void)
{
    CU_ASSERT_EQUAL(ASK("partition", "create", "--name", "one", "--identity", client_pem, "--objects", "12"),
                    EXIT_DONE);
    CU_ASSERT(says(said.out, "partition one: made"));
    CU_ASSERT_EQUAL(ASK("partition", "create", "--name", "one"), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "taken"));
    CU_ASSERT_EQUAL(ASK("partition", "create", "--name", "two", "--identity", client_pem), EXIT_REFUSED);
    CU_ASSERT_EQUAL(ASK("partition", "create", "--name", "two", "--identity", owner_pem), EXIT_REFUSED);
    CU_ASSERT_EQUAL(ASK("partition", "create", "--name", "two", "--policy", "lax"), EXIT_REFUSED);
    CU_ASSERT_EQUAL(ASK("partition", "create", "--name", "two", "--objects", "many"), EXIT_USAGE);
    CU_ASSERT_EQUAL(ASK("partition", "create", "--name", "two", "--objects", "-1"), EXIT_USAGE);
    CU_ASSERT_EQUAL(ASK("partition", "create", "--name", "../two"), EXIT_REFUSED);
    CU_ASSERT_EQUAL(ASK_ALONE("partition", "list"), EXIT_DONE);
    CU_ASSERT(says(said.out, "one"));
    CU_ASSERT(says(said.out, "0 of 12 objects, 1 identities, not initialised"));
    CU_ASSERT_PTR_NULL(strstr(said.out, "two"));
}

/* What is not given stays as it is. */
static void partition_changes(void)
{
    CU_ASSERT_EQUAL(ASK("partition", "set", "--name", "one", "--policy", "compatible"), EXIT_DONE);
    CU_ASSERT_EQUAL(ASK("partition", "list", "--json"), EXIT_DONE);
    CU_ASSERT(says(said.out, "\"policy\":\"compatible\""));
    CU_ASSERT(says(said.out, "\"objectsMax\":12"));
    CU_ASSERT_EQUAL(ASK("partition", "set", "--name", "one", "--identity", client_pem, "--identity", other_pem),
                    EXIT_DONE);
    CU_ASSERT_EQUAL(ASK_ALONE("partition", "list"), EXIT_DONE);
    CU_ASSERT(says(said.out, "compatible"));
    CU_ASSERT(says(said.out, "2 identities"));
    CU_ASSERT_EQUAL(ASK("partition", "set", "--name", "none", "--policy", "strict"), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "no partition none"));
}

static void clients_do_not_administrate(void)
{
    CU_ASSERT_EQUAL(RUN(&said, "partition", "list", "--socket", socket_path, "--certificate", client_pem, "--key",
                        client_key, "--keystore", board_pem),
                    EXIT_REFUSED);
    CU_ASSERT(says(said.err, "another role is needed"));
    CU_ASSERT_EQUAL(RUN(&said, "keystore", "status", "--socket", socket_path, "--certificate", client_pem, "--key",
                        client_key, "--keystore", board_pem),
                    EXIT_DONE);
}

static void audit_is_printed(void)
{
    CU_ASSERT_EQUAL(ASK_ALONE("keystore", "audit"), EXIT_DONE);
    CU_ASSERT(says(said.out, "kind=70 role=1")); /* the domain was made by the owner */
    CU_ASSERT(says(said.out, "kind=71"));
    CU_ASSERT(says(said.out, "kind=259")); /* a stranger was refused */
    CU_ASSERT_EQUAL(strncmp(said.out, "1 time=", 7), 0);
}

static void nothing_is_destroyed_by_mistake(void)
{
    CU_ASSERT_EQUAL(ASK("partition", "delete", "--name", "one"), EXIT_USAGE);
    CU_ASSERT(says(said.err, "--destroy-its-keys"));
    CU_ASSERT_EQUAL(ASK("partition", "delete", "--name", "none", "--destroy-its-keys"), EXIT_REFUSED);
    CU_ASSERT_EQUAL(ASK("partition", "delete", "--name", "one", "--destroy-its-keys"), EXIT_DONE);
    CU_ASSERT_EQUAL(ASK_ALONE("partition", "list"), EXIT_DONE);
    CU_ASSERT_STRING_EQUAL(said.out, "");
    CU_ASSERT_EQUAL(ASK_ALONE("keystore", "zeroise"), EXIT_USAGE);
    CU_ASSERT_EQUAL(ASK("keystore", "zeroise", "--destroy-all-keys"), EXIT_DONE);
    CU_ASSERT_EQUAL(ASK_ALONE("keystore", "status"), EXIT_DONE);
    CU_ASSERT(says(said.out, "keystore: zeroised"));
    CU_ASSERT_EQUAL(ASK("partition", "create", "--name", "late"), EXIT_REFUSED);
}

int main(void)
{
    CU_TestInfo cases[] = {
        { "identities: files of exact mode, nothing replaced", identity_files },
        { "who asks is checked, and whom", who_asks },
        { "a profile says where the keystore is; a key may be under a passphrase", by_a_profile },
        { "from provisioned to operational", from_provisioned_to_operational },
        { "partitions and what is refused of them", partitions },
        { "changes of a partition", partition_changes },
        { "clients do not administrate", clients_do_not_administrate },
        { "the audit is printed", audit_is_printed },
        { "nothing is destroyed by mistake, and zeroised is for good", nothing_is_destroyed_by_mistake },
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = { { "keystore commands", set_up, tear_down, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
