/* provisioning/ceremony/domain_restore_commands.c, holder_commands.c and decommission_commands.c against the real
 * keystored: a security domain comes to another board, and is reset there. */
#include <stdio.h>
#include <unistd.h>

#include "tests/unit/harness.h"
#include "tests/unit/provisioning/blob.h"
#include "tests/unit/provisioning/board.h"
#include "tests/unit/provisioning/ceremony.h"

static struct said said;
static struct board first, second;
static const char *act, *ann, *bob, *domain;

#define ASK(...)  BOARD_ASK(&said, &first, "owner", __VA_ARGS__)
#define ASK2(...) BOARD_ASK(&said, &second, "owner", __VA_ARGS__)

/* One more file of the same domain, by its quorum. */
static bool export_again(const char *to)
{
    return ASK("domain", "export", "--prepare", act) == EXIT_DONE && ceremony_approve(act, 0, ann) == EXIT_DONE &&
           ceremony_approve(act, 1, bob) == EXIT_DONE &&
           ASK("domain", "export", "--out", to, "--act", act, "--approval", ann, "--approval", bob) == EXIT_DONE;
}

static int set_up(void)
{
    act = ceremony_path("act.json");
    ann = ceremony_path("ann.json");
    bob = ceremony_path("bob.json");
    domain = ceremony_path("domain.json");
    ceremony_holders();
    return RUN(&said, "identity", "create", "--name", "owner", "--key", ceremony_path("owner.key"), "--certificate",
               ceremony_path("owner.pem")) == EXIT_DONE &&
                   board_start(&first, "first", ceremony_path("owner.pem")) &&
                   board_start(&second, "second", ceremony_path("owner.pem")) &&
                   ceremony_domain(&first, "main") == EXIT_DONE && export_again(ceremony_path("again.json"))
               ? 0
               : 1;
}

static int tear_down(void)
{
    board_stop(&first);
    board_stop(&second);
    said_clear(&said);
    return 0;
}

#define RELEASE_OF(keystore, transfer, domain_file, act_file, n, out)                                                  \
    RUN(&said, "holder", "release", "--yes", "--domain", domain_file, "--keystore", keystore, "--transfer", transfer,  \
        "--act", act_file, "--certificate", ceremony_certificate(n), "--key", ceremony_key(n), "--out",                \
        ceremony_path(out))
#define RELEASE(domain_file, act_file, n, out)                                                                         \
    RELEASE_OF(second.certificate, ceremony_path("transfer.pem"), domain_file, act_file, n, out)

static void restored_elsewhere(void)
{
    const char *restore = ceremony_path("restore.act"), *again = ceremony_path("again.json");

    CU_ASSERT_EQUAL(ASK2("domain", "restore", "--domain", domain), EXIT_USAGE);
    CU_ASSERT_EQUAL(RUN(&said, "domain", "transfer", "--socket", "/nonexistent", "--certificate", "x", "--key", "x",
                        "--keystore", "x", "--out", domain),
                    EXIT_REFUSED);
    CU_ASSERT(says(said.err, "exists already"));
    CU_ASSERT_EQUAL_FATAL(ASK2("domain", "transfer", "--out", ceremony_path("transfer.pem")), EXIT_DONE);
    CU_ASSERT_EQUAL_FATAL(ASK2("domain", "restore", "--domain", domain, "--prepare", restore), EXIT_DONE);
    CU_ASSERT(says(said.out, "2 of its 3 holders approve it"));
    CU_ASSERT(says(said.out, "strongroom holder release --act ") && says(said.out, "each --release in place of"));
    /* what is released is for this file, by its holders */
    CU_ASSERT_EQUAL(RELEASE(again, restore, 0, "none.json"), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "not the restore of this domain file"));
    CU_ASSERT_EQUAL(RELEASE(domain, act, 0, "none.json"), EXIT_REFUSED);
    CU_ASSERT_EQUAL(RELEASE(domain, restore, 3, "none.json"), EXIT_REFUSED);
    CU_ASSERT_EQUAL(RELEASE_OF(first.certificate, ceremony_path("transfer.pem"), domain, restore, 0, "none.json"),
                    EXIT_REFUSED);
    CU_ASSERT(says(said.err, "not the certificate of the keystore that the act is for"));
    CU_ASSERT_EQUAL(RELEASE_OF(second.certificate, ceremony_certificate(3), domain, restore, 0, "none.json"),
                    EXIT_REFUSED);
    CU_ASSERT(says(said.err, "somebody else would get your share"));
    CU_ASSERT_NOT_EQUAL(access(ceremony_path("none.json"), F_OK), 0);
    CU_ASSERT_EQUAL_FATAL(RELEASE(domain, restore, 0, "r0.json"), EXIT_DONE);
    CU_ASSERT(says(said.out, "Your share is encrypted to that keystore alone"));
    CU_ASSERT_EQUAL_FATAL(RELEASE(domain, restore, 2, "r2.json"), EXIT_DONE);
    CU_ASSERT_EQUAL(ASK2("domain", "restore", "--domain", domain, "--act", restore), EXIT_USAGE);
    CU_ASSERT_EQUAL(
        ASK2("domain", "restore", "--domain", domain, "--act", restore, "--release", ceremony_path("r0.json")),
        EXIT_REFUSED);
    CU_ASSERT(says(said.err, "the shares are too few"));
    CU_ASSERT_EQUAL(ASK2("domain", "restore", "--domain", again, "--act", restore, "--release",
                         ceremony_path("r0.json"), "--release", ceremony_path("r2.json")),
                    EXIT_REFUSED);
    CU_ASSERT(says(said.err, "this act is another one"));
    CU_ASSERT_EQUAL(ASK2("domain", "restore", "--domain", domain, "--act", restore, "--release",
                         ceremony_path("r0.json"), "--release", ceremony_path("r2.json")),
                    EXIT_DONE);
    CU_ASSERT(says(said.out, "It starts unattended"));
    CU_ASSERT_EQUAL(ASK2("domain", "info"), EXIT_DONE);
    CU_ASSERT(says(said.out, "security domain \"main\""));
    CU_ASSERT(says(said.out, "holders in force: 2 of 3 approve"));
    CU_ASSERT_EQUAL(ASK2("domain", "transfer", "--out", ceremony_path("no.pem")), EXIT_REFUSED);
}

static void releases_that_are_none(void)
{
    const char *path = ceremony_path("r0.json"), *restore = ceremony_path("restore.act");

#define RESTORE    "domain", "restore", "--domain", domain, "--act", restore, "--release", path
#define ASK2_(...) ASK2(__VA_ARGS__)
    CU_ASSERT_EQUAL(ASK2_(RESTORE, "--blob", path), EXIT_USAGE);
    CU_ASSERT_EQUAL(ASK2_(RESTORE, "--release", path), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "given twice"));
    CU_ASSERT(ceremony_edit(path, "\"kind\":\"release\"", "\"kind\":\"approval\""));
    CU_ASSERT_EQUAL(ASK2_(RESTORE), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "no release"));
    CU_ASSERT(ceremony_edit(path, "\"kind\":\"approval\"", "\"kind\":\"release\",\"share\":\"\""));
    CU_ASSERT_EQUAL(ASK2_(RESTORE), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "stands there twice"));
}

static void restored_from_a_blob(void)
{
    const char *blob = ceremony_path("blob.json"), *restore = ceremony_path("blob.act"),
               *transfer = ceremony_path("transfer3.pem");
    struct board third = { 0 };

#define ASK3(...) BOARD_ASK(&said, &third, "owner", __VA_ARGS__)
    CU_ASSERT_FATAL(board_start(&third, "third", ceremony_path("owner.pem")));
    CU_ASSERT_EQUAL_FATAL(ASK3("domain", "transfer", "--out", transfer), EXIT_DONE);
    blob_make(domain, transfer, blob);
    CU_ASSERT_EQUAL_FATAL(ASK3("domain", "restore", "--domain", domain, "--blob", blob, "--prepare", restore),
                          EXIT_DONE);
    CU_ASSERT(says(said.out, "2 of its 3 holders approve it"));
    CU_ASSERT_EQUAL_FATAL(ceremony_approve(restore, 0, ann), EXIT_DONE);
    CU_ASSERT_EQUAL_FATAL(ceremony_approve(restore, 1, bob), EXIT_DONE);
    CU_ASSERT_EQUAL(ASK3("domain", "restore", "--domain", domain, "--blob", domain, "--act", restore, "--approval", ann,
                         "--approval", bob),
                    EXIT_REFUSED);
    CU_ASSERT_EQUAL(ASK3("domain", "restore", "--domain", domain, "--blob", blob, "--act", restore, "--approval", ann),
                    EXIT_REFUSED);
    CU_ASSERT(says(said.err, "too few holders have approved"));
    CU_ASSERT_EQUAL(ASK3("domain", "restore", "--domain", domain, "--blob", blob, "--act", restore, "--approval", ann,
                         "--approval", bob),
                    EXIT_DONE);
    CU_ASSERT_EQUAL(ASK3("keystore", "status"), EXIT_DONE);
    CU_ASSERT(says(said.out, "keystore: operational"));
    CU_ASSERT(says(said.out, "domain     \"main\""));
    board_stop(&third);
}

static void reset_there(void)
{
    const char *reset = ceremony_path("reset.json");

    unlink(act);
    CU_ASSERT_EQUAL_FATAL(ASK2("keystore", "factory-reset", "--prepare", act), EXIT_DONE);
    CU_ASSERT(says(said.out, "DESTROY EVERY KEY"));
    CU_ASSERT_EQUAL_FATAL(ceremony_approve(act, 0, ann), EXIT_DONE);
    CU_ASSERT_EQUAL_FATAL(ceremony_approve(act, 1, bob), EXIT_DONE);
    CU_ASSERT_EQUAL(ASK2("keystore", "zeroise", "--destroy-all-keys", "--certificate-of-destruction", reset, "--act",
                         act, "--approval", ann, "--approval", bob),
                    EXIT_REFUSED); /* it was the other act */
    CU_ASSERT_NOT_EQUAL(access(reset, F_OK), 0);
    CU_ASSERT_EQUAL_FATAL(ASK2("keystore", "factory-reset", "--destroy-all-keys", "--certificate-of-destruction", reset,
                               "--act", act, "--approval", ann, "--approval", bob),
                          EXIT_DONE);
    CU_ASSERT_EQUAL(access(reset, R_OK), 0);
    CU_ASSERT_EQUAL(ASK2("keystore", "status"), EXIT_REFUSED); /* it has no owner */
}

int main(void)
{
    CU_TestInfo cases[] = {
        { "restored on another keystore by its holders' releases", restored_elsewhere },
        { "releases that are none", releases_that_are_none },
        { "restored by az's blob and the holders' approvals", restored_from_a_blob },
        { "reset, with a certificate of it", reset_there },
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = { { "recovery", set_up, tear_down, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
