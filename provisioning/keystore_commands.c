/* strongroom keystore: self-test, audit, and the table of all its verbs. */
#include <inttypes.h>

#include "firmware/base/hex.h"
#include "firmware/flash/audit.h"
#include "provisioning/keystore_link.h"
#include "provisioning/keystore_verbs.h"
#include "provisioning/verbs.h"
#include "service/json/json.h"

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

static uint64_t big_endian(const uint8_t *p, unsigned bytes)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < bytes; i++)
        v = v << 8 | p[i];
    return v;
}

static void print_record_json(const struct invocation *in, const uint8_t *r, const char *object, const char *peer)
{
    struct bytes text = { 0 };
    struct json_writer w;

    json_begin(&w, &text);
    json_open_object(&w, NULL);
    json_put_int(&w, "sequence", (int64_t)big_endian(r, 8));
    json_put_int(&w, "time", (int64_t)big_endian(r + 8, 8));
    json_put_int(&w, "kind", (int64_t)big_endian(r + 16, 2));
    json_put_int(&w, "role", r[18]);
    json_put_int(&w, "partition", (int64_t)big_endian(r + 19, 4));
    json_put_int(&w, "result", (int64_t)big_endian(r + 23, 4));
    json_put_int(&w, "mechanism", (int64_t)big_endian(r + 27, 8));
    json_put_text(&w, "object", span_text(object));
    json_put_text(&w, "peer", span_text(peer));
    json_put_int(&w, "detail", (int64_t)big_endian(r + 59, 8));
    json_close_object(&w);
    fprintf(in->out, "%s", bytes_text(&text));
    bytes_clear(&text);
}

/* A line for each record; the layout is that of firmware/flash/audit.h. */
static void print_record(const struct invocation *in, const uint8_t *r)
{
    struct bytes object = { 0 }, peer = { 0 };

    hex_append(&object, span_of(r + 35, 16));
    hex_append(&peer, span_of(r + 51, 8));
    if (in->json)
        print_record_json(in, r, bytes_text(&object), bytes_text(&peer));
    else
        fprintf(in->out,
                "%" PRIu64 " time=%" PRIu64 " kind=%u role=%u partition=%u result=0x%x mechanism=0x%" PRIx64
                " object=%s peer=%s detail=%" PRIu64 "\n",
                big_endian(r, 8), big_endian(r + 8, 8), (unsigned)big_endian(r + 16, 2), r[18],
                (unsigned)big_endian(r + 19, 4), (unsigned)big_endian(r + 23, 4), big_endian(r + 27, 8),
                bytes_text(&object), bytes_text(&peer), big_endian(r + 59, 8));
    bytes_clear(&object);
    bytes_clear(&peer);
}

static int print_records(const struct invocation *in, struct keystore_link *k)
{
    Ks__AuditRead m = KS__AUDIT_READ__INIT;
    Ks__AuditRecords *answer;
    const char *between = "[\n";
    int code;

    do {
        if ((code = keystore_link_call(in, k, MESSAGE_AUDIT_READ, &m.base, &answer)) != EXIT_DONE)
            return code;
        for (size_t at = 0; at + AUDIT_RECORD_LEN <= answer->records.len; at += AUDIT_RECORD_LEN) {
            if (in->json)
                fprintf(in->out, "%s", between);
            between = ",\n";
            print_record(in, answer->records.data + at);
        }
        m.from = answer->next;
    } while (answer->records.len > 0);
    if (in->json)
        fprintf(in->out, "%s]\n", between[0] == '[' ? "[" : "\n");
    return EXIT_DONE;
}

static int keystore_audit(struct invocation *in)
{
    struct keystore_link *k;
    int code;

    if ((code = keystore_link_open(in, &k)) == EXIT_DONE)
        code = print_records(in, k);
    keystore_link_close(k);
    return code;
}

static const struct verb_option link_options[] = { KEYSTORE_LINK_OPTIONS, { 0 } };

const struct verb keystore_verbs[] = {
    { "status", "state, board, firmware, counter, audit head", NULL, true, true, link_options, keystore_status },
    { "self-test", "run every self test; a failure takes the keystore out of service", NULL, false, true, link_options,
      keystore_self_test },
    { "audit", "print the keystore's own audit records, oldest first", NULL, true, true, link_options, keystore_audit },
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
