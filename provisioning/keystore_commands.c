/* strongroom keystore: status, provision, self-test, audit, zeroise. */
#include <inttypes.h>

#include "firmware/base/hex.h"
#include "firmware/flash/audit.h"
#include "provisioning/keystore_link.h"
#include "provisioning/verbs.h"
#include "service/json/json.h"

static const char *state_name(uint32_t state)
{
    static const char *const names[] = {
        [KEYSTORE_FACTORY] = "factory", [KEYSTORE_PROVISIONED] = "provisioned", [KEYSTORE_OPERATIONAL] = "operational",
        [KEYSTORE_ERROR] = "error",     [KEYSTORE_ZEROISED] = "zeroised",
    };

    return state < ARRAY_LEN(names) && names[state] != NULL ? names[state] : "unknown";
}

static void put_hex(struct json_writer *w, const char *name, const ProtobufCBinaryData *d)
{
    struct bytes hex = { 0 };

    hex_append(&hex, span_of(d->data, d->len));
    json_put_text(w, name, bytes_span(&hex));
    bytes_clear(&hex);
}

static void print_status_json(const struct invocation *in, const Ks__Status *s)
{
    struct bytes text = { 0 };
    struct json_writer w;

    json_begin(&w, &text);
    json_open_object(&w, NULL);
    json_put_text(&w, "state", span_text(state_name(s->state)));
    if (s->fault[0] != '\0')
        json_put_text(&w, "fault", span_text(s->fault));
    json_put_text(&w, "board", span_text(s->board));
    json_put_bool(&w, "hardware", s->hardware);
    json_put_text(&w, "root", span_text(s->root));
    json_put_text(&w, "isolation", span_text(s->isolation));
    json_put_text(&w, "firmwareVersion", span_text(s->firmware_version));
    put_hex(&w, "firmwareHash", &s->firmware_hash);
    put_hex(&w, "bootId", &s->boot_id);
    json_put_int(&w, "counter", (int64_t)s->counter);
    json_put_int(&w, "partitions", s->partitions);
    json_put_int(&w, "auditSequence", (int64_t)s->audit_sequence);
    put_hex(&w, "auditHead", &s->audit_head);
    json_close_object(&w);
    fprintf(in->out, "%s\n", bytes_text(&text));
    bytes_clear(&text);
}

static void print_status(const struct invocation *in, const Ks__Status *s)
{
    struct bytes hash = { 0 };

    hex_append(&hash, span_of(s->firmware_hash.data, s->firmware_hash.len));
    fprintf(in->out,
            "keystore: %s%s%s\n  board      %s%s\n  root key   %s\n  isolation  %s\n  firmware   %s, SHA-256 %s\n"
            "  counter    %" PRIu64 "\n  partitions %" PRIu32 "\n  audit      %" PRIu64 " records\n",
            state_name(s->state), s->fault[0] != '\0' ? ": " : "", s->fault, s->board,
            s->hardware ? "" : " (simulated: for trying and testing)", s->root, s->isolation, s->firmware_version,
            bytes_text(&hash), s->counter, s->partitions, s->audit_sequence);
    bytes_clear(&hash);
}

static int keystore_status(struct invocation *in)
{
    Ks__Empty empty = KS__EMPTY__INIT;
    struct keystore_link *k;
    Ks__Status *s;
    int code;

    if ((code = keystore_link_open(in, &k)) == EXIT_DONE &&
        (code = keystore_link_call(in, k, MESSAGE_STATUS, &empty.base, &s)) == EXIT_DONE) {
        if (in->json)
            print_status_json(in, s);
        else
            print_status(in, s);
    }
    keystore_link_close(k);
    return code;
}

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

static int keystore_zeroise(struct invocation *in)
{
    Ks__Empty empty = KS__EMPTY__INIT;

    if (!command_given(in, "destroy-all-keys"))
        return command_misused(in, "this destroys every key for good; say --destroy-all-keys if you mean it");
    return simple(in, MESSAGE_ZEROISE, &empty.base, "root key and flash are destroyed");
}

static uint64_t big_endian(const uint8_t *p, unsigned bytes)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < bytes; i++)
        v = v << 8 | p[i];
    return v;
}

/* A line for each record; the layout is that of firmware/flash/audit.h. */
static void print_record(const struct invocation *in, const uint8_t *r)
{
    struct bytes object = { 0 }, peer = { 0 };

    hex_append(&object, span_of(r + 35, 16));
    hex_append(&peer, span_of(r + 51, 8));
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
    int code;

    do {
        if ((code = keystore_link_call(in, k, MESSAGE_AUDIT_READ, &m.base, &answer)) != EXIT_DONE)
            return code;
        for (size_t at = 0; at + AUDIT_RECORD_LEN <= answer->records.len; at += AUDIT_RECORD_LEN)
            print_record(in, answer->records.data + at);
        m.from = answer->next;
    } while (answer->records.len > 0);
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
static const struct verb_option zeroise_options[] = {
    KEYSTORE_LINK_OPTIONS,
    { "destroy-all-keys", NULL, false, false, "yes, every key" },
    { 0 },
};

const struct verb keystore_verbs[] = {
    { "status", "state, board, firmware, counter, audit head", NULL, true, true, link_options, keystore_status },
    { "self-test", "run every self test; a failure takes the keystore out of service", NULL, false, true, link_options,
      keystore_self_test },
    { "audit", "print the keystore's own audit records, oldest first", NULL, false, true, link_options,
      keystore_audit },
    { "zeroise", "destroy the root key and everything under it, for good", NULL, false, true, zeroise_options,
      keystore_zeroise },
    { 0 },
};
