/* provisioning/ceremony/domain_commands.c, keystore_*_commands.c, holder_commands.c and decommission_commands.c against
 * the real keystored: the ceremonies, one after the other. */
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "firmware/base/clock.h"
#include "provisioning/cli/moment.h"
#include "provisioning/cli/private_file.h"
#include "tests/unit/harness.h"
#include "tests/unit/provisioning/board.h"
#include "tests/unit/provisioning/ceremony.h"

static struct said said;
static struct board first;
static const char *act, *ann, *bob, *domain;

#define ASK(noun, verb, ...) BOARD_ASK(&said, &first, "owner", noun, verb __VA_OPT__(, ) __VA_ARGS__)

/* Prepare it, have two holders approve it, do it. */
#define BY_QUORUM(noun, verb, ...)                                                                                     \
    (unlink(act),                                                                                                      \
     ASK(noun, verb, "--prepare", act __VA_OPT__(, ) __VA_ARGS__) == EXIT_DONE &&                                      \
         ceremony_approve(act, 0, ann) == EXIT_DONE && ceremony_approve(act, 1, bob) == EXIT_DONE &&                   \
         ASK(noun, verb, "--act", act, "--approval", ann, "--approval", bob __VA_OPT__(, ) __VA_ARGS__) == EXIT_DONE)

static void make_identity(const char *name)
{
    char certificate[32], key[32];

    snprintf(certificate, sizeof certificate, "%s.pem", name);
    snprintf(key, sizeof key, "%s.key", name);
    INVARIANT(RUN(&said, "identity", "create", "--name", name, "--key", ceremony_path(key), "--certificate",
                  ceremony_path(certificate)) == EXIT_DONE);
}

static int set_up(void)
{
    act = ceremony_path("act.json");
    ann = ceremony_path("ann.json");
    bob = ceremony_path("bob.json");
    domain = ceremony_path("domain.json");
    make_identity("owner");
    make_identity("auditor");
    make_identity("sink");
    ceremony_holders();
    return board_start(&first, "first", ceremony_path("owner.pem")) ? 0 : 1;
}

static int tear_down(void)
{
    board_stop(&first);
    said_clear(&said);
    return 0;
}

/* "ann=PATH", valid until the eighth call after. */
static const char *holder(const char *name, const char *certificate)
{
    static char texts[8][300];
    static unsigned next;
    char *text = texts[next++ % ARRAY_LEN(texts)];

    snprintf(text, sizeof texts[0], "%s=%s", name, certificate);
    return text;
}

#define CREATE(required, a, b, c)                                                                                      \
    ASK("domain", "create", "--name", "main", "--required", required, "--holder", a, "--holder", b, "--holder", c)

static void holders_who_are_none(void)
{
    const char *a = holder("ann", ceremony_certificate(0)), *b = holder("bob", ceremony_certificate(1)),
               *c = holder("cid", ceremony_certificate(2));

    CU_ASSERT_EQUAL(ASK("domain", "create", "--name", "main", "--required", "2", "--holder", a, "--holder", b),
                    EXIT_USAGE);
    CU_ASSERT(says(said.err, "at least 3 holders"));
    CU_ASSERT_EQUAL(CREATE("4", a, b, c), EXIT_USAGE);
    CU_ASSERT(says(said.err, "4 of 3 holders can never agree"));
    CU_ASSERT_EQUAL(CREATE("1", a, b, c), EXIT_USAGE);
    CU_ASSERT_EQUAL(CREATE("two", a, b, c), EXIT_USAGE);
    CU_ASSERT_EQUAL(CREATE("2", a, b, holder("cid", ceremony_certificate(0))), EXIT_USAGE);
    CU_ASSERT(says(said.err, "ann and cid have the same key"));
    CU_ASSERT_EQUAL(CREATE("2", a, b, holder("ann", ceremony_certificate(2))), EXIT_USAGE);
    CU_ASSERT(says(said.err, "two holders have the name ann"));
    CU_ASSERT_EQUAL(CREATE("2", a, b, ceremony_certificate(2)), EXIT_USAGE);
    /* what the keystore would not take is said before it is asked: nobody is at that socket */
#define NOWHERE "--socket", "/nonexistent", "--certificate", "x", "--key", "x", "--keystore", "x"
    CU_ASSERT_EQUAL(RUN(&said, "domain", "create", NOWHERE, "--name", "_main", "--required", "2", "--holder", a,
                        "--holder", b, "--holder", c),
                    EXIT_USAGE);
    CU_ASSERT(says(said.err, "--name: \"_main\" is no name"));
    CU_ASSERT_EQUAL(RUN(&said, "domain", "create", NOWHERE, "--name", "main", "--required", "2", "--holder", a,
                        "--holder", b, "--holder", holder("c d", ceremony_certificate(2))),
                    EXIT_USAGE);
    CU_ASSERT(says(said.err, "--holder: \"c d\" is no name"));
    CU_ASSERT_EQUAL(
        RUN(&said, "keystore", "add-auditor", NOWHERE, "--name", "a\x1b", "--auditor", ceremony_certificate(0)),
        EXIT_USAGE);
    CU_ASSERT_EQUAL(RUN(&said, "keystore", "start-mode", NOWHERE, "--required", "1", "--operator", "no/one"),
                    EXIT_USAGE);
    CU_ASSERT_EQUAL(RUN(&said, "keystore", "unlock", NOWHERE, "--operator", ""), EXIT_USAGE);
    CU_ASSERT_EQUAL(RUN(&said, "keystore", "firmware-key", NOWHERE, "--public-key", ceremony_certificate(0)),
                    EXIT_REFUSED);
    CU_ASSERT(says(said.err, "another kind than P-256, P-384 or Ed25519"));
    CU_ASSERT_EQUAL(RUN(&said, "partition", "create", NOWHERE, "--name", "p", "--policy", "lax"), EXIT_USAGE);
    CU_ASSERT(says(said.err, "strict or compatible"));
    CU_ASSERT_EQUAL(RUN(&said, "partition", "create", NOWHERE, "--name", "p q"), EXIT_USAGE);
    CU_ASSERT_EQUAL(CREATE("2", a, b, holder("cid", ceremony_path("owner.pem"))), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "RSA key of 2,048 to 4,096 bits"));
}

static void the_first_domain(void)
{
    CU_ASSERT_EQUAL(ASK("domain", "export", "--out", domain), EXIT_REFUSED);
    CU_ASSERT_EQUAL(ASK("domain", "info"), EXIT_DONE);
    CU_ASSERT(says(said.out, "no security domain yet"));
    CU_ASSERT_EQUAL(ASK("keystore", "clock", "--time", "2031-01-01T00:00:00Z", "--prepare", act), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "the owner alone is enough"));
    CU_ASSERT_EQUAL_FATAL(ceremony_domain(&first, "main"), EXIT_DONE);
    CU_ASSERT_EQUAL(ASK("domain", "create", "--name", "again", "--required", "2", "--holder",
                        holder("ann", ceremony_certificate(0)), "--holder", holder("bob", ceremony_certificate(1)),
                        "--holder", holder("cid", ceremony_certificate(2))),
                    EXIT_REFUSED);
    CU_ASSERT_EQUAL(ASK("domain", "info", "--json"), EXIT_DONE);
    CU_ASSERT(says(said.out, "\"current\":{\"generation\":1,\"required\":2,\"holders\":[{\"name\":\"ann\""));
    CU_ASSERT(says(said.out, "\"pending\":null"));
    CU_ASSERT_EQUAL(ASK("domain", "confirm", "--domain", domain), EXIT_REFUSED); /* once is enough */
    CU_ASSERT(says(said.err, "no holders are pending"));
}

static void shares(void)
{
    const char *copy = ceremony_path("copy.json");
    struct bytes text = { 0 };

    for (size_t i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(RUN(&said, "holder", "check", "--domain", domain, "--certificate", ceremony_certificate(i),
                            "--key", ceremony_key(i)),
                        EXIT_DONE);
    CU_ASSERT(says(said.out, "2 of its 3 shares open the domain"));
    CU_ASSERT_EQUAL(RUN(&said, "holder", "check", "--domain", domain, "--certificate", ceremony_certificate(0), "--key",
                        ceremony_key(0), "--json"),
                    EXIT_DONE);
    CU_ASSERT(says(said.out, "\"opens\":true,\"required\":2,\"shares\":3,\"digest\":\""));
    CU_ASSERT_EQUAL(RUN(&said, "holder", "check", "--domain", domain, "--certificate", ceremony_certificate(3), "--key",
                        ceremony_key(3)),
                    EXIT_REFUSED);
    CU_ASSERT(says(said.err, "no share for this certificate"));
    read_file(domain, &text);
    CU_ASSERT_EQUAL_FATAL(file_create(copy, 0600, bytes_span(&text)), ST_OK);
    CU_ASSERT(ceremony_edit(copy, "\"required\":2", "\"required\":3"));
    CU_ASSERT_EQUAL(RUN(&said, "holder", "check", "--domain", copy, "--certificate", ceremony_certificate(0), "--key",
                        ceremony_key(0)),
                    EXIT_REFUSED);
    CU_ASSERT(says(said.err, "damaged"));
    CU_ASSERT_EQUAL(ASK("domain", "confirm", "--domain", copy), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "damaged"));
    CU_ASSERT_EQUAL(ASK("domain", "confirm", "--domain", ceremony_path("ann.pem")), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "no such file of a security domain"));
    bytes_clear(&text);
}

#define ADD_AUDITOR "keystore", "add-auditor", "--auditor", ceremony_path("auditor.pem"), "--name", "ada"
#define ASK_(...)   ASK(__VA_ARGS__)

static void approvals(void)
{
    CU_ASSERT_EQUAL(ASK_(ADD_AUDITOR), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "too few holders have approved"));
    unlink(act);
    CU_ASSERT_EQUAL(ASK_(ADD_AUDITOR, "--prepare", act, "--valid", "169"), EXIT_USAGE);
    CU_ASSERT_EQUAL(ASK_(ADD_AUDITOR, "--prepare", act, "--valid", "0"), EXIT_USAGE);
    CU_ASSERT_EQUAL(ASK_(ADD_AUDITOR, "--valid", "1"), EXIT_USAGE);
    CU_ASSERT_EQUAL_FATAL(ASK_(ADD_AUDITOR, "--prepare", act, "--valid", "168"), EXIT_DONE);
    CU_ASSERT(says(said.out, "Nothing is done yet"));
    CU_ASSERT_EQUAL(ASK_(ADD_AUDITOR, "--prepare", act), EXIT_REFUSED); /* nothing is replaced */
    CU_ASSERT_EQUAL_FATAL(ceremony_approve(act, 0, ann), EXIT_DONE);
    CU_ASSERT_EQUAL_FATAL(ceremony_approve(act, 1, bob), EXIT_DONE);
    CU_ASSERT_EQUAL(ASK_(ADD_AUDITOR, "--act", act, "--prepare", act), EXIT_USAGE);
    CU_ASSERT_EQUAL(ASK_(ADD_AUDITOR, "--act", act, "--approval", ann), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "too few holders have approved"));
    CU_ASSERT_EQUAL(ASK("keystore", "add-auditor", "--auditor", ceremony_path("auditor.pem"), "--name", "eve", "--act",
                        act, "--approval", ann, "--approval", bob),
                    EXIT_REFUSED);
    CU_ASSERT(says(said.err, "this act is another one"));
    CU_ASSERT_EQUAL(ASK_(ADD_AUDITOR, "--act", act, "--approval", ann, "--approval", bob), EXIT_DONE);
    CU_ASSERT_EQUAL(BOARD_ASK(&said, &first, "auditor", "keystore", "status"), EXIT_DONE);
    CU_ASSERT_PTR_NULL(strstr(said.out, "quorum"));
    CU_ASSERT_EQUAL(BOARD_ASK(&said, &first, "auditor", "keystore", "self-test"), EXIT_REFUSED);
}

/* An act that was done takes its approvals with it, and those of every act prepared before. */
static void approvals_are_used_up(void)
{
    const char *later = ceremony_path("later.json"), *a = ceremony_path("a.json"), *b = ceremony_path("b.json");

#define REMOVE "keystore", "remove-auditor", "--auditor", ceremony_path("auditor.pem"), "--name", "ada"
    CU_ASSERT_EQUAL_FATAL(ASK_(REMOVE, "--prepare", later), EXIT_DONE);
    CU_ASSERT_EQUAL_FATAL(ceremony_approve(later, 0, a), EXIT_DONE);
    CU_ASSERT_EQUAL_FATAL(ceremony_approve(later, 1, b), EXIT_DONE);
    CU_ASSERT(
        BY_QUORUM("keystore", "audit-sink", "--address", "audit.example:6514", "--peer", ceremony_path("sink.pem")));
    CU_ASSERT_EQUAL(ASK_(REMOVE, "--act", later, "--approval", a, "--approval", b), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "for another act number"));
    unlink(later);
    CU_ASSERT_EQUAL_FATAL(ASK_(REMOVE, "--prepare", later), EXIT_DONE);
    CU_ASSERT_EQUAL_FATAL(ceremony_approve(later, 0, a), EXIT_DONE);
    CU_ASSERT_EQUAL_FATAL(ceremony_approve(later, 1, b), EXIT_DONE);
    CU_ASSERT_EQUAL(ASK_(REMOVE, "--act", later, "--approval", a, "--approval", b), EXIT_DONE);
    CU_ASSERT_EQUAL(BOARD_ASK(&said, &first, "auditor", "keystore", "status"), EXIT_REFUSED);
}

static void settings(void)
{
    char time[MOMENT_LEN + 1];

    CU_ASSERT_EQUAL(ASK("domain", "info"), EXIT_DONE);
    CU_ASSERT(says(said.out, "audit sink    \"audit.example:6514\", key "));
    CU_ASSERT_EQUAL(ASK("keystore", "audit-sink", "--none", "--address", "x"), EXIT_USAGE);
    CU_ASSERT_EQUAL(ASK("keystore", "audit-sink", "--address", "x"), EXIT_USAGE);
    CU_ASSERT(BY_QUORUM("keystore", "audit-sink", "--none"));
    CU_ASSERT(BY_QUORUM("keystore", "firmware-key", "--public-key", ceremony_path("sink.pem")));
    CU_ASSERT_EQUAL(ASK("keystore", "firmware-key", "--public-key", ceremony_path("sink.key")), EXIT_REFUSED);
    CU_ASSERT_EQUAL(ASK("keystore", "clock", "--time", "now"), EXIT_DONE);
    CU_ASSERT_EQUAL(ASK("keystore", "clock", "--time", "now", "--prepare", act), EXIT_USAGE);
    CU_ASSERT_EQUAL(ASK("keystore", "clock", "--time", "2031-02-30T00:00:00Z"), EXIT_USAGE);
    CU_ASSERT_EQUAL(ASK("keystore", "clock", "--time", "2031-01-01T00:00:00Z"), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "too few holders have approved"));
    moment_format(((uint64_t)clock_unix_s() + 3600) * 1000, time);
    CU_ASSERT(BY_QUORUM("keystore", "clock", "--time", time));
    moment_format((uint64_t)clock_unix_s() * 1000, time);
    CU_ASSERT(BY_QUORUM("keystore", "clock", "--time", time));
}

static void attended_start(void)
{
#define BY_QUORUM_(...) BY_QUORUM(__VA_ARGS__)
    const char *one = ceremony_path("one.pass"), *two = ceremony_path("two.pass");

    CU_ASSERT_EQUAL_FATAL(file_create(one, 0600, span_text("the first passphrase\n")), ST_OK);
    CU_ASSERT_EQUAL_FATAL(file_create(two, 0600, span_text("short")), ST_OK);
#define ATTENDED                                                                                                       \
    "keystore", "start-mode", "--required", "2", "--operator", "eins", "--operator", "zwei",                           \
        "--operator-passphrase-file", one, "--operator-passphrase-file", two
    CU_ASSERT_EQUAL(ASK_(ATTENDED), EXIT_REFUSED); /* before anybody types */
    CU_ASSERT(says(said.err, "too few holders have approved"));
    CU_ASSERT_EQUAL(ASK_(ATTENDED, "--valid", "1"), EXIT_USAGE);
    unlink(act);
    CU_ASSERT_EQUAL_FATAL(ASK("keystore", "start-mode", "--unattended", "--prepare", act), EXIT_DONE);
    CU_ASSERT_EQUAL(ASK_(ATTENDED, "--act", act), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "this act is another one"));
    CU_ASSERT(BY_QUORUM_(ATTENDED) == false);
    CU_ASSERT(says(said.err, "a passphrase has 8 to 255 bytes"));
    CU_ASSERT_EQUAL(unlink(two), 0);
    CU_ASSERT_EQUAL_FATAL(file_create(two, 0600, span_text("the second passphrase\n")), ST_OK);
    CU_ASSERT_EQUAL(ASK("keystore", "start-mode"), EXIT_USAGE);
    CU_ASSERT_EQUAL(ASK("keystore", "start-mode", "--unattended", "--required", "1"), EXIT_USAGE);
    CU_ASSERT_EQUAL(ASK("keystore", "start-mode", "--required", "2", "--operator", "eins"), EXIT_USAGE);
    CU_ASSERT_EQUAL(ASK("keystore", "start-mode", "--required", "1", "--operator", "x", "--operator", "x"), EXIT_USAGE);
    CU_ASSERT_FATAL(BY_QUORUM_(ATTENDED));
    CU_ASSERT(says(said.out, "waits for 2 of 2 operators"));
    board_stop(&first);
    CU_ASSERT_FATAL(board_start(&first, "first", NULL));
    CU_ASSERT_EQUAL(ASK("keystore", "status"), EXIT_DONE);
    CU_ASSERT(says(said.out, "LOCKED"));
    CU_ASSERT_EQUAL(ASK("keystore", "unlock", "--operator", "eins", "--operator-passphrase-file", two), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "the passphrase is wrong"));
    CU_ASSERT_EQUAL(ASK("keystore", "unlock", "--operator", "drei", "--operator-passphrase-file", two), EXIT_REFUSED);
    CU_ASSERT_EQUAL(ASK("keystore", "unlock", "--operator", "eins", "--operator-passphrase-file", one), EXIT_DONE);
    CU_ASSERT(says(said.out, "1 of the 2 operators it takes are there: it is still locked"));
    CU_ASSERT_EQUAL(ASK("keystore", "unlock", "--operator", "zwei", "--operator-passphrase-file", two), EXIT_DONE);
    CU_ASSERT(says(said.out, "unlocked"));
    CU_ASSERT(BY_QUORUM("keystore", "start-mode", "--unattended"));
    CU_ASSERT_EQUAL(ASK("keystore", "status"), EXIT_DONE);
    CU_ASSERT(says(said.out, "start      unattended"));
}

static void allow_files_of(rlim_t len)
{
    struct rlimit limit;

    INVARIANT(signal(SIGXFSZ, SIG_IGN) != SIG_ERR && getrlimit(RLIMIT_FSIZE, &limit) == 0);
    limit.rlim_cur = len < limit.rlim_max ? len : limit.rlim_max;
    INVARIANT(setrlimit(RLIMIT_FSIZE, &limit) == 0);
}

static void exported_again(void)
{
#define EXPORT_APPROVED ASK("domain", "export", "--out", again, "--act", act, "--approval", ann, "--approval", bob)
    const char *again = ceremony_path("again.json");

    CU_ASSERT_EQUAL(ASK("domain", "export", "--out", again), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "too few holders have approved"));
    CU_ASSERT_NOT_EQUAL(access(again, F_OK), 0);
    CU_ASSERT_EQUAL(ASK("domain", "export"), EXIT_USAGE);
    CU_ASSERT_EQUAL(ASK("domain", "export", "--out", domain), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "exists already"));
    unlink(act);
    CU_ASSERT_EQUAL_FATAL(ASK("domain", "export", "--prepare", act), EXIT_DONE);
    CU_ASSERT_EQUAL_FATAL(ceremony_approve(act, 0, ann), EXIT_DONE);
    CU_ASSERT_EQUAL_FATAL(ceremony_approve(act, 1, bob), EXIT_DONE);
    allow_files_of(1024); /* a full disk costs no approvals */
    CU_ASSERT_EQUAL(EXPORT_APPROVED, EXIT_REFUSED);
    allow_files_of(RLIM_INFINITY);
    CU_ASSERT(says(said.err, "again.json: there is no room"));
    CU_ASSERT_NOT_EQUAL(access(again, F_OK), 0);
    CU_ASSERT_EQUAL(EXPORT_APPROVED, EXIT_DONE);
    CU_ASSERT_EQUAL(RUN(&said, "holder", "check", "--domain", again, "--certificate", ceremony_certificate(2), "--key",
                        ceremony_key(2)),
                    EXIT_DONE);
}

/* --- other holders --- */

static void other_holders(void)
{
    const char *file = ceremony_path("domain2.json");

    CU_ASSERT_FATAL(BY_QUORUM("domain", "change", "--required", "2", "--holder", holder("bob", ceremony_certificate(1)),
                              "--holder", holder("cid", ceremony_certificate(2)), "--holder",
                              holder("dan", ceremony_certificate(3))));
    CU_ASSERT_EQUAL(ASK("domain", "info"), EXIT_DONE);
    CU_ASSERT(says(said.out, "holders PENDING"));
    CU_ASSERT_EQUAL(ASK("domain", "confirm", "--domain", domain), EXIT_REFUSED);
    CU_ASSERT(BY_QUORUM("keystore", "audit-sink", "--none")); /* the old ones still approve */
    CU_ASSERT_EQUAL_FATAL(ASK("domain", "export", "--out", file), EXIT_DONE);
    CU_ASSERT_EQUAL_FATAL(ASK("domain", "confirm", "--domain", file), EXIT_DONE);
    unlink(act);
    CU_ASSERT_EQUAL_FATAL(ASK("keystore", "audit-sink", "--none", "--prepare", act), EXIT_DONE);
    CU_ASSERT_EQUAL(RUN(&said, "act", "approve", "--yes", "--act", act, "--certificate", ceremony_certificate(0),
                        "--key", ceremony_key(0), "--out", ceremony_path("x.json")),
                    EXIT_REFUSED); /* ann is a holder no more */
    CU_ASSERT_EQUAL_FATAL(ceremony_approve(act, 3, ann), EXIT_DONE);
    CU_ASSERT_EQUAL_FATAL(ceremony_approve(act, 1, bob), EXIT_DONE);
    CU_ASSERT_EQUAL(ASK("keystore", "audit-sink", "--none", "--act", act, "--approval", ann, "--approval", bob),
                    EXIT_DONE);
}

static void another_owner(void)
{
    make_identity("owner2");
    unlink(act);
#define NEW_OWNER "keystore", "set-owner", "--owner", ceremony_path("owner2.pem")
    CU_ASSERT_EQUAL_FATAL(ASK_(NEW_OWNER, "--prepare", act), EXIT_DONE);
    CU_ASSERT_EQUAL_FATAL(ceremony_approve(act, 3, ann), EXIT_DONE);
    CU_ASSERT_EQUAL_FATAL(ceremony_approve(act, 1, bob), EXIT_DONE);
    CU_ASSERT_EQUAL_FATAL(ASK_(NEW_OWNER, "--act", act, "--approval", ann, "--approval", bob), EXIT_DONE);
    CU_ASSERT_EQUAL(ASK("keystore", "status"), EXIT_REFUSED);
    CU_ASSERT_EQUAL(BOARD_ASK(&said, &first, "owner2", "keystore", "status"), EXIT_DONE);
}

/* --- the end --- */

static void zeroised(void)
{
    unlink(act);
#define ASK1(...) BOARD_ASK(&said, &first, "owner2", __VA_ARGS__)
    CU_ASSERT_EQUAL_FATAL(ASK1("keystore", "zeroise", "--prepare", act), EXIT_DONE);
    CU_ASSERT_EQUAL_FATAL(ceremony_approve(act, 3, ann), EXIT_DONE);
    CU_ASSERT_EQUAL_FATAL(ceremony_approve(act, 1, bob), EXIT_DONE);
    CU_ASSERT_EQUAL_FATAL(ASK1("keystore", "zeroise", "--destroy-all-keys", "--certificate-of-destruction",
                               ceremony_path("zeroised.json"), "--act", act, "--approval", ann, "--approval", bob),
                          EXIT_DONE);
    CU_ASSERT_EQUAL(ASK1("keystore", "status"), EXIT_DONE);
    CU_ASSERT(says(said.out, "keystore: zeroised"));
}

/* --- a keystore of its own, whose operators are guessed at --- */

static void operators_locked_out(void)
{
    const char *pass = ceremony_path("guessed.pass"), *wrong = ceremony_path("wrong.pass");
    struct board second;

    CU_ASSERT_EQUAL_FATAL(file_create(pass, 0600, span_text("the only passphrase")), ST_OK);
    CU_ASSERT_EQUAL_FATAL(file_create(wrong, 0600, span_text("another passphrase")), ST_OK);
    CU_ASSERT_FATAL(board_start(&second, "second", ceremony_path("owner.pem")));
    CU_ASSERT_EQUAL_FATAL(ceremony_domain(&second, "second"), EXIT_DONE);
    unlink(act);
#define ASK2(...) BOARD_ASK(&said, &second, "owner", __VA_ARGS__)
#define GUESSED   "keystore", "start-mode", "--required", "1", "--operator", "eins", "--operator-passphrase-file", pass
    CU_ASSERT_EQUAL_FATAL(ASK2(GUESSED, "--prepare", act), EXIT_DONE);
    CU_ASSERT_EQUAL_FATAL(ceremony_approve(act, 0, ann), EXIT_DONE);
    CU_ASSERT_EQUAL_FATAL(ceremony_approve(act, 1, bob), EXIT_DONE);
    CU_ASSERT_EQUAL_FATAL(ASK2(GUESSED, "--act", act, "--approval", ann, "--approval", bob), EXIT_DONE);
    board_stop(&second);
    CU_ASSERT_FATAL(board_start(&second, "second", NULL));
    CU_ASSERT_EQUAL(ASK2("keystore", "status", "--json"), EXIT_DONE);
    CU_ASSERT(says(said.out, "\"locked\":true,\"attended\":true,\"passphrasesLocked\":false"));
    for (unsigned i = 0; i < UNLOCK_TRIES_MAX; i++)
        CU_ASSERT_EQUAL(ASK2("keystore", "unlock", "--operator", "eins", "--operator-passphrase-file", wrong),
                        EXIT_REFUSED);
    CU_ASSERT(says(said.err, "too many wrong passphrases"));
    CU_ASSERT_EQUAL(ASK2("keystore", "status", "--json"), EXIT_DONE);
    CU_ASSERT(says(said.out, "\"passphrasesLocked\":true"));
    CU_ASSERT_EQUAL(ASK2("keystore", "status"), EXIT_DONE);
    CU_ASSERT(says(said.out, "the holders alone open it"));
    board_stop(&second);
}

int main(void)
{
    CU_TestInfo cases[] = {
        { "holders who are none", holders_who_are_none },
        { "the first domain: made, exported, confirmed", the_first_domain },
        { "each holder's share opens, and no edited file does", shares },
        { "an act takes the quorum's approvals, of just that act", approvals },
        { "an act that is done uses up the approvals of all before it", approvals_are_used_up },
        { "audit sink, firmware key, clock", settings },
        { "an attended start waits for its operators", attended_start },
        { "the file is exported again by the quorum alone", exported_again },
        { "other holders, once their file is confirmed", other_holders },
        { "another owner", another_owner },
        { "zeroised, with a certificate of it", zeroised },
        { "ten wrong passphrases, and the status says so", operators_locked_out },
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = { { "ceremonies", set_up, tear_down, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
