/* provisioning/ceremony/act_commands.c, act_do.c and holder.c: what holders sign, and what a command then sends. */
#include <unistd.h>

#include "provisioning/ceremony/act_do.h"
#include "provisioning/ceremony/holder.h"
#include "service/json/json.h"
#include "tests/unit/harness.h"
#include "tests/unit/provisioning/ceremony.h"
#include "tests/unit/provisioning/pty.h"
#include "tests/unit/provisioning/session.h"

static struct said said;
static uint8_t fingerprint[LINK_FINGERPRINT_LEN] = { 0xab };

static Ks__RoleSet role_set(void)
{
    Ks__RoleSet m = KS__ROLE_SET__INIT;
    static char name[] = "new owner";

    m.role = PEER_OWNER;
    m.fingerprint = (ProtobufCBinaryData){ sizeof fingerprint, fingerprint };
    m.name = name;
    return m;
}

static const char *role_act(void)
{
    Ks__RoleSet m = role_set();

    return ceremony_act_file("role.act", MESSAGE_ROLE_SET, &m.base);
}

static int set_up(void)
{
    ceremony_holders();
    return 0;
}

static int tear_down(void)
{
    said_clear(&said);
    return 0;
}

/* One object, and nothing else. */
static bool is_json(const char *text)
{
    json_t *tree;

    if (json_read_object(span_text(text), JSON_BODY_MAX, &tree) != ST_OK)
        return false;
    json_decref(tree);
    return true;
}

static void approved_and_verified(void)
{
    const char *act = role_act(), *ann = ceremony_path("ann.json"), *bob = ceremony_path("bob.json");

    CU_ASSERT_EQUAL_FATAL(ceremony_approve(act, 0, ann), EXIT_DONE);
    CU_ASSERT_EQUAL_FATAL(ceremony_approve(act, 1, bob), EXIT_DONE);
    CU_ASSERT_EQUAL(RUN(&said, "act", "verify", "--act", act, "--approval", ann, "--approval", bob), EXIT_DONE);
    CU_ASSERT(says(said.out, "2 of the 2 approvals it takes are there and good"));
    CU_ASSERT_EQUAL(RUN(&said, "act", "verify", "--json", "--act", act, "--approval", ann, "--approval", bob),
                    EXIT_DONE);
    CU_ASSERT(says(said.out, "\"kind\":\"role-set\"") && says(said.out, "\"enough\":true") &&
              says(said.out, "\"approvedBy\":[\"") && is_json(said.out));
    CU_ASSERT_EQUAL(RUN(&said, "act", "verify", "--json", "--act", act, "--approval", ann), EXIT_REFUSED);
    CU_ASSERT(says(said.out, "\"enough\":false") && is_json(said.out));
    CU_ASSERT_EQUAL(RUN(&said, "act", "show", "--json", "--act", act), EXIT_DONE);
    CU_ASSERT(says(said.out, "\"words\":\"Make this key the owner") && says(said.out, "\"expired\":false") &&
              says(said.out, "\"sequence\":42") && is_json(said.out));
    CU_ASSERT_EQUAL(RUN(&said, "act", "verify", "--act", act, "--approval", ann), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "too few"));
    CU_ASSERT_EQUAL(RUN(&said, "act", "verify", "--act", act, "--approval", ann, "--approval", ann), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "there twice"));
    CU_ASSERT(ceremony_edit(act, "\"sequence\":42", "\"sequence\":43"));
    CU_ASSERT_EQUAL(RUN(&said, "act", "verify", "--act", act, "--approval", ann), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "for another act"));
    CU_ASSERT(ceremony_edit(act, "\"sequence\":43", "\"sequence\":42"));
    CU_ASSERT(ceremony_edit(act, "\"generation\":7", "\"generation\":8"));
    CU_ASSERT_EQUAL(RUN(&said, "act", "verify", "--act", act, "--approval", ann), EXIT_REFUSED);
    /* members that are for people alone change nothing */
    CU_ASSERT(ceremony_edit(act, "\"generation\":8", "\"generation\":7"));
    CU_ASSERT(ceremony_edit(act, "for people", "harmless"));
    CU_ASSERT_EQUAL(RUN(&said, "act", "verify", "--act", act, "--approval", ann, "--approval", bob), EXIT_DONE);
    CU_ASSERT_PTR_NULL(strstr(said.out, "harmless"));
}

static void who_does_not_approve(void)
{
    const char *act = role_act(), *out = ceremony_path("none.json");

    CU_ASSERT_EQUAL(RUN(&said, "act", "approve", "--yes", "--act", act, "--certificate", ceremony_certificate(3),
                        "--key", ceremony_key(3), "--out", out),
                    EXIT_REFUSED);
    CU_ASSERT(says(said.err, "not the certificate of a holder"));
    CU_ASSERT_EQUAL(RUN(&said, "act", "approve", "--yes", "--act", act, "--certificate", ceremony_certificate(0),
                        "--key", ceremony_key(1), "--out", out),
                    EXIT_REFUSED);
    CU_ASSERT(says(said.err, "do not belong together"));
    CU_ASSERT(ceremony_edit(act, "\"expires\":\"2", "\"expires\":\"1"));
    CU_ASSERT_EQUAL(RUN(&said, "act", "approve", "--yes", "--act", act, "--certificate", ceremony_certificate(0),
                        "--key", ceremony_key(0), "--out", out),
                    EXIT_REFUSED);
    CU_ASSERT_NOT_EQUAL(access(out, F_OK), 0);
}

/* As a holder whose standard output is a pipe: he reads the act where he types. */
static int approve_by_hand(void *arg)
{
    const char *const words[] = { "act",
                                  "approve",
                                  "--act",
                                  arg,
                                  "--certificate",
                                  ceremony_certificate(0),
                                  "--key",
                                  ceremony_key(0),
                                  "--out",
                                  ceremony_path("hand.json"),
                                  NULL };
    FILE *out = fopen("/dev/null", "we");

    INVARIANT(out != NULL);
    return session_run_to(strongroom_nouns, strongroom_noun_count, words, out, stderr);
}

static void read_where_it_is_approved(void)
{
    const char *act = role_act();
    struct pty terminal;

    pty_start(&terminal, approve_by_hand, (void *)(uintptr_t)act);
    CU_ASSERT(pty_await(&terminal, "Make this key the owner of the keystore"));
    CU_ASSERT(pty_await(&terminal, "Its name is"));
    CU_ASSERT(pty_await(&terminal, "to go on: "));
    pty_type(&terminal, "approve\n");
    CU_ASSERT_EQUAL(pty_end(&terminal), EXIT_DONE);
    CU_ASSERT_EQUAL(access(ceremony_path("hand.json"), F_OK), 0);
    pty_clear(&terminal);
}

static void edited_approvals(void)
{
    static const char *const edits[][2] = {
        { "\"version\":1", "\"version\":1,\"act\":\"\"" },
        { "\"kind\":\"approval\"", "\"kind\":\"release\"" },
        { "\"signature\":\"", "\"signature\":\"AAAA" },
        { "\"certificate\":\"MII", "\"certificate\":\"MIJ" },
        { "\"holder\":\"", "\"holder\":\"00" },
        { "\"name\":\"ann\",", "" },
    };
    const char *act = role_act();
    char path[256];

    snprintf(path, sizeof path, "%s", ceremony_path("edited.json"));
    for (size_t i = 0; i < ARRAY_LEN(edits); i++) {
        CU_ASSERT_EQUAL_FATAL(ceremony_approve(act, 0, path), EXIT_DONE);
        CU_ASSERT(ceremony_edit(path, edits[i][0], edits[i][1]));
        CU_ASSERT_EQUAL(RUN(&said, "act", "verify", "--act", act, "--approval", path), EXIT_REFUSED);
        CU_ASSERT_PTR_NULL(strstr(said.err, "too few"));
    }
}

/* The certificate of one with the signature of another. */
static void of_another_holder(void)
{
    struct approval a = { 0 }, b = { 0 };
    const char *act = role_act(), *ann = ceremony_path("ann.json"), *bob = ceremony_path("bob.json");
    struct act_file file = { 0 };

    CU_ASSERT_EQUAL_FATAL(ceremony_approve(act, 0, ann), EXIT_DONE);
    CU_ASSERT_EQUAL_FATAL(ceremony_approve(act, 1, bob), EXIT_DONE);
    CU_ASSERT_EQUAL_FATAL(approval_read(ceremony_invocation(), ann, &a), EXIT_DONE);
    CU_ASSERT_EQUAL_FATAL(approval_read(ceremony_invocation(), bob, &b), EXIT_DONE);
    CU_ASSERT_EQUAL_FATAL(act_file_read(ceremony_invocation(), act, &file), EXIT_DONE);
    CU_ASSERT(holder_approved(&file, &a));
    CU_ASSERT_EQUAL(bytes_set(&a.signature, bytes_span(&b.signature)), ST_OK);
    CU_ASSERT_FALSE(holder_approved(&file, &a));
    CU_ASSERT(holder_approved(&file, &b));
    memcpy(b.holder, a.holder, sizeof b.holder); /* his own certificate and signature, in another's name */
    CU_ASSERT_FALSE(holder_approved(&file, &b));
    approval_clear(&a);
    approval_clear(&b);
    act_file_clear(&file);
}

/* Well-formed, for this act, and signed by nobody. */
static const char *unsigned_approval(const char *act)
{
    const char *path = ceremony_path("unsigned.json");
    struct approval a = { 0 };

    CU_ASSERT_EQUAL_FATAL(ceremony_approve(act, 1, path), EXIT_DONE);
    CU_ASSERT_EQUAL_FATAL(approval_read(ceremony_invocation(), path, &a), EXIT_DONE);
    a.signature.p[100] ^= 1;
    CU_ASSERT_EQUAL_FATAL(unlink(path), 0);
    CU_ASSERT_EQUAL_FATAL(approval_write(ceremony_invocation(), path, &a), EXIT_DONE);
    approval_clear(&a);
    return path;
}

/* --- what a command sends --- */

static const Ks__Authorisation *sent;
static Ks__RoleSet request;

static int run_attach(struct invocation *in)
{
    int code = act_begin(in);

    request = role_set();
    if (command_given(in, "remove"))
        request.remove = true;
    if (code == EXIT_DONE)
        code = act_attach(in, MESSAGE_ROLE_SET, &request.base);
    sent = request.authorisation;
    return code;
}

static const struct verb_option do_options[] = { ACT_OPTIONS, { "remove", NULL, false, false, "another act" }, { 0 } };
static const struct verb do_verbs[] = { { "do", "an act", NULL, false, true, do_options, run_attach }, { 0 } };
static const struct noun do_nouns[] = { { "x", "a noun", do_verbs } };

#define DO(...) session_run(do_nouns, 1, (const char *const[]){ "x", "do", __VA_ARGS__ __VA_OPT__(, ) NULL }, &said)

static void attached(void)
{
    const char *act = role_act(), *ann = ceremony_path("ann.json"), *bob = ceremony_path("bob.json");

    CU_ASSERT_EQUAL_FATAL(ceremony_approve(act, 0, ann), EXIT_DONE);
    CU_ASSERT_EQUAL_FATAL(ceremony_approve(act, 1, bob), EXIT_DONE);
    CU_ASSERT_EQUAL_FATAL(DO("--act", act, "--approval", ann, "--approval", bob), EXIT_DONE);
    CU_ASSERT_PTR_NOT_NULL_FATAL(sent);
    CU_ASSERT_EQUAL(sent->sequence, 42);
    CU_ASSERT_EQUAL(sent->n_approvals, 2);
    CU_ASSERT_EQUAL(sent->approvals[1]->signature.len, 256);
    CU_ASSERT_EQUAL(DO("--act", act), EXIT_DONE); /* the keystore says that they are too few */
    CU_ASSERT_EQUAL(sent->n_approvals, 0);
    CU_ASSERT_EQUAL(session_run(do_nouns, 1, (const char *const[]){ "x", "do", NULL }, &said), EXIT_DONE);
    CU_ASSERT_PTR_NULL(sent);
}

static void not_attached(void)
{
    const char *act = role_act(), *ann = ceremony_path("ann.json"), *other, *others;
    Ks__Decommission m = KS__DECOMMISSION__INIT;

    CU_ASSERT_EQUAL_FATAL(ceremony_approve(act, 0, ann), EXIT_DONE);
    CU_ASSERT_EQUAL(DO("--approval", ann), EXIT_USAGE);
    CU_ASSERT_EQUAL(DO("--act", act, "--approval", ann, "--remove"), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "this act is another one"));
    CU_ASSERT_PTR_NULL(sent);
    CU_ASSERT_EQUAL(DO("--act", act, "--approval", ann, "--approval", ann), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "given twice"));
    CU_ASSERT_EQUAL(DO("--act", act, "--approval", ann, "--approval", unsigned_approval(act)), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "the approval of \"bob\" is not signed by him over this act"));
    CU_ASSERT_EQUAL(RUN(&said, "act", "verify", "--act", act, "--approval", unsigned_approval(act)), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "the signature is not over this act"));
    other = ceremony_act_file("other.act", MESSAGE_ZEROISE, &m.base);
    CU_ASSERT_EQUAL(DO("--act", other, "--approval", ann), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "this act is another one: \"zeroise\""));
    others = ceremony_path("others.json");
    CU_ASSERT_EQUAL_FATAL(ceremony_approve(other, 1, others), EXIT_DONE);
    CU_ASSERT_EQUAL(DO("--act", act, "--approval", ann, "--approval", others), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "the approval of \"bob\" is for another act"));
    CU_ASSERT_PTR_NULL(sent);
}

int main(void)
{
    CU_TestInfo approvals[] = {
        { "approved and verified; an edited act is another one", approved_and_verified },
        { "strangers, other keys and old acts", who_does_not_approve },
        { "an act is read on the terminal where it is approved", read_where_it_is_approved },
        { "edited approvals", edited_approvals },
        { "the signature of another holder", of_another_holder },
        { "attached to the request that was approved", attached },
        { "not attached to any other", not_attached },
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        { "approvals", set_up, tear_down, NULL, NULL, approvals },
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
