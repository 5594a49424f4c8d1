/* strongroom keystore: start-mode, unlock. */
#include <inttypes.h>

#include "provisioning/ceremony/act_do.h"
#include "provisioning/ceremony/keystore_verbs.h"
#include "provisioning/cli/prompt.h"
#include "provisioning/link/refusal.h"
#include "firmware/wire/pkcs11.h"

/* Room for what a StartModeSet points at. */
struct operators {
    Ks__Operator items[OPERATORS_MAX], *list[OPERATORS_MAX];
    struct secret passphrases[OPERATORS_MAX];
    size_t count;
};

static void operators_clear(struct operators *o)
{
    for (size_t i = 0; i < OPERATORS_MAX; i++)
        secret_clear(&o->passphrases[i]);
}

static int take_names(const struct invocation *in, struct operators *o)
{
    const char *name;
    int code;

    while ((name = command_value_at(in, "operator", o->count)) != NULL) {
        if (o->count == OPERATORS_MAX)
            return command_misused(in, "there are at most %d operators", OPERATORS_MAX);
        if ((code = keystore_name_check(in, "operator", name)) != EXIT_DONE)
            return code;
        for (size_t i = 0; i < o->count; i++)
            if (strcmp(o->items[i].name, name) == 0)
                return command_misused(in, "--operator %s is given twice", name);
        ks__operator__init(&o->items[o->count]);
        o->items[o->count].name = (char *)(uintptr_t)name;
        o->list[o->count] = &o->items[o->count];
        o->count++;
    }
    return EXIT_DONE;
}

static int read_passphrase(const struct invocation *in, const char *path, struct secret *out)
{
    enum status st = secret_read_file(out, path);

    if (st != ST_OK)
        return command_refuse(in, "%s: %s", path,
                              st == ST_NOT_PERMITTED ? "must be a file that its owner alone may read"
                                                     : status_name(st));
    if (out->len < PASSPHRASE_MIN || out->len > PASSPHRASE_MAX)
        return command_refuse(in, "%s: a passphrase has %d to %d bytes", path, PASSPHRASE_MIN, PASSPHRASE_MAX);
    return EXIT_DONE;
}

/* Each types his own; the next one does not see it. */
static int take_passphrases(const struct invocation *in, struct operators *o)
{
    int code = EXIT_DONE;

    for (size_t i = 0; i < o->count && code == EXIT_DONE; i++) {
        const char *path = command_value_at(in, "operator-passphrase-file", i);
        char question[64 + PARTITION_NAME_MAX];

        snprintf(question, sizeof question, "New passphrase of operator %s", o->items[i].name);
        code = path != NULL ? read_passphrase(in, path, &o->passphrases[i])
                            : prompt_new_secret(in, question, PASSPHRASE_MIN, &o->passphrases[i]);
        o->items[i].passphrase = (ProtobufCBinaryData){ o->passphrases[i].len, o->passphrases[i].p };
    }
    return code;
}

static int take_required(const struct invocation *in, const struct operators *o, uint32_t *required)
{
    const char *text = command_value(in, "required");
    unsigned long n;
    char *end;

    if (command_given(in, "unattended"))
        return text == NULL && o->count == 0 ? EXIT_DONE : command_misused(in, "an unattended start asks no operators");
    if (text == NULL || o->count == 0)
        return command_misused(in, "give --unattended, or --required with each --operator");
    n = strtoul(text, &end, 10);
    if (text[0] < '1' || text[0] > '9' || *end != '\0' || n > o->count)
        return command_misused(in, "--required takes a number from 1 to that of the operators");
    *required = (uint32_t)n;
    return EXIT_DONE;
}

/* Before the operators type anything: what is refused for want of approvals, or for those of another act, is refused
 * now. Passphrases are not part of what is approved. */
static int check_approved(const struct invocation *in, struct keystore_link *k, Ks__StartModeSet *m)
{
    Ks__Empty empty = KS__EMPTY__INIT;
    Ks__DomainInfo *info;
    int code;

    if (command_given(in, "act"))
        return act_attach(in, MESSAGE_START_MODE_SET, &m->base);
    if (m->n_operators == 0 || (code = keystore_link_call(in, k, MESSAGE_DOMAIN_INFO, &empty.base, &info)) != EXIT_DONE)
        return m->n_operators == 0 ? EXIT_DONE : code;
    return info->current == NULL ? EXIT_DONE : command_refuse(in, "%s", refusal_reason(CKR_APPROVALS_MISSING));
}

int keystore_start_mode(struct invocation *in)
{
    Ks__StartModeSet m = KS__START_MODE_SET__INIT;
    struct operators operators = { 0 };
    struct keystore_link *k = NULL;
    int code;

    if ((code = take_names(in, &operators)) == EXIT_DONE &&
        (code = take_required(in, &operators, &m.required)) == EXIT_DONE &&
        (code = act_link_open(in, &k)) == EXIT_DONE) {
        m.n_operators = operators.count;
        m.operators = operators.list;
        if (!act_is_prepared(in) && (code = check_approved(in, k, &m)) == EXIT_DONE)
            code = take_passphrases(in, &operators);
        if (code == EXIT_DONE && (code = act_do(in, k, MESSAGE_START_MODE_SET, &m.base, NULL)) == EXIT_DONE &&
            !act_is_prepared(in)) {
            if (m.required == 0)
                fprintf(in->out, "it starts unattended from now on\n");
            else
                fprintf(in->out,
                        "each start waits for %" PRIu32 " of %zu operators from now on\n"
                        "Next, after a start: strongroom keystore unlock --operator NAME, each within ten minutes "
                        "of the first\n",
                        m.required, operators.count);
        }
    }
    keystore_link_close(k);
    operators_clear(&operators);
    return code;
}

int keystore_unlock(struct invocation *in)
{
    const char *name = command_value(in, "operator");
    char question[64 + PARTITION_NAME_MAX];
    struct keystore_link *k = NULL;
    Ks__Unlock m = KS__UNLOCK__INIT;
    struct secret passphrase = { 0 };
    Ks__Unlocked *answer;
    int code;

    if ((code = keystore_name_check(in, "operator", name)) != EXIT_DONE)
        return code;
    snprintf(question, sizeof question, "Passphrase of operator %s", name);
    if ((code = keystore_link_open(in, &k)) == EXIT_DONE &&
        (code = prompt_or_file(in, "operator-passphrase-file", question, &passphrase)) == EXIT_DONE) {
        m.operator_ = (char *)(uintptr_t)name;
        m.passphrase = (ProtobufCBinaryData){ passphrase.len, passphrase.p };
        if ((code = keystore_link_call(in, k, MESSAGE_UNLOCK, &m.base, &answer)) == EXIT_DONE)
            fprintf(in->out, "%" PRIu32 " of the %" PRIu32 " operators it takes are there: %s\n", answer->given,
                    answer->required,
                    answer->given >= answer->required ? "the keystore is unlocked" : "it is still locked");
    }
    keystore_link_close(k);
    secret_clear(&passphrase);
    return code;
}

const struct verb_option keystore_start_mode_options[] = {
    KEYSTORE_LINK_OPTIONS,
    ACT_OPTIONS,
    { "unattended", NULL, false, false, "it starts by itself" },
    { "required", "M", false, false, "how many of the operators each start takes" },
    { "operator", "NAME", false, true, "each operator, whose new passphrase is asked for" },
    { "operator-passphrase-file", "FILE", false, true, "passphrases, in the operators' order, in place of questions" },
    { 0 },
};
const struct verb_option keystore_unlock_options[] = {
    KEYSTORE_LINK_OPTIONS,
    { "operator", "NAME", true, false, "who types his passphrase" },
    { "operator-passphrase-file", "FILE", false, false, "the passphrase, in place of the question" },
    { 0 },
};
