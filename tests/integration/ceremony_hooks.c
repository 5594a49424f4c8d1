#include "tests/integration/ceremony_hooks.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "firmware/wire/act.h"
#include "tests/integration/ceremony_board.h"
#include "tests/integration/ceremony_cli.h"
#include "tests/integration/ceremony_proof.h"
#include "tests/integration/ceremony_state.h"

#define LABEL      "work"
#define TRIES_MAX  10 /* UNLOCK_TRIES_MAX of the keystore */
#define LINK_TRIES 5
#define OPERATORS                                                                                                      \
    "--operator anna --operator bert --operator carl --operator-passphrase-file ../anna --operator-passphrase-file "   \
    "../bert --operator-passphrase-file ../carl"
#define NONCE "6f1d3c5a9b8e47021d3f5a7c9e0b2d4f"

static bool does(const char *words)
{
    return cli_run(words, NULL) == 0;
}

/* ---- the domain ---- */

const char *prove_domain(void)
{
    return proof_holds(LABEL, "../pin", "../proof") ? NULL : "the domain does not work";
}

/* From nothing to a key. */
const char *prove_new_domain(void)
{
    if (!does("partition create --name work --identity ../client.pem") || !does("token init --config site.conf"))
        return "the new domain takes no partition";
    if (!proof_make(LABEL, "out/pin", "out/proof"))
        return "the new partition takes no keys";
    return proof_holds(LABEL, "out/pin", "out/proof") ? NULL : "the new domain does not work";
}

/* ---- the start ---- */

const char *prove_attended(void)
{
    board_kill();
    if (!board_start(NULL, NULL) || !state_is("provisioned"))
        return "it starts unattended";
    if (!does("keystore unlock --operator anna --operator-passphrase-file ../anna") ||
        !does("keystore unlock --operator carl --operator-passphrase-file ../carl"))
        return "its operators do not open it";
    if (does("keystore start-mode --required 2 " OPERATORS
             " --act act-0.json --approval act-0-one.json --approval act-0-two.json"))
        return "approvals are good twice";
    return prove_domain();
}

const char *prove_unattended(void)
{
    board_kill();
    return board_start(NULL, NULL) && state_is("operational") ? prove_domain() : "it does not start by itself";
}

/* One wrong try: 1 it is counted, 2 and the door is closed; 0 something else was said. Where the machine is so slow
 * that the link does not come about in time, nothing was tried. */
static int try_wrong(struct bytes *said)
{
    for (unsigned i = 0; i < LINK_TRIES; i++) {
        if (cli_run("keystore unlock --operator anna --operator-passphrase-file ../wrong", said) != 1)
            return 0;
        if (strstr(bytes_text(said), "no link with the keystore") == NULL)
            break;
    }
    if (strstr(bytes_text(said), "only the holders") != NULL)
        return 2;
    return strstr(bytes_text(said), "the passphrase is wrong") != NULL ? 1 : 0;
}

/* Wrong ones until the door is closed: with those that were answered before the kill there are no more than ten, and no
 * fewer but for the one that was under way. */
const char *judge_tries(unsigned answered, bool pending)
{
    struct bytes said = { 0 };
    unsigned more = 0;
    int got = 1;

    while (got == 1 && more <= TRIES_MAX)
        if ((got = try_wrong(&said)) > 0)
            more++;
    if (got != 2)
        printf("after %u tries: %s\n", more, bytes_text(&said));
    bytes_clear(&said);
    if (got != 2)
        return "wrong passphrases do not close the door";
    if (answered + more != TRIES_MAX && answered + more + pending != TRIES_MAX)
        printf("%u tries were answered before the kill%s, %u after it\n", answered, pending ? " and one was not" : "",
               more);
    if (answered + more > TRIES_MAX)
        return "a try that was answered is not counted";
    if (answered + more + pending < TRIES_MAX)
        return "more tries are counted than there were";
    return does("keystore unlock --operator anna --operator-passphrase-file ../anna")
               ? "the right passphrase opens a closed door"
               : NULL;
}

const char *prove_recovered(void)
{
    return does("domain restore --domain ../domain.json --act ../recover.json --release ../recover-one.json --release "
                "../recover-two.json")
               ? prove_domain()
               : "the holders do not open it";
}

bool observe_auditor(struct bytes *text)
{
    bool may = does("keystore status --certificate ../auditor.pem --key ../auditor.key");

    bytes_append_text(text, may ? "an auditor\n" : "no auditor\n");
    return true;
}

/* ---- PINs ---- */

static const char *which_opens(const char *const files[], bool so)
{
    for (size_t i = 0; files[i] != NULL; i++)
        if (proof_opens(LABEL, files[i], so))
            return files[i];
    return "none";
}

bool observe_pins(struct bytes *text)
{
    static const char *const user[] = { "../pin", "../pin-b", "../pin-c", NULL };
    static const char *const so[] = { "../so-pin", "../so-pin-b", NULL };

    bytes_printf(text, "user %s\n", which_opens(user, false));
    bytes_printf(text, "so %s\n", which_opens(so, true));
    return true;
}

const char *prove_unlocked_pin(void)
{
    return proof_holds(LABEL, "../pin-c", "../proof") ? NULL : "the domain does not work";
}

bool prepare_rotation(void)
{
    static const char *const copy[] = { "install", "-m", "0400", "../pin", "out/pin", NULL };

    return cli_tool(copy);
}

const char *judge_rotation(unsigned answered, bool pending)
{
    static const char *const files[] = { "out/pin", "out/pin.new", NULL };

    (void)answered;
    (void)pending;
    return strcmp(which_opens(files, false), "none") != 0 ? NULL : "neither FILE nor FILE.new opens the token";
}

const char *prove_rotation(void)
{
    if (access("out/pin.new", F_OK) == 0)
        return "FILE.new is still there";
    return proof_holds(LABEL, "out/pin", "../proof") ? NULL : "the domain does not work";
}

/* ---- the factory ---- */

static bool state_itself(void)
{
    unlink("statement");
    return does("attest create --nonce " NONCE " --out statement" AS_OPERATOR);
}

/* One certificate is the keystore's own, two are the factory's. */
bool observe_chain(struct bytes *text)
{
    bool ok = state_itself() &&
              does("attest verify --statement statement --ca ../ca.pem --expect ../expect.json --nonce " NONCE);

    bytes_append_text(text, ok ? "certified\n" : "not certified\n");
    return true;
}

const char *prove_certified(void)
{
    struct bytes seen = { 0 };
    bool ok;

    observe_chain(&seen);
    ok = strcmp(bytes_text(&seen), "certified\n") == 0;
    bytes_clear(&seen);
    return ok ? NULL : "what it says of itself is not believed";
}

/* ---- the end ---- */

static bool is_signed(const Ks__SignedStatement *s)
{
    const uint8_t *p = s->n_certificates > 0 ? s->certificates[0].data : NULL;
    X509 *x = p != NULL ? d2i_X509(NULL, &p, (long)s->certificates[0].len) : NULL;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = x != NULL && ctx != NULL &&
              EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, X509_get0_pubkey(x)) == 1 &&
              EVP_DigestVerifyUpdate(ctx, STATEMENT_PREFIX, sizeof STATEMENT_PREFIX) == 1 &&
              EVP_DigestVerifyUpdate(ctx, s->statement.data, s->statement.len) == 1 &&
              EVP_DigestVerifyFinal(ctx, s->signature.data, s->signature.len) == 1;

    EVP_MD_CTX_free(ctx);
    X509_free(x);
    return ok;
}

static bool is_statement(const uint8_t *der, size_t len)
{
    Ks__SignedStatement *s = ks__signed_statement__unpack(NULL, len, der);
    Ks__Statement *content = s != NULL ? ks__statement__unpack(NULL, s->statement.len, s->statement.data) : NULL;
    bool ok =
        content != NULL && content->purpose == STATEMENT_DESTRUCTION && content->destruction != NULL && is_signed(s);

    if (content != NULL)
        ks__statement__free_unpacked(content, NULL);
    if (s != NULL)
        ks__signed_statement__free_unpacked(s, NULL);
    return ok;
}

bool observe_destruction(struct bytes *text)
{
    FILE *f = fopen("board/destruction", "re");
    char *name = NULL, *header = NULL;
    unsigned char *der = NULL;
    long len = 0;
    bool there = f != NULL && PEM_read(f, &name, &header, &der, &len) == 1;

    bytes_printf(text, "destruction %s\n", !there ? "none" : is_statement(der, (size_t)len) ? "stated" : "torn");
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(der);
    if (f != NULL)
        fclose(f);
    return true;
}

const char *prove_reset(void)
{
    board_kill();
    if (!board_start("--owner", "../owner.pem") || !state_is("provisioned"))
        return "the board takes no owner after its reset";
    return does("domain create --name next --required 2 --holder one=../holder-one.pem --holder two=../holder-two.pem "
                "--holder three=../holder-three.pem")
               ? NULL
               : "the board takes no domain after its reset";
}

const char *prove_zeroised(void)
{
    board_kill();
    return !board_start(NULL, NULL) && board_is_zeroised() ? NULL : "it starts, after all";
}
