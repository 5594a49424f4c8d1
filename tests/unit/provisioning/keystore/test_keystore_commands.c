/* provisioning/keystore/identity_commands.c, keystore_commands.c, partition_commands.c and keystore_link.c against the
 * real keystored. */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "provisioning/cli/private_file.h"
#include "service/json/json.h"
#include "tests/unit/harness.h"
#include "tests/unit/provisioning/board.h"
#include "tests/unit/provisioning/ceremony.h"

static struct said said;
static struct board board;
static const char *socket_path, *board_pem, *owner_pem, *owner_key, *client_pem, *client_key, *other_pem, *other_key;

#define ASK(noun, verb, ...) BOARD_ASK(&said, &board, "owner", noun, verb __VA_OPT__(, ) __VA_ARGS__)

static bool make_identity(const char *name, const char **certificate, const char **key)
{
    char file[32];

    snprintf(file, sizeof file, "%s.pem", name);
    *certificate = ceremony_path(file);
    snprintf(file, sizeof file, "%s.key", name);
    *key = ceremony_path(file);
    return RUN(&said, "identity", "create", "--name", name, "--key", *key, "--certificate", *certificate) == EXIT_DONE;
}

static int set_up(void)
{
    if (!make_identity("owner", &owner_pem, &owner_key) || !make_identity("client", &client_pem, &client_key) ||
        !make_identity("other", &other_pem, &other_key) || !board_start(&board, "board", owner_pem))
        return 1;
    socket_path = board.socket;
    board_pem = board.certificate;
    ceremony_holders();
    return 0;
}

static int tear_down(void)
{
    board_stop(&board);
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
    CU_ASSERT_EQUAL(ASK("keystore", "status"), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "its owner's alone"));
    CU_ASSERT_EQUAL(chmod(owner_key, 0400), 0);
}

/* The four names from a file of the module's format; the same owner's key under a passphrase. */
static void by_a_profile(void)
{
    const char *profile = ceremony_path("owner.conf"), *sealed = ceremony_path("owner-sealed.key");
    const char *passphrase = ceremony_path("passphrase");
    char text[4096];

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
    CU_ASSERT_EQUAL(ASK("keystore", "status"), EXIT_DONE);
    CU_ASSERT(says(said.out, "keystore: provisioned"));
    CU_ASSERT(says(said.out, "simulated"));
    CU_ASSERT(says(said.out, "none yet: strongroom domain create"));
    CU_ASSERT_EQUAL(ASK("partition", "create", "--name", "early"), EXIT_REFUSED); /* there is no domain yet */
    CU_ASSERT(says(said.err, "not in this state"));
    CU_ASSERT_EQUAL(ASK("keystore", "provision"), EXIT_USAGE); /* it was a verb once */
    CU_ASSERT_EQUAL(ceremony_domain(&board, "main"), EXIT_DONE);
    CU_ASSERT_EQUAL(ASK("keystore", "status", "--json"), EXIT_DONE);
    CU_ASSERT(says(said.out, "\"state\":\"operational\""));
    CU_ASSERT(says(said.out, "\"hardware\":false"));
    CU_ASSERT(says(said.out, "\"locked\":false,\"attended\":false"));
    CU_ASSERT(says(said.out, "\"required\":2,\"holders\":3,\"pendingHolders\":0"));
    CU_ASSERT_EQUAL(ASK("keystore", "self-test"), EXIT_DONE);
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
    CU_ASSERT_EQUAL(ASK("partition", "create", "--name", "two", "--policy", "lax"), EXIT_USAGE);
    CU_ASSERT_EQUAL(ASK("partition", "create", "--name", "two", "--objects", "many"), EXIT_USAGE);
    CU_ASSERT_EQUAL(ASK("partition", "create", "--name", "two", "--objects", "-1"), EXIT_USAGE);
    CU_ASSERT_EQUAL(ASK("partition", "create", "--name", "../two"), EXIT_USAGE);
    CU_ASSERT_EQUAL(ASK("partition", "list"), EXIT_DONE);
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
    CU_ASSERT_EQUAL(ASK("partition", "list"), EXIT_DONE);
    CU_ASSERT(says(said.out, "compatible"));
    CU_ASSERT(says(said.out, "2 identities"));
    CU_ASSERT_EQUAL(ASK("partition", "set", "--name", "none", "--policy", "strict"), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "no partition none"));
    CU_ASSERT_EQUAL(ASK("partition", "set", "--name", "one", "--policy", "lax"), EXIT_USAGE);
    CU_ASSERT(says(said.err, "--policy takes strict or compatible"));
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
    json_t *tree = NULL;

    CU_ASSERT_EQUAL(ASK("keystore", "audit"), EXIT_DONE);
    CU_ASSERT(says(said.out, "Z  owner    domain-create           ok  by "));
    CU_ASSERT(says(said.out, "Z  owner    partition-create        REFUSED CKR_DEVICE_ERROR (0x30)"));
    CU_ASSERT(says(said.out, "Z  nobody   refused-peer            "));
    CU_ASSERT_EQUAL(strncmp(said.out, "       1  20", 12), 0);
    CU_ASSERT_EQUAL(ASK("keystore", "audit", "--json"), EXIT_DONE);
    CU_ASSERT(says(said.out, "\"what\":\"domain-create\",\"role\":1,\"roleName\":\"owner\""));
    CU_ASSERT(says(said.out, "\"result\":48,\"resultName\":\"CKR_DEVICE_ERROR\""));
    CU_ASSERT(says(said.out, "Z\",\"kind\":"));
    CU_ASSERT_EQUAL(json_read_value(span_text(said.out), 1 << 20, &tree), ST_OK);
    CU_ASSERT(json_is_array(tree));
    json_decref(tree);
}

static void nothing_is_destroyed_by_mistake(void)
{
    CU_ASSERT_EQUAL(ASK("partition", "delete", "--name", "one"), EXIT_USAGE);
    CU_ASSERT(says(said.err, "--destroy-its-keys"));
    CU_ASSERT_EQUAL(ASK("partition", "delete", "--name", "none", "--destroy-its-keys"), EXIT_REFUSED);
    CU_ASSERT_EQUAL(ASK("partition", "delete", "--name", "one", "--destroy-its-keys"), EXIT_DONE);
    CU_ASSERT_EQUAL(ASK("partition", "list"), EXIT_DONE);
    CU_ASSERT_STRING_EQUAL(said.out, "");
    CU_ASSERT_EQUAL(ASK("keystore", "zeroise"), EXIT_USAGE);
    CU_ASSERT(says(said.err, "--destroy-all-keys"));
    CU_ASSERT_EQUAL(ASK("keystore", "zeroise", "--destroy-all-keys"), EXIT_USAGE);
    CU_ASSERT(says(said.err, "--certificate-of-destruction"));
    CU_ASSERT_EQUAL(ASK("keystore", "zeroise", "--destroy-all-keys", "--certificate-of-destruction", owner_pem),
                    EXIT_REFUSED); /* nothing is replaced, and nothing was destroyed */
    CU_ASSERT_EQUAL(ASK("keystore", "zeroise", "--destroy-all-keys", "--certificate-of-destruction",
                        ceremony_path("destroyed.json")),
                    EXIT_REFUSED);
    CU_ASSERT(says(said.err, "too few holders have approved"));
    CU_ASSERT_NOT_EQUAL(access(ceremony_path("destroyed.json"), F_OK), 0);
    CU_ASSERT_EQUAL(ASK("keystore", "status"), EXIT_DONE);
    CU_ASSERT(says(said.out, "keystore: operational"));
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
        { "nothing is destroyed by mistake, nor by the owner alone", nothing_is_destroyed_by_mistake },
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = { { "keystore commands", set_up, tear_down, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
