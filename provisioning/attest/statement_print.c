#include "provisioning/attest/statement_print.h"

#include <inttypes.h>

#include "firmware/base/hex.h"
#include "firmware/wire/act.h"
#include "provisioning/attest/attribute_name.h"
#include "provisioning/cli/moment.h"
#include "provisioning/link/keystore_state.h"

/* One that nobody has verified may hold any number. */
static void time_text(uint64_t ms, char out[MOMENT_LEN + 1])
{
    moment_format(ms <= MOMENT_MAX ? ms : MOMENT_MAX, out);
}

static const char *purpose_name(uint32_t purpose)
{
    return purpose == STATEMENT_ATTESTATION   ? "attestation"
           : purpose == STATEMENT_DESTRUCTION ? "destruction"
                                              : "unknown";
}

/* Of an attribute, for people: a bool, a number, a text of plain characters, or hexadecimal digits. */
static void value_text(const Ks__Attribute *a, struct bytes *out)
{
    const struct attribute_name *name = attribute_by_type(a->type);
    const ProtobufCBinaryData *d = &a->value;
    bool plain = name != NULL && name->kind == ATTRIBUTE_TEXT;
    uint64_t number = 0;

    for (size_t i = 0; i < d->len && plain; i++)
        plain = d->data[i] >= 0x20 && d->data[i] < 0x7f;
    if (name != NULL && name->kind == ATTRIBUTE_BOOL && d->len == 1) {
        bytes_append_text(out, d->data[0] != 0 ? "true" : "false");
    } else if (name != NULL && name->kind == ATTRIBUTE_NUMBER && d->len == sizeof number) {
        for (unsigned i = 0; i < sizeof number; i++)
            number |= (uint64_t)d->data[i] << 8 * i;
        bytes_printf(out, "0x%" PRIx64, number);
    } else if (plain) {
        bytes_append(out, d->data, d->len);
    } else {
        hex_append(out, span_of(d->data, d->len));
    }
}

static void name_text(const Ks__Attribute *a, char out[32])
{
    const struct attribute_name *name = attribute_by_type(a->type);

    if (name != NULL)
        snprintf(out, 32, "%s", name->name);
    else
        snprintf(out, 32, "0x%" PRIx64, a->type);
}

/* Texts of a statement that nobody has verified may hold anything a terminal would obey. */
static void put_line(FILE *out, const char *label, const char *text)
{
    fprintf(out, "  %-15s", label);
    for (; *text != '\0'; text++)
        fputc((unsigned char)*text >= 0x20 && (unsigned char)*text < 0x7f ? *text : '?', out);
    fputc('\n', out);
}

static void put_bytes(FILE *out, const char *label, const ProtobufCBinaryData *d)
{
    struct bytes hex = { 0 };

    if (d->len > 0) {
        hex_append(&hex, span_of(d->data, d->len));
        put_line(out, label, bytes_text(&hex));
    }
    bytes_clear(&hex);
}

static void put_firmware_key(FILE *out, const Ks__Statement *s)
{
    if (s->firmware_key.len > 0)
        put_bytes(out, "firmware key", &s->firmware_key);
    else
        put_line(out, "firmware key", "none");
}

static void print_key(FILE *out, const Ks__Statement *s)
{
    const Ks__AttestedKey *k = s->key;

    put_line(out, "key in", k->partition);
    put_line(out, "restored", statement_key_is_restored(s) ? "true (made in another device)" : "false");
    for (size_t i = 0; i < k->n_attributes; i++) {
        struct bytes value = { 0 };
        char name[32];

        name_text(k->attributes[i], name);
        value_text(k->attributes[i], &value);
        fprintf(out, "    %-26s%s\n", name, bytes_text(&value));
        bytes_clear(&value);
    }
    put_bytes(out, "public key", &k->public_key);
}

static void print_destruction(FILE *out, const Ks__Destruction *d)
{
    fprintf(out, "  %-15s%s: %" PRIu32 " partitions, %" PRIu64 " objects\n", "destroyed",
            d->act == MESSAGE_ZEROISE ? "zeroise" : "factory reset", d->partitions, d->objects);
    for (size_t i = 0; i < d->n_approved_by; i++)
        put_bytes(out, "approved by", &d->approved_by[i]);
}

void statement_print(const struct invocation *in, const Ks__Statement *s, const struct device_claims *claims)
{
    char time[MOMENT_LEN + 1];
    FILE *out = in->out;

    time_text(s->time_ms, time);
    fprintf(out, "%s\n", claims != NULL ? "verified:" : "NOT VERIFIED, only shown (see `strongroom attest verify`):");
    put_line(out, "purpose", purpose_name(s->purpose));
    if (claims != NULL)
        put_line(out, "serial number", claims->serial);
    put_bytes(out, "device", &s->device);
    put_line(out, "board", s->board);
    put_line(out, "hardware", s->hardware ? "true" : "false (simulated: for trying and testing)");
    put_line(out, "root key", s->root);
    put_line(out, "isolation", s->isolation);
    put_line(out, "firmware", s->firmware_version);
    put_bytes(out, "firmware hash", &s->firmware_hash);
    fprintf(out, "  %-15s%" PRIu64 "\n", "counter", s->counter);
    put_firmware_key(out, s);
    put_line(out, "state", keystore_state_name(s->state));
    put_line(out, "start", s->attended ? "attended" : "unattended");
    put_line(out, "time", time);
    put_bytes(out, "boot id", &s->boot_id);
    put_bytes(out, "nonce", &s->nonce);
    if (s->domain_id.len > 0)
        put_line(out, "domain", s->domain_name);
    put_bytes(out, "domain id", &s->domain_id);
    fprintf(out, "  %-15s%" PRIu64 "\n", "audit records", s->audit_sequence);
    put_bytes(out, "audit head", &s->audit_head);
    put_bytes(out, "TPM key", &s->quote_key);
    if (s->key != NULL)
        print_key(out, s);
    if (s->destruction != NULL)
        print_destruction(out, s->destruction);
}

static void put_hex(struct json_writer *w, const char *name, const ProtobufCBinaryData *d)
{
    struct bytes hex = { 0 };

    hex_append(&hex, span_of(d->data, d->len));
    if (d->len > 0)
        json_put_text(w, name, bytes_span(&hex));
    bytes_clear(&hex);
}

static void put_key(struct json_writer *w, const Ks__Statement *s)
{
    const Ks__AttestedKey *k = s->key;

    json_open_object(w, "key");
    json_put_text(w, "partition", span_text(k->partition));
    json_put_bool(w, "restored", statement_key_is_restored(s));
    put_hex(w, "partitionSerial", &k->partition_serial);
    json_open_object(w, "attributes");
    for (size_t i = 0; i < k->n_attributes; i++) {
        struct bytes value = { 0 };
        char name[32];

        name_text(k->attributes[i], name);
        value_text(k->attributes[i], &value);
        json_put_text(w, name, bytes_span(&value));
        bytes_clear(&value);
    }
    json_close_object(w);
    if (k->public_key.len > 0)
        json_put_base64url(w, "publicKey", span_of(k->public_key.data, k->public_key.len));
    json_close_object(w);
}

static void put_destruction(struct json_writer *w, const Ks__Destruction *d)
{
    json_open_object(w, "destruction");
    json_put_text(w, "act", span_text(d->act == MESSAGE_ZEROISE ? "zeroise" : "factoryReset"));
    json_put_int(w, "partitions", d->partitions);
    json_put_int(w, "objects", (int64_t)d->objects);
    json_open_array(w, "approvedBy");
    for (size_t i = 0; i < d->n_approved_by; i++)
        put_hex(w, NULL, &d->approved_by[i]);
    json_close_array(w);
    json_close_object(w);
}

static void put_firmware(struct json_writer *w, const Ks__Statement *s)
{
    json_put_text(w, "board", span_text(s->board));
    json_put_bool(w, "hardware", s->hardware);
    json_put_text(w, "root", span_text(s->root));
    json_put_text(w, "isolation", span_text(s->isolation));
    json_put_text(w, "firmwareVersion", span_text(s->firmware_version));
    put_hex(w, "firmwareHash", &s->firmware_hash);
    json_put_int(w, "counter", (int64_t)s->counter);
}

void statement_print_json(const struct invocation *in, const Ks__Statement *s, const struct device_claims *claims)
{
    char time[MOMENT_LEN + 1];
    struct bytes text = { 0 };
    struct json_writer w;

    time_text(s->time_ms, time);
    json_begin(&w, &text);
    json_open_object(&w, NULL);
    json_put_bool(&w, "verified", claims != NULL);
    json_put_text(&w, "purpose", span_text(purpose_name(s->purpose)));
    if (claims != NULL)
        json_put_text(&w, "serialNumber", span_text(claims->serial));
    put_hex(&w, "device", &s->device);
    put_firmware(&w, s);
    put_hex(&w, "firmwareKey", &s->firmware_key);
    json_put_text(&w, "state", span_text(keystore_state_name(s->state)));
    json_put_bool(&w, "attended", s->attended);
    json_put_text(&w, "time", span_text(time));
    put_hex(&w, "bootId", &s->boot_id);
    put_hex(&w, "nonce", &s->nonce);
    if (s->domain_id.len > 0) {
        json_put_text(&w, "domain", span_text(s->domain_name));
        put_hex(&w, "domainId", &s->domain_id);
        json_put_int(&w, "domainGeneration", s->domain_generation);
    }
    json_put_int(&w, "auditSequence", (int64_t)s->audit_sequence);
    put_hex(&w, "auditHead", &s->audit_head);
    json_put_bool(&w, "quoted", claims != NULL && claims->has_quote_key);
    if (s->key != NULL)
        put_key(&w, s);
    if (s->destruction != NULL)
        put_destruction(&w, s->destruction);
    json_close_object(&w);
    fprintf(in->out, "%s\n", bytes_text(&text));
    bytes_clear(&text);
}
