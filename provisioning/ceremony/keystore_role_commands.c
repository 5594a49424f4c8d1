/* strongroom keystore: set-owner, add-auditor, remove-auditor. */
#include "provisioning/ceremony/act_do.h"
#include "provisioning/ceremony/keystore_verbs.h"

static int set_role(struct invocation *in, const char *option, uint32_t role, bool remove, const char *done)
{
    uint8_t fingerprint[LINK_FINGERPRINT_LEN];
    const char *name = command_value(in, "name");
    Ks__RoleSet m = KS__ROLE_SET__INIT;
    struct keystore_link *k = NULL;
    int code;

    if (name != NULL && strlen(name) > PARTITION_NAME_MAX)
        return command_misused(in, "--name takes at most %d bytes", PARTITION_NAME_MAX);
    if (role == PEER_AUDITOR && (code = keystore_name_check(in, "name", name)) != EXIT_DONE)
        return code;
    if ((code = keystore_fingerprint(in, command_value(in, option), fingerprint)) == EXIT_DONE &&
        (code = act_link_open(in, &k)) == EXIT_DONE) {
        m.role = role;
        m.fingerprint = (ProtobufCBinaryData){ sizeof fingerprint, fingerprint };
        m.remove = remove;
        if (name != NULL)
            m.name = (char *)(uintptr_t)name;
        if ((code = act_do(in, k, MESSAGE_ROLE_SET, &m.base, NULL)) == EXIT_DONE && !act_is_prepared(in))
            fprintf(in->out, "%s\n", done);
    }
    keystore_link_close(k);
    return code;
}

int keystore_set_owner(struct invocation *in)
{
    return set_role(in, "owner", PEER_OWNER, false,
                    "the keystore has another owner now: the key that asked has no more rights. Destroy it");
}

int keystore_add_auditor(struct invocation *in)
{
    return set_role(in, "auditor", PEER_AUDITOR, false, "this key may read status and audit");
}

int keystore_remove_auditor(struct invocation *in)
{
    return set_role(in, "auditor", PEER_AUDITOR, true, "this key is an auditor's no more");
}

const struct verb_option keystore_set_owner_options[] = {
    KEYSTORE_LINK_OPTIONS,
    ACT_OPTIONS,
    { "owner", "PEM", true, false, "certificate of the new owner" },
    { "name", "NAME", false, false, "who it is, for people" },
    { 0 },
};
const struct verb_option keystore_auditor_options[] = {
    KEYSTORE_LINK_OPTIONS,
    ACT_OPTIONS,
    { "auditor", "PEM", true, false, "the auditor's certificate" },
    { "name", "NAME", true, false, "who it is: letters, digits, - _ ., at most 32" },
    { 0 },
};
