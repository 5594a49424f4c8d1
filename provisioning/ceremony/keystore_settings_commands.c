/* strongroom keystore: audit-sink, firmware-key, clock. */
#include "firmware/base/clock.h"
#include "provisioning/ceremony/act_do.h"
#include "provisioning/ceremony/keystore_verbs.h"
#include "provisioning/cli/moment.h"
#include "provisioning/link/public_key_file.h"

/* The act on a link of its own. */
static int do_alone(const struct invocation *in, uint16_t kind, ProtobufCMessage *request, const char *done)
{
    struct keystore_link *k;
    int code = act_link_open(in, &k);

    if (code == EXIT_DONE && (code = act_do(in, k, kind, request, NULL)) == EXIT_DONE && !act_is_prepared(in))
        fprintf(in->out, "%s\n", done);
    keystore_link_close(k);
    return code;
}

int keystore_audit_sink(struct invocation *in)
{
    const char *address = command_value(in, "address"), *peer = command_value(in, "peer");
    Ks__AuditSinkSet m = KS__AUDIT_SINK_SET__INIT;
    uint8_t fingerprint[LINK_FINGERPRINT_LEN];
    int code;

    if (command_given(in, "none") ? address != NULL || peer != NULL : address == NULL || peer == NULL)
        return command_misused(in, "give --address with --peer, or --none");
    if (command_given(in, "none"))
        return do_alone(in, MESSAGE_AUDIT_SINK_SET, &m.base, "the audit records go nowhere");
    if (address[0] == '\0' || strlen(address) > AUDIT_SINK_MAX)
        return command_misused(in, "--address takes 1 to %d bytes", AUDIT_SINK_MAX);
    if ((code = keystore_fingerprint(in, peer, fingerprint)) != EXIT_DONE)
        return code;
    m.address = (char *)(uintptr_t)address;
    m.fingerprint = (ProtobufCBinaryData){ sizeof fingerprint, fingerprint };
    return do_alone(in, MESSAGE_AUDIT_SINK_SET, &m.base, "the audit sink is set");
}

int keystore_firmware_key(struct invocation *in)
{
    Ks__FirmwareKeySet m = KS__FIRMWARE_KEY_SET__INIT;
    struct bytes der = { 0 };
    int code = public_key_file_read(in, command_value(in, "public-key"), &der);

    m.public_key = (ProtobufCBinaryData){ der.len, der.p };
    if (code == EXIT_DONE)
        code = do_alone(in, MESSAGE_FIRMWARE_KEY_SET, &m.base, "firmware must be signed by this key, too, from now on");
    bytes_clear(&der);
    return code;
}

int keystore_clock(struct invocation *in)
{
    const char *text = command_value(in, "time");
    Ks__ClockSet m = KS__CLOCK_SET__INIT;

    if (strcmp(text, "now") == 0) {
        if (act_is_prepared(in) || command_given(in, "act"))
            return command_misused(in, "what is approved is one time: say which, and do the act then");
        m.time_ms = (uint64_t)clock_unix_100ns() / 10000;
    } else if (moment_parse(span_text(text), &m.time_ms) != ST_OK)
        return command_misused(in, "--time takes now, or a time as 2026-11-27T16:42:11Z");
    return do_alone(in, MESSAGE_CLOCK_SET, &m.base, "the keystore's clock is set");
}

const struct verb_option keystore_audit_sink_options[] = {
    KEYSTORE_LINK_OPTIONS,
    ACT_OPTIONS,
    { "address", "TEXT", false, false, "where it is, for who carries the records there" },
    { "peer", "PEM", false, false, "certificate of the sink" },
    { "none", NULL, false, false, "no sink any more" },
    { 0 },
};
const struct verb_option keystore_firmware_key_options[] = {
    KEYSTORE_LINK_OPTIONS,
    ACT_OPTIONS,
    { "public-key", "PEM", true, false, "the key (P-256, P-384 or Ed25519), or a certificate of it" },
    { 0 },
};
const struct verb_option keystore_clock_options[] = {
    KEYSTORE_LINK_OPTIONS,
    ACT_OPTIONS,
    { "time", "TIME", true, false, "now, or a time as 2026-11-27T16:42:11Z" },
    { 0 },
};
