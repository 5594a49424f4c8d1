/* strongroom act: show, approve, verify. Nothing here needs a keystore: it is for the holders' own machines. */
#include <inttypes.h>

#include "firmware/base/clock.h"
#include "firmware/base/hex.h"
#include "provisioning/ceremony/act_json.h"
#include "provisioning/ceremony/act_words.h"
#include "provisioning/ceremony/holder.h"
#include "provisioning/ceremony/verbs.h"
#include "provisioning/cli/input_file.h"
#include "provisioning/cli/prompt.h"
#include "provisioning/cli/result_file.h"

static bool is_past(const struct act_file *a)
{
    return a->act.expires_ms <= (uint64_t)clock_unix_s() * 1000;
}

/* The act in words, its name, and what is odd about it. */
static int put_in_words(const struct invocation *in, const struct act_file *a, struct bytes *words)
{
    uint8_t name[32];
    enum status st = act_words(a, words);

    if (st == ST_OK) {
        act_name(&a->act, name);
        bytes_append_text(words, "Its name is      ");
        hex_append(words, span_of(name, sizeof name));
        bytes_append_text(words, is_past(a) ? "\nIt is too old by this machine's clock.\n" : "\n");
        st = bytes_status(words);
    }
    return st == ST_OK ? EXIT_DONE : act_not_shown(in, st);
}

static int show(const struct invocation *in, const struct act_file *a)
{
    struct bytes words = { 0 };
    int code = put_in_words(in, a, &words);

    if (code == EXIT_DONE)
        fprintf(in->out, "%s", bytes_text(&words));
    bytes_clear(&words);
    return code;
}

/* For who signs with another tool, a smart card's for example. */
static int write_statement(const struct invocation *in, const struct act_file *a)
{
    const char *path = command_value(in, "statement");
    uint8_t statement[ACT_STATEMENT_LEN];

    if (path == NULL)
        return EXIT_DONE;
    act_statement(&a->act, statement);
    return result_file_write(in, path, 0644, span_of(statement, sizeof statement));
}

static int act_show(struct invocation *in)
{
    struct act_file a = { 0 };
    const char *path = command_value(in, "statement");
    int code = path == NULL ? EXIT_DONE : result_file_reserve(in, path, 0644, ACT_STATEMENT_LEN);

    if (code == EXIT_DONE && (code = act_file_read(in, command_value(in, "act"), &a)) == EXIT_DONE &&
        (code = in->json ? act_json_print(in, &a, NULL) : show(in, &a)) == EXIT_DONE)
        code = write_statement(in, &a);
    act_file_clear(&a);
    return code;
}

/* Before the question, so that nobody types a word for nothing. */
static int check_holder(const struct invocation *in, const struct act_file *a, const struct holder_certificate *c)
{
    if (is_past(a))
        return command_refuse(in, "it is too old to be approved");
    if (holder_name(a, c->id) == NULL)
        return command_refuse(in, "%s: not the certificate of a holder who approves this act",
                              command_value(in, "certificate"));
    return EXIT_DONE;
}

/* He reads it where he types: what is written elsewhere, into a pipe perhaps, has been read by nobody. */
static int confirm(const struct invocation *in, const struct act_file *a)
{
    struct bytes question = { 0 };
    int code;

    if (command_given(in, "yes"))
        return show(in, a);
    if ((code = put_in_words(in, a, &question)) == EXIT_DONE) {
        bytes_append_text(&question, "You approve the act above.");
        code = bytes_status(&question) == ST_OK ? prompt_confirm(in, bytes_text(&question), "approve")
                                                : command_refuse(in, "out of memory");
    }
    bytes_clear(&question);
    return code;
}

static int sign_by_key(const struct invocation *in, const struct act_file *a, struct holder_certificate *c,
                       struct approval *out)
{
    EVP_PKEY *key = NULL;
    int code = holder_identity_read(in, c, &key);

    if (code == EXIT_DONE)
        code = holder_approve(in, a, c, key, out);
    EVP_PKEY_free(key);
    return code;
}

static int take_signature(const struct invocation *in, const struct act_file *a, const struct holder_certificate *c,
                          struct approval *out)
{
    const char *path = command_value(in, "signature");
    struct bytes signature = { 0 };
    int code = input_file_read(in, path, APPROVAL_SIGNATURE_MAX, &signature);

    if (code == EXIT_DONE)
        code = holder_approve_signed(in, a, c, bytes_span(&signature), out);
    bytes_clear(&signature);
    return code;
}

static int act_approve(struct invocation *in)
{
    struct holder_certificate c = { 0 };
    struct approval approval = { 0 };
    struct act_file a = { 0 };
    bool by_key = command_given(in, "key");
    int code;

    if (by_key == command_given(in, "signature"))
        return command_misused(in, "give --key, or --signature if the key is elsewhere");
    if ((code = holder_certificate_read(in, command_value(in, "certificate"), &c)) == EXIT_DONE &&
        (code = result_file_reserve(in, command_value(in, "out"), 0644, APPROVAL_FILE_MAX)) == EXIT_DONE &&
        (code = act_file_read(in, command_value(in, "act"), &a)) == EXIT_DONE &&
        (code = check_holder(in, &a, &c)) == EXIT_DONE && (code = confirm(in, &a)) == EXIT_DONE &&
        (code = by_key ? sign_by_key(in, &a, &c, &approval) : take_signature(in, &a, &c, &approval)) == EXIT_DONE &&
        (code = approval_write(in, command_value(in, "out"), &approval)) == EXIT_DONE)
        fprintf(in->out, "%s: written. Carry it to the one who does the act.\n", command_value(in, "out"));
    holder_certificate_clear(&c);
    approval_clear(&approval);
    act_file_clear(&a);
    return code;
}

/* One approval; its holder is then seen. */
static int verify_one(const struct invocation *in, const struct act_file *a, const char *path, bool seen[HOLDERS_MAX])
{
    struct approval approval = { 0 };
    int code = approval_read(in, path, &approval);
    uint8_t name[32];
    size_t i = 0;

    act_name(&a->act, name);
    while (i < a->holder_count && memcmp(a->holders[i].id, approval.holder, HOLDER_ID_LEN) != 0)
        i++;
    if (code != EXIT_DONE)
        ;
    else if (memcmp(name, approval.act, sizeof name) != 0)
        code = command_refuse(in, "%s: for another act", path);
    else if (i == a->holder_count)
        code = command_refuse(in, "%s: by nobody who approves this act", path);
    else if (seen[i])
        code = command_refuse(in, "%s: this holder's approval is there twice", path);
    else if (!holder_approved(a, &approval))
        code = command_refuse(in, "%s: the signature is not over this act", path);
    else
        seen[i] = true;
    approval_clear(&approval);
    return code;
}

static int act_verify(struct invocation *in)
{
    bool seen[HOLDERS_MAX] = { false };
    struct act_file a = { 0 };
    size_t count = 0;
    const char *path;
    int code = act_file_read(in, command_value(in, "act"), &a);

    if (code == EXIT_DONE && !in->json)
        code = show(in, &a);
    while (code == EXIT_DONE && (path = command_value_at(in, "approval", count)) != NULL)
        if ((code = verify_one(in, &a, path, seen)) == EXIT_DONE)
            count++;
    if (code == EXIT_DONE && in->json)
        code = act_json_print(in, &a, seen);
    else if (code == EXIT_DONE)
        fprintf(in->out, "%zu of the %" PRIu32 " approvals it takes are there and good\n", count, a.required);
    if (code == EXIT_DONE && count < a.required)
        code = command_refuse(in, "that is too few");
    if (code == EXIT_DONE && is_past(&a))
        code = command_refuse(in, "it is too old to be done");
    act_file_clear(&a);
    return code;
}

static const struct verb_option show_options[] = {
    { "act", "FILE", true, false, "which" },
    { "statement", "FILE", false, false, "also write the bytes that are signed, for another tool" },
    { 0 },
};
static const struct verb_option approve_options[] = {
    { "act", "FILE", true, false, "what is approved" },
    { "certificate", "PEM", true, false, "the holder's" },
    { "key", "PEM", false, false, "his private key, a file that only he may read" },
    { "signature", "FILE", false, false, "in place of the key: what his card or device signed" },
    { "out", "FILE", true, false, "where the approval goes" },
    { "yes", NULL, false, false, "ask nothing: a script has read the act" },
    { LINK_PASSPHRASE_OPTION, "FILE", false, false, "passphrase of the key, in place of the question" },
    { 0 },
};
static const struct verb_option verify_options[] = {
    { "act", "FILE", true, false, "what was approved" },
    { "approval", "FILE", true, true, "each" },
    { 0 },
};

const struct verb act_verbs[] = {
    { "show", "say in words what an act does, from the bytes that are signed",
      "Compare the act's name with what the others read out to you.", true, true, show_options, act_show },
    { "approve", "approve an act as a holder, on your own machine",
      "A key that is in a smart card or in another device signs the bytes of `act show --statement` there: RSASSA-PSS, "
      "SHA-256, a salt of 32 bytes. Its signature is then given with --signature.",
      false, true, approve_options, act_approve },
    { "verify", "check approvals before they are carried to the keystore", NULL, true, true, verify_options,
      act_verify },
    { 0 },
};
