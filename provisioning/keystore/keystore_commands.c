/* strongroom keystore: self-test, and the table of all its verbs. */
#include "provisioning/ceremony/keystore_verbs.h"
#include "provisioning/keystore/verbs.h"
#include "provisioning/link/keystore_link.h"

static int simple(struct invocation *in, uint16_t kind, const ProtobufCMessage *request, const char *done)
{
    struct keystore_link *k;
    int code;

    if ((code = keystore_link_open(in, &k)) == EXIT_DONE &&
        (code = keystore_link_call(in, k, kind, request, NULL)) == EXIT_DONE)
        fprintf(in->out, "%s\n", done);
    keystore_link_close(k);
    return code;
}

static int keystore_self_test(struct invocation *in)
{
    Ks__Empty empty = KS__EMPTY__INIT;

    return simple(in, MESSAGE_SELF_TEST, &empty.base, "every self test passed");
}

static const struct verb_option link_options[] = { KEYSTORE_LINK_OPTIONS, { 0 } };

const struct verb keystore_verbs[] = {
    { "status", "state, board, firmware, counter, audit head", NULL, true, true, link_options, keystore_status },
    { "self-test", "run every self test; a failure takes the keystore out of service", NULL, false, true, link_options,
      keystore_self_test },
    { "audit", "print the keystore's own audit records, oldest first, and check their chain", NULL, true, true,
      link_options, keystore_audit },
    { "set-owner", "give the keystore another owner", NULL, false, true, keystore_set_owner_options,
      keystore_set_owner },
    { "add-auditor", "let somebody read status and audit", NULL, false, true, keystore_auditor_options,
      keystore_add_auditor },
    { "remove-auditor", "take that back", NULL, false, true, keystore_auditor_options, keystore_remove_auditor },
    { "audit-sink", "say where audit records are sent", NULL, false, true, keystore_audit_sink_options,
      keystore_audit_sink },
    { "firmware-key", "say whose signature firmware will need, once updates are built", NULL, false, true,
      keystore_firmware_key_options, keystore_firmware_key },
    { "clock", "set the keystore's clock: by five minutes in all, or as holders approve", NULL, false, true,
      keystore_clock_options, keystore_clock },
    { "start-mode", "say whether operators unlock each start", NULL, false, true, keystore_start_mode_options,
      keystore_start_mode },
    { "unlock", "as an operator, unlock a keystore that has started", NULL, false, true, keystore_unlock_options,
      keystore_unlock },
    { "factory-reset", "destroy every key; the keystore is as new", NULL, false, true, keystore_decommission_options,
      keystore_factory_reset },
    { "zeroise", "destroy every key and the keystore, for good", NULL, false, true, keystore_decommission_options,
      keystore_zeroise },
    { 0 },
};
