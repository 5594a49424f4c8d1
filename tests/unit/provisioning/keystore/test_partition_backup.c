/* provisioning/keystore/partition_backup_commands.c, backup_file.c and `partition resize` against the real keystored: a
 * partition is carried from one keystore to another one of its domain. */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "provisioning/cli/private_file.h"
#include "provisioning/keystore/backup_file.h"
#include "tests/unit/harness.h"
#include "tests/unit/provisioning/board.h"
#include "tests/unit/provisioning/ceremony.h"

static struct said said;
static struct board first, second;
static char first_part[65]; /* its SHA-256, as the backup said it */
static const char *file, *act, *ann, *bob;

#define ASK(noun, verb, ...)  BOARD_ASK(&said, &first, "owner", noun, verb __VA_OPT__(, ) __VA_ARGS__)
#define ASK2(noun, verb, ...) BOARD_ASK(&said, &second, "owner", noun, verb __VA_OPT__(, ) __VA_ARGS__)

static void make_identity(const char *name)
{
    char certificate[32], key[32];

    snprintf(certificate, sizeof certificate, "%s.pem", name);
    snprintf(key, sizeof key, "%s.key", name);
    INVARIANT(RUN(&said, "identity", "create", "--name", name, "--key", ceremony_path(key), "--certificate",
                  ceremony_path(certificate)) == EXIT_DONE);
}

static int release(size_t holder, const char *out)
{
    return RUN(&said, "holder", "release", "--yes", "--domain", ceremony_path("domain.json"), "--keystore",
               second.certificate, "--transfer", ceremony_path("transfer.pem"), "--act", act, "--certificate",
               ceremony_certificate(holder), "--key", ceremony_key(holder), "--out", out);
}

/* The second keystore gets the first one's domain. */
static bool share_domain(void)
{
    const char *domain = ceremony_path("domain.json"), *r0 = ceremony_path("r0.json"), *r1 = ceremony_path("r1.json");

    return ceremony_domain(&first, "main") == EXIT_DONE &&
           ASK2("domain", "transfer", "--out", ceremony_path("transfer.pem")) == EXIT_DONE &&
           ASK2("domain", "restore", "--domain", domain, "--prepare", act) == EXIT_DONE &&
           release(0, r0) == EXIT_DONE && release(1, r1) == EXIT_DONE &&
           ASK2("domain", "restore", "--domain", domain, "--act", act, "--release", r0, "--release", r1) == EXIT_DONE;
}

static int set_up(void)
{
    bool ready;

    file = ceremony_path("one.backup");
    act = ceremony_path("act.json");
    ann = ceremony_path("ann.json");
    bob = ceremony_path("bob.json");
    make_identity("owner");
    make_identity("client");
    ceremony_holders();
    ready = board_start(&first, "first", ceremony_path("owner.pem")) &&
            board_start(&second, "second", ceremony_path("owner.pem")) && share_domain() &&
            ASK("partition", "create", "--name", "one", "--identity", ceremony_path("client.pem"), "--objects", "12") ==
                EXIT_DONE;
    if (!ready)
        printf("\n%s", said.err);
    return ready ? 0 : 1;
}

static int tear_down(void)
{
    board_stop(&first);
    board_stop(&second);
    said_clear(&said);
    return 0;
}

static void sizes(void)
{
    CU_ASSERT_EQUAL(ASK("partition", "resize", "--name", "one", "--objects", "34"), EXIT_DONE);
    CU_ASSERT_EQUAL(ASK("partition", "list", "--json"), EXIT_DONE);
    CU_ASSERT(says(said.out, "\"objectsMax\":34,\"sessionObjectsMax\":16384,\"identities\":[\""));
    CU_ASSERT_EQUAL(ASK("partition", "resize", "--name", "one", "--session-objects", "56"), EXIT_DONE);
    CU_ASSERT_EQUAL(ASK("partition", "list", "--json"), EXIT_DONE);
    CU_ASSERT(says(said.out, "\"objectsMax\":34,\"sessionObjectsMax\":56,"));
    CU_ASSERT_EQUAL(ASK("partition", "resize", "--name", "one"), EXIT_USAGE);
    CU_ASSERT_EQUAL(ASK("partition", "resize", "--name", "one", "--objects", "1000001"), EXIT_USAGE);
    CU_ASSERT_EQUAL(ASK("partition", "resize", "--name", "none", "--objects", "1"), EXIT_REFUSED);
    CU_ASSERT_EQUAL(ASK("partition", "resize", "--name", "one", "--objects", "1", "--policy", "compatible"),
                    EXIT_USAGE);
}

static void the_file_is_whole_and_private(void)
{
    struct stat st;

    CU_ASSERT_EQUAL(ASK("partition", "backup", "--name", "none", "--out", file), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "no partition none"));
    CU_ASSERT_NOT_EQUAL(access(file, F_OK), 0);
    CU_ASSERT_EQUAL(ASK("partition", "backup", "--name", "one", "--out", ceremony_path("no/where")), EXIT_REFUSED);
    CU_ASSERT_EQUAL_FATAL(ASK("partition", "backup", "--name", "one", "--out", file, "--json"), EXIT_DONE);
    CU_ASSERT(says(said.out, "{\"name\":\"one\",\"file\":\""));
    CU_ASSERT(says(said.out, "\"parts\":2,\"bytes\":"));
    CU_ASSERT_FATAL(says(said.out, "\"firstPartSha256\":\""));
    snprintf(first_part, sizeof first_part, "%.64s", strstr(said.out, "firstPartSha256") + 18);
    CU_ASSERT_EQUAL_FATAL(stat(file, &st), 0);
    CU_ASSERT_EQUAL(st.st_mode & 07777, 0600);
    CU_ASSERT_EQUAL(ASK("partition", "backup", "--name", "one", "--out", file), EXIT_REFUSED); /* nothing is replaced */
    CU_ASSERT_EQUAL(RUN(&said, "partition", "backup", "--name", "one", "--out", ceremony_path("x"), "--socket",
                        first.socket, "--certificate", ceremony_path("client.pem"), "--key",
                        ceremony_path("client.key"), "--keystore", first.certificate),
                    EXIT_REFUSED);
    CU_ASSERT(says(said.err, "another role is needed"));
    CU_ASSERT_NOT_EQUAL(access(ceremony_path("x"), F_OK), 0);
}

/* What is no whole backup is not carried to a keystore: there is none at this socket. */
static int restore_of(struct span content)
{
    const char *path = ceremony_path("edited.backup");

    unlink(path);
    INVARIANT(file_create(path, 0600, content) == ST_OK);
    return RUN(&said, "partition", "restore", "--in", path, "--socket", "/nonexistent", "--certificate",
               ceremony_path("owner.pem"), "--key", ceremony_path("owner.key"), "--keystore", first.certificate);
}

static void a_cut_file_is_refused_here(void)
{
    struct bytes whole = { 0 }, longer = { 0 };

    read_file(file, &whole);
    for (size_t len = 0; len < whole.len; len += 1 + len / 8) {
        CU_ASSERT_EQUAL(restore_of(span_of(whole.p, len)), EXIT_REFUSED);
        CU_ASSERT(says(said.err, len == 0 ? "the file is empty" : "has been cut"));
    }
    CU_ASSERT_EQUAL(restore_of(span_of(whole.p, whole.len - 1)), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "has been cut"));
    for (size_t more = 1; more <= 5; more++) { /* four of them are the length of one more part */
        CU_ASSERT_EQUAL(bytes_set(&longer, bytes_span(&whole)), ST_OK);
        for (size_t i = 0; i < more; i++)
            bytes_append_char(&longer, '\0');
        CU_ASSERT_EQUAL(restore_of(bytes_span(&longer)), EXIT_REFUSED);
        CU_ASSERT(says(said.err, "has been cut"));
    }
    CU_ASSERT_EQUAL(restore_of(bytes_span(&whole)), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "no keystore there"));
    for (size_t at = 0; at < 36; at++) { /* title, count, first length */
        whole.p[at] ^= 0x80;
        CU_ASSERT_EQUAL(restore_of(bytes_span(&whole)), EXIT_REFUSED);
        CU_ASSERT(says(said.err, "no backup of a partition"));
        whole.p[at] ^= 0x80;
    }
    bytes_clear(&whole);
    bytes_clear(&longer);
    CU_ASSERT_EQUAL(ASK("partition", "restore", "--in", ceremony_path("nowhere")), EXIT_REFUSED);
    CU_ASSERT_EQUAL(ASK("partition", "restore", "--in", ceremony_path("owner.pem")), EXIT_REFUSED);
}

static void parts_are_added_within_their_limit(void)
{
    static const uint8_t part[BACKUP_PART_MAX + 1];
    struct backup_file f = { 0 };

    CU_ASSERT_EQUAL(backup_file_add(&f, span_of(part, 0)), ST_TOO_LARGE);
    CU_ASSERT_EQUAL(backup_file_add(&f, span_of(part, sizeof part)), ST_TOO_LARGE);
    CU_ASSERT_EQUAL(f.parts, 0);
    CU_ASSERT_EQUAL(backup_file_add(&f, span_of(part, sizeof part - 1)), ST_OK);
    CU_ASSERT_EQUAL(f.parts, 1);
    backup_file_clear(&f);
}

static void it_comes_back_by_its_holders(void)
{
    unlink(act);
    CU_ASSERT_EQUAL(ASK2("partition", "restore", "--in", file), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "too few holders"));
    CU_ASSERT_EQUAL_FATAL(ASK2("partition", "restore", "--in", file, "--prepare", act), EXIT_DONE);
    CU_ASSERT(says(said.out, "Nothing is done yet"));
    /* The holders compare what they approve with what the backup said. */
    CU_ASSERT_EQUAL(strlen(first_part), 64);
    CU_ASSERT_EQUAL(RUN(&said, "act", "show", "--act", act), EXIT_DONE);
    CU_ASSERT(says(said.out, first_part));
    CU_ASSERT_EQUAL_FATAL(ceremony_approve(act, 0, ann), EXIT_DONE);
    CU_ASSERT_EQUAL_FATAL(ceremony_approve(act, 1, bob), EXIT_DONE);
    CU_ASSERT_EQUAL(ASK2("partition", "restore", "--in", file, "--act", act, "--approval", ann), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "too few holders"));
    CU_ASSERT_EQUAL(ASK("partition", "restore", "--in", file, "--act", act, "--approval", ann, "--approval", bob),
                    EXIT_REFUSED);
    CU_ASSERT(says(said.err, "is there already"));
    CU_ASSERT_EQUAL(
        ASK2("partition", "restore", "--in", file, "--act", act, "--approval", ann, "--approval", bob, "--json"),
        EXIT_DONE);
    CU_ASSERT(says(said.out, "\"parts\":2,\"bytes\":"));
    CU_ASSERT_EQUAL(ASK2("partition", "list", "--json"), EXIT_DONE);
    CU_ASSERT(says(said.out, "\"name\":\"one\""));
    CU_ASSERT(says(said.out, "\"objectsMax\":34,\"sessionObjectsMax\":56,\"identities\":[\""));
    CU_ASSERT_EQUAL(ASK2("partition", "restore", "--in", file, "--act", act, "--approval", ann, "--approval", bob),
                    EXIT_REFUSED);
    CU_ASSERT(says(said.err, "is there already"));
    /* its client is known there now */
    CU_ASSERT_EQUAL(RUN(&said, "keystore", "status", "--socket", second.socket, "--certificate",
                        ceremony_path("client.pem"), "--key", ceremony_path("client.key"), "--keystore",
                        second.certificate),
                    EXIT_DONE);
}

static void what_was_deleted_stays_deleted(void)
{
    CU_ASSERT_EQUAL(ASK("partition", "delete", "--name", "one", "--destroy-its-keys"), EXIT_DONE);
    CU_ASSERT_EQUAL(ASK("partition", "restore", "--in", file), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "was deleted on this keystore"));
}

int main(void)
{
    CU_TestInfo cases[] = {
        { "sizes are changed without the holders", sizes },
        { "the file is whole, private, and replaces nothing", the_file_is_whole_and_private },
        { "a file that was cut is refused before it is carried", a_cut_file_is_refused_here },
        { "parts are added within their limit", parts_are_added_within_their_limit },
        { "it comes back by its holders", it_comes_back_by_its_holders },
        { "what was deleted stays deleted", what_was_deleted_stays_deleted },
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = { { "partition backup", set_up, tear_down, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
