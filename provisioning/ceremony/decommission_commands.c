/* strongroom keystore: factory-reset, zeroise. Both leave a certificate of destruction that the keystore signed. */
#include "provisioning/attest/statement_file.h"
#include "provisioning/ceremony/act_do.h"
#include "provisioning/ceremony/keystore_verbs.h"
#include "provisioning/cli/result_file.h"

#define STATEMENT_ROOM (64u * 1024)

/* The file has its place by then: the statement is made once. */
static int destroy(const struct invocation *in, struct keystore_link *k, uint16_t kind, Ks__Decommission *m,
                   const char *done)
{
    const char *path = command_value(in, "certificate-of-destruction");
    struct bytes text = { 0 };
    Ks__SignedStatement *s;
    enum status st;
    int code;

    if ((code = act_do(in, k, kind, &m->base, &s)) != EXIT_DONE)
        return code;
    fprintf(in->out, "%s\n", done);
    if ((st = statement_file_make(s, &text)) != ST_OK)
        code = command_refuse(in, "%s: the certificate of destruction cannot be written: %s", path, status_name(st));
    else if ((code = result_file_write(in, path, 0644, bytes_span(&text))) != EXIT_DONE)
        fprintf(in->out, "%s", bytes_text(&text)); /* better on the screen than nowhere */
    bytes_clear(&text);
    if (code != EXIT_DONE)
        return code;
    fprintf(in->out,
            "%s: the keystore's certificate of destruction. Keep it with the inventory.\n"
            "Anybody checks it: strongroom attest verify --purpose destruction\n",
            path);
    return EXIT_DONE;
}

static int decommission(struct invocation *in, uint16_t kind, const char *done)
{
    Ks__Decommission m = KS__DECOMMISSION__INIT;
    const char *path = command_value(in, "certificate-of-destruction");
    struct keystore_link *k = NULL;
    int code;

    if (!act_is_prepared(in) && !command_given(in, "destroy-all-keys"))
        return command_misused(in, "this destroys every key for good; say --destroy-all-keys if you mean it");
    if (!act_is_prepared(in) && path == NULL)
        return command_misused(in, "--certificate-of-destruction FILE is missing");
    if ((act_is_prepared(in) || (code = result_file_reserve(in, path, 0644, STATEMENT_ROOM)) == EXIT_DONE) &&
        (code = act_link_open(in, &k)) == EXIT_DONE)
        code = act_is_prepared(in) ? act_do(in, k, kind, &m.base, NULL) : destroy(in, k, kind, &m, done);
    keystore_link_close(k);
    return code;
}

int keystore_factory_reset(struct invocation *in)
{
    return decommission(in, MESSAGE_FACTORY_RESET, "every key is destroyed; the keystore is in factory state");
}

int keystore_zeroise(struct invocation *in)
{
    return decommission(in, MESSAGE_ZEROISE, "root key and flash are destroyed; the keystore never starts again");
}

const struct verb_option keystore_decommission_options[] = {
    KEYSTORE_LINK_OPTIONS,
    ACT_OPTIONS,
    { "destroy-all-keys", NULL, false, false, "yes, every key" },
    { "certificate-of-destruction", "FILE", false, false, "where the keystore's signed statement goes" },
    { 0 },
};
