/* strongroom keystore audit. */
#include <inttypes.h>

#include "firmware/base/hex.h"
#include "provisioning/ceremony/keystore_verbs.h"
#include "firmware/wire/pkcs11.h"
#include "provisioning/cli/moment.h"
#include "provisioning/keystore/audit_record.h"
#include "provisioning/link/keystore_link.h"
#include "provisioning/link/result_name.h"
#include "service/json/json.h"

static void format_time(const struct audit_record *r, char out[MOMENT_LEN + 1])
{
    moment_format(r->time_ms <= MOMENT_MAX ? r->time_ms : MOMENT_MAX, out);
}

static const char *role_name(const struct audit_record *r)
{
    static const char *const names[] = {
        [PEER_STRANGER] = "nobody", [PEER_OWNER] = "owner",     [PEER_CLIENT] = "client",
        [PEER_AUDITOR] = "auditor", [PEER_FACTORY] = "factory",
    };

    return r->role < ARRAY_LEN(names) ? names[r->role] : "?";
}

/* Who did what when, and what became of it; then what not every record has. */
static void print_words(const struct invocation *in, const struct audit_record *r, const char *object, const char *peer)
{
    static const uint8_t none[sizeof r->object];
    const char *result = result_name(r->result);
    char time[MOMENT_LEN + 1];

    format_time(r, time);
    fprintf(in->out, "%8" PRIu64 "  %s  %-7s  %-22s  ", r->sequence, time, role_name(r), audit_record_what(r));
    if (r->result == CKR_OK)
        fprintf(in->out, "ok");
    else
        fprintf(in->out, "REFUSED %s (0x%" PRIx32 ")", result, r->result);
    fprintf(in->out, "  by %s", peer);
    if (r->kind == AUDIT_EVENT_APPROVAL)
        fprintf(in->out, ", of %s, act number %" PRId64, audit_record_act(r), audit_record_act_number(r));
    else if (r->detail != 0)
        fprintf(in->out, ", detail %" PRIu64, r->detail);
    if (r->partition != 0)
        fprintf(in->out, ", partition %" PRIu32, r->partition);
    if (r->mechanism != 0)
        fprintf(in->out, ", mechanism 0x%" PRIx64, r->mechanism);
    if (memcmp(r->object, none, sizeof none) != 0)
        fprintf(in->out, ", object %s", object);
    fputc('\n', in->out);
}

static void print_json(const struct invocation *in, const struct audit_record *r, const char *object, const char *peer)
{
    char time[MOMENT_LEN + 1];
    struct bytes text = { 0 };
    struct json_writer w;

    format_time(r, time);
    json_begin(&w, &text);
    json_open_object(&w, NULL);
    json_put_int(&w, "sequence", (int64_t)r->sequence);
    json_put_int(&w, "time", (int64_t)r->time_ms);
    json_put_text(&w, "timeUtc", span_text(time));
    json_put_int(&w, "kind", r->kind);
    json_put_text(&w, "what", span_text(audit_record_what(r)));
    json_put_int(&w, "role", r->role);
    json_put_text(&w, "roleName", span_text(role_name(r)));
    json_put_int(&w, "partition", r->partition);
    json_put_int(&w, "result", r->result);
    json_put_text(&w, "resultName", span_text(result_name(r->result)));
    json_put_int(&w, "mechanism", (int64_t)r->mechanism);
    json_put_text(&w, "object", span_text(object));
    json_put_text(&w, "peer", span_text(peer));
    json_put_int(&w, "detail", (int64_t)r->detail);
    if (r->kind == AUDIT_EVENT_APPROVAL) {
        json_put_text(&w, "act", span_text(audit_record_act(r)));
        json_put_int(&w, "actNumber", audit_record_act_number(r));
    }
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
        print_words(in, r, bytes_text(&object), bytes_text(&peer));
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
        fprintf(in->out, "%s", chain->begun ? "" : "[");
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
        if ((code = keystore_link_call(in, k, MESSAGE_AUDIT_READ, &m.base, &answer)) == EXIT_DONE &&
            (code = take(in, answer, &chain)) == EXIT_DONE)
            m.from = answer->next;
    } while (code == EXIT_DONE && answer->records.len > 0);
    if (code == EXIT_DONE)
        code = finish(in, answer, &chain);
    if (in->json && (chain.begun || code == EXIT_DONE)) /* what there is is JSON, also when there should be more */
        fprintf(in->out, "%s]\n", chain.begun ? "\n" : "");
    return code;
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
