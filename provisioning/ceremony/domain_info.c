#include "provisioning/ceremony/domain_info.h"

#include <inttypes.h>
#include <openssl/sha.h>

#include "provisioning/cli/json_file.h"
#include "provisioning/cli/moment.h"
#include "provisioning/cli/plain.h"
#include "provisioning/link/keystore_link.h"

static struct span span_from(ProtobufCBinaryData d)
{
    return span_of(d.data, d.len);
}

/* A holder's certificate is named by its SHA-256. */
static struct span id_of(const Ks__Holder *h, uint8_t id[SHA256_DIGEST_LENGTH])
{
    SHA256(h->certificate.data, h->certificate.len, id);
    return span_of(id, SHA256_DIGEST_LENGTH);
}

static void format_time(uint64_t ms, char out[MOMENT_LEN + 1])
{
    moment_format(ms <= MOMENT_MAX ? ms : MOMENT_MAX, out);
}

static void put_set(struct json_writer *w, const char *name, const Ks__HolderSet *set)
{
    uint8_t id[SHA256_DIGEST_LENGTH];

    if (set == NULL) {
        json_put_null(w, name);
        return;
    }
    json_open_object(w, name);
    json_put_int(w, "generation", set->generation);
    json_put_int(w, "required", set->required);
    json_open_array(w, "holders");
    for (size_t i = 0; i < set->n_holders; i++) {
        json_open_object(w, NULL);
        json_put_text(w, "name", span_text(set->holders[i]->name));
        json_file_put_hex(w, "holder", id_of(set->holders[i], id));
        json_close_object(w);
    }
    json_close_array(w);
    json_close_object(w);
}

static void put_json(struct bytes *text, const Ks__DomainInfo *d)
{
    char time[MOMENT_LEN + 1];
    struct json_writer w;

    format_time(d->time_ms, time);
    json_begin(&w, text);
    json_open_object(&w, NULL);
    json_put_text(&w, "name", span_text(d->name));
    json_file_put_hex(&w, "domainId", span_from(d->id));
    json_file_put_hex(&w, "device", span_from(d->device));
    put_set(&w, "current", d->current);
    put_set(&w, "pending", d->pending);
    json_put_int(&w, "actSequence", (int64_t)d->act_sequence);
    json_put_text(&w, "time", span_text(time));
    json_file_put_hex(&w, "firmwareKey", span_from(d->firmware_key));
    json_put_text(&w, "auditSink", span_text(d->audit_sink));
    json_file_put_hex(&w, "auditSinkPeer", span_from(d->audit_sink_peer));
    json_close_object(&w);
}

static void put_set_words(struct bytes *text, const char *what, const Ks__HolderSet *set)
{
    uint8_t id[SHA256_DIGEST_LENGTH];

    if (set == NULL)
        return;
    bytes_printf(text, "%s: %" PRIu32 " of %zu approve (set number %" PRIu32 ")\n", what, set->required, set->n_holders,
                 set->generation);
    for (size_t i = 0; i < set->n_holders; i++) {
        bytes_append_text(text, "  ");
        plain_append_hex(text, id_of(set->holders[i], id));
        bytes_append_text(text, "  ");
        plain_append(text, span_text(set->holders[i]->name));
        bytes_append_char(text, '\n');
    }
}

static void put_words(struct bytes *text, const Ks__DomainInfo *d)
{
    char time[MOMENT_LEN + 1];

    format_time(d->time_ms, time);
    if (d->current == NULL && d->pending == NULL)
        bytes_append_text(text, "no security domain yet\n");
    else {
        bytes_append_text(text, "security domain ");
        plain_append(text, span_text(d->name));
        bytes_append_text(text, ", ");
        plain_append_hex(text, span_from(d->id));
        bytes_append_char(text, '\n');
    }
    put_set_words(text, "holders in force", d->current);
    put_set_words(text, "holders PENDING, until their file is exported and confirmed", d->pending);
    bytes_append_text(text, "keystore      ");
    plain_append_hex(text, span_from(d->device));
    bytes_printf(text, "\nact number    %" PRIu64 "\nclock         %s\nfirmware key  ", d->act_sequence, time);
    plain_append_hex(text, span_from(d->firmware_key));
    bytes_append_text(text, "\naudit sink    ");
    if (d->audit_sink[0] == '\0')
        bytes_append_text(text, "none");
    else {
        plain_append(text, span_text(d->audit_sink));
        bytes_append_text(text, ", key ");
        plain_append_hex(text, span_from(d->audit_sink_peer));
    }
}

int domain_info(struct invocation *in)
{
    Ks__Empty empty = KS__EMPTY__INIT;
    struct bytes text = { 0 };
    struct keystore_link *k;
    Ks__DomainInfo *d;
    int code;

    if ((code = keystore_link_open(in, &k)) == EXIT_DONE &&
        (code = keystore_link_call(in, k, MESSAGE_DOMAIN_INFO, &empty.base, &d)) == EXIT_DONE) {
        if (in->json)
            put_json(&text, d);
        else
            put_words(&text, d);
        if (bytes_status(&text) != ST_OK)
            code = command_refuse(in, "out of memory");
        else
            fprintf(in->out, "%s\n", bytes_text(&text));
    }
    bytes_clear(&text);
    keystore_link_close(k);
    return code;
}
