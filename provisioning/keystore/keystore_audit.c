/* strongroom keystore audit. */
#include <inttypes.h>

#include "firmware/base/hex.h"
#include "provisioning/ceremony/keystore_verbs.h"
#include "provisioning/keystore/audit_record.h"
#include "provisioning/link/keystore_link.h"
#include "service/json/json.h"

static void print_json(const struct invocation *in, const struct audit_record *r, const char *object, const char *peer)
{
    struct bytes text = { 0 };
    struct json_writer w;

    json_begin(&w, &text);
    json_open_object(&w, NULL);
    json_put_int(&w, "sequence", (int64_t)r->sequence);
    json_put_int(&w, "time", (int64_t)r->time_ms);
    json_put_int(&w, "kind", r->kind);
    json_put_text(&w, "what", span_text(audit_record_what(r)));
    json_put_int(&w, "role", r->role);
    json_put_int(&w, "partition", r->partition);
    json_put_int(&w, "result", r->result);
    json_put_int(&w, "mechanism", (int64_t)r->mechanism);
    json_put_text(&w, "object", span_text(object));
    json_put_text(&w, "peer", span_text(peer));
    json_put_int(&w, "detail", (int64_t)r->detail);
    json_close_object(&w);
    fprintf(in->out, "%s", bytes_text(&text));
    bytes_clear(&text);
}

static void print_record(const struct invocation *in, const struct audit_record *r)
{
    struct bytes object = { 0 }, peer = { 0 };

    hex_append(&object, span_of(r->object, sizeof r->object));
    hex_append(&peer, span_of(r->peer, sizeof r->peer));
    if (in->json)
        print_json(in, r, bytes_text(&object), bytes_text(&peer));
    else
        fprintf(in->out,
                "%" PRIu64 " time=%" PRIu64 " kind=%u role=%u partition=%" PRIu32 " result=0x%" PRIx32
                " mechanism=0x%" PRIx64 " object=%s peer=%s detail=%" PRIu64 " %s\n",
                r->sequence, r->time_ms, r->kind, r->role, r->partition, r->result, r->mechanism, bytes_text(&object),
                bytes_text(&peer), r->detail, audit_record_what(r));
    bytes_clear(&object);
    bytes_clear(&peer);
}

/* Those of one answer. */
static int take(const struct invocation *in, const Ks__AuditRecords *answer, struct audit_chain *chain)
{
    struct audit_record r;

    for (size_t at = 0; at + AUDIT_RECORD_LEN <= answer->records.len; at += AUDIT_RECORD_LEN) {
        const uint8_t *record = answer->records.data + at;
        bool first = !chain->begun;

        audit_record_read(record, &r);
        if (audit_chain_add(chain, record) != ST_OK)
            return command_refuse(in, "the chain is broken at record %" PRIu64, r.sequence);
        if (in->json)
            fprintf(in->out, "%s", first ? "[\n" : ",\n");
        print_record(in, &r);
    }
    return EXIT_DONE;
}

/* The answer without records comes when all were read: its head is the last one's hash. */
static int finish(const struct invocation *in, const Ks__AuditRecords *answer, const struct audit_chain *chain)
{
    if (chain->begun &&
        (answer->head.len != AUDIT_HASH_LEN || memcmp(answer->head.data, chain->hash, AUDIT_HASH_LEN) != 0))
        return command_refuse(in, "the chain does not end where the keystore says it does");
    if (in->json)
        fprintf(in->out, "%s]\n", chain->begun ? "\n" : "[");
    else if (chain->breaks > 0)
        fprintf(in->out, "the chain holds from %" PRIu64 " to %" PRIu64 "; the keystore began it anew %u times\n",
                chain->first, chain->last, chain->breaks);
    else
        fprintf(in->out, "the chain holds from %" PRIu64 " to %" PRIu64 "\n", chain->first, chain->last);
    return EXIT_DONE;
}

static int print_all(const struct invocation *in, struct keystore_link *k)
{
    Ks__AuditRead m = KS__AUDIT_READ__INIT;
    struct audit_chain chain = { 0 };
    Ks__AuditRecords *answer;
    int code;

    do {
        if ((code = keystore_link_call(in, k, MESSAGE_AUDIT_READ, &m.base, &answer)) != EXIT_DONE ||
            (code = take(in, answer, &chain)) != EXIT_DONE)
            return code;
        m.from = answer->next;
    } while (answer->records.len > 0);
    return finish(in, answer, &chain);
}

int keystore_audit(struct invocation *in)
{
    struct keystore_link *k;
    int code;

    if ((code = keystore_link_open(in, &k)) == EXIT_DONE)
        code = print_all(in, k);
    keystore_link_close(k);
    return code;
}
