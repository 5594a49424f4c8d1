#include "provisioning/ceremony/act_file.h"

#include <openssl/sha.h>

#include "provisioning/cli/json_file.h"
#include "provisioning/cli/moment.h"

static const struct {
    uint16_t kind;
    const char *name;
} kinds[] = {
    { MESSAGE_DOMAIN_CHANGE, "domain-change" },   { MESSAGE_DOMAIN_EXPORT, "domain-export" },
    { MESSAGE_DOMAIN_RESTORE, "domain-restore" }, { MESSAGE_ROLE_SET, "role-set" },
    { MESSAGE_AUDIT_SINK_SET, "audit-sink-set" }, { MESSAGE_FIRMWARE_KEY_SET, "firmware-key-set" },
    { MESSAGE_CLOCK_SET, "clock-set" },           { MESSAGE_START_MODE_SET, "start-mode-set" },
    { MESSAGE_PARTITION_SET, "partition-set" },   { MESSAGE_RESTORE_BEGIN, "partition-restore" },
    { MESSAGE_FACTORY_RESET, "factory-reset" },   { MESSAGE_ZEROISE, "zeroise" },
};

const char *act_kind_name(uint16_t kind)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (kinds[i].kind == kind)
            return kinds[i].name;
    return NULL;
}

static enum status kind_get(const json_t *object, uint16_t *out)
{
    struct span text;

    if (json_get_text(object, "kind", &text) == ST_OK)
        for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
            if (span_is(text, kinds[i].name)) {
                *out = kinds[i].kind;
                return ST_OK;
            }
    return ST_BAD_REQUEST;
}

void act_name(const struct act *a, uint8_t out[32])
{
    uint8_t statement[ACT_STATEMENT_LEN];

    act_statement(a, statement);
    SHA256(statement, sizeof statement, out);
}

/* --- acts --- */

static enum status act_get(const json_t *object, struct act_file *out)
{
    struct act *a = &out->act;
    uint64_t generation;
    struct span expires;
    enum status st;

    if ((st = kind_get(object, &a->kind)) != ST_OK ||
        (st = json_file_hex(object, "device", a->device, sizeof a->device)) != ST_OK ||
        (st = json_file_hex(object, "domainId", a->domain_id, sizeof a->domain_id)) != ST_OK ||
        (st = json_file_number(object, "generation", UINT32_MAX, &generation)) != ST_OK ||
        (st = json_file_number(object, "sequence", INT64_MAX, &a->sequence)) != ST_OK ||
        (st = json_file_base64url(object, "request", LINK_MESSAGE_MAX, &out->request)) != ST_OK)
        return st;
    if (json_get_text(object, "expires", &expires) != ST_OK || moment_parse(expires, &a->expires_ms) != ST_OK)
        return ST_BAD_REQUEST;
    a->generation = (uint32_t)generation;
    SHA256(out->request.p, out->request.len, a->digest);
    return ST_OK;
}

static enum status holders_get(const json_t *object, struct act_file *out)
{
    uint64_t required;
    json_t *list;
    enum status st = json_file_number(object, "required", QUORUM_MAX, &required);

    if (st != ST_OK || json_get_array(object, "holders", &list) != ST_OK || json_array_size(list) > HOLDERS_MAX)
        return ST_BAD_REQUEST;
    out->required = (uint32_t)required;
    for (size_t i = 0; i < json_array_size(list) && st == ST_OK; i++) {
        struct act_holder *h = &out->holders[out->holder_count++];

        if ((st = json_file_hex(json_array_get(list, i), "holder", h->id, sizeof h->id)) == ST_OK)
            st = json_file_text(json_array_get(list, i), "name", PARTITION_NAME_MAX, h->name);
    }
    return st;
}

int act_file_read(const struct invocation *in, const char *path, struct act_file *out)
{
    enum status st;
    json_t *object;
    int code;

    act_file_clear(out);
    if ((code = json_file_read(in, path, ACT_FILE_MAX, &object)) != EXIT_DONE)
        return code;
    if ((st = act_get(object, out)) == ST_OK)
        st = holders_get(object, out);
    json_decref(object);
    if (st == ST_OK)
        return EXIT_DONE;
    act_file_clear(out);
    return json_file_refuse(in, path, "act", st);
}

void act_put(struct json_writer *w, const struct act_file *a)
{
    char expires[MOMENT_LEN + 1];

    moment_format(a->act.expires_ms, expires);
    json_put_text(w, "kind", span_text(act_kind_name(a->act.kind)));
    json_file_put_hex(w, "device", span_of(a->act.device, sizeof a->act.device));
    json_file_put_hex(w, "domainId", span_of(a->act.domain_id, sizeof a->act.domain_id));
    json_put_int(w, "generation", a->act.generation);
    json_put_int(w, "sequence", (int64_t)a->act.sequence);
    json_put_text(w, "expires", span_text(expires));
}

void act_put_holders(struct json_writer *w, const struct act_file *a)
{
    json_put_int(w, "required", a->required);
    json_open_array(w, "holders");
    for (size_t i = 0; i < a->holder_count; i++) {
        json_open_object(w, NULL);
        json_file_put_hex(w, "holder", span_of(a->holders[i].id, HOLDER_ID_LEN));
        json_put_text(w, "name", span_text(a->holders[i].name));
        json_close_object(w);
    }
    json_close_array(w);
}

int act_not_shown(const struct invocation *in, enum status st)
{
    return command_refuse(in, "%s: %s", command_value(in, "act"),
                          st == ST_BAD_REQUEST ? "the request in it is none, or carries more than is approved"
                                               : status_name(st));
}

int act_file_write(const struct invocation *in, const char *path, const struct act_file *a, struct span words)
{
    struct bytes text = { 0 };
    struct json_writer w;

    json_file_begin(&w, &text);
    act_put(&w, a);
    json_put_base64url(&w, "request", bytes_span(&a->request));
    act_put_holders(&w, a);
    json_put_text(&w, "words", words);
    return json_file_end(in, path, 0644, &w, &text);
}

void act_file_clear(struct act_file *a)
{
    bytes_clear(&a->request);
    *a = (struct act_file){ 0 };
}
