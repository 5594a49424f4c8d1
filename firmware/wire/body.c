#include "firmware/wire/body.h"

#include "firmware/wire/validate.h"

/* What a kind of body is made of. */
struct body {
    const ProtobufCMessageDescriptor *descriptor;
    enum status (*validate)(const ProtobufCMessage *m);
};

#define BODY(type, name)                                                                                               \
    static enum status check_##name(const ProtobufCMessage *m)                                                         \
    {                                                                                                                  \
        return validate_##name((const Ks__##type *)m);                                                                 \
    }                                                                                                                  \
    static const struct body body_##name = { &ks__##name##__descriptor, check_##name };
#define PLAIN_BODY(name) static const struct body body_##name = { &ks__##name##__descriptor, validate_known };

VALIDATED_MESSAGES(BODY)
PLAIN_BODY(empty)
PLAIN_BODY(session)
PLAIN_BODY(open_session)
PLAIN_BODY(object)
PLAIN_BODY(object_size)
PLAIN_BODY(handle)
PLAIN_BODY(key_pair)
PLAIN_BODY(partition_id)
PLAIN_BODY(audit_read)
PLAIN_BODY(backup_begin)
PLAIN_BODY(unlocked)

static const struct {
    const struct body *request, *answer;
} kinds[MESSAGE_KIND_COUNT_] = {
    [MESSAGE_ATTACH] = { &body_attach, &body_attach },
    [MESSAGE_STATUS] = { &body_empty, &body_status },
    [MESSAGE_TOKEN_INFO] = { &body_empty, &body_token_info },
    [MESSAGE_MECHANISM_LIST] = { &body_empty, &body_mechanism_list },
    [MESSAGE_INIT_TOKEN] = { &body_init_token, &body_empty },
    [MESSAGE_INIT_PIN] = { &body_init_pin, &body_empty },
    [MESSAGE_SET_PIN] = { &body_set_pin, &body_empty },
    [MESSAGE_LOGIN] = { &body_login, &body_empty },
    [MESSAGE_LOGOUT] = { &body_session, &body_empty },
    [MESSAGE_OPEN_SESSION] = { &body_open_session, &body_session },
    [MESSAGE_CLOSE_SESSION] = { &body_session, &body_empty },
    [MESSAGE_SESSION_INFO] = { &body_session, &body_session_info },
    [MESSAGE_CREATE_OBJECT] = { &body_create_object, &body_handle },
    [MESSAGE_COPY_OBJECT] = { &body_copy_object, &body_handle },
    [MESSAGE_DESTROY_OBJECT] = { &body_object, &body_empty },
    [MESSAGE_GET_ATTRIBUTES] = { &body_get_attributes, &body_template },
    [MESSAGE_SET_ATTRIBUTES] = { &body_set_attributes, &body_empty },
    [MESSAGE_FIND_OBJECTS] = { &body_find_objects, &body_handles },
    [MESSAGE_OBJECT_SIZE] = { &body_object, &body_object_size },
    [MESSAGE_GENERATE_KEY] = { &body_generate_key, &body_handle },
    [MESSAGE_GENERATE_KEY_PAIR] = { &body_generate_key_pair, &body_key_pair },
    [MESSAGE_WRAP_KEY] = { &body_wrap_key, &body_data },
    [MESSAGE_UNWRAP_KEY] = { &body_unwrap_key, &body_handle },
    [MESSAGE_DERIVE_KEY] = { &body_derive_key, &body_handle },
    [MESSAGE_ENCAPSULATE] = { &body_encapsulate, &body_encapsulated },
    [MESSAGE_DECAPSULATE] = { &body_decapsulate, &body_handle },
    [MESSAGE_COMPUTE] = { &body_compute, &body_data },
    [MESSAGE_OPERATION_BEGIN] = { &body_operation_begin, &body_empty },
    [MESSAGE_OPERATION_UPDATE] = { &body_operation_update, &body_data },
    [MESSAGE_OPERATION_FINAL] = { &body_operation_final, &body_data },
    [MESSAGE_OPERATION_CANCEL] = { &body_operation_cancel, &body_empty },
    [MESSAGE_RANDOM] = { &body_random, &body_data },
    [MESSAGE_SEED] = { &body_seed, &body_empty },
    [MESSAGE_PARTITION_CREATE] = { &body_partition, &body_partition_id },
    [MESSAGE_PARTITION_LIST] = { &body_empty, &body_partition_list },
    [MESSAGE_PARTITION_DELETE] = { &body_partition_id, &body_empty },
    [MESSAGE_PARTITION_SET] = { &body_partition, &body_empty },
    [MESSAGE_AUDIT_READ] = { &body_audit_read, &body_audit_records },
    [MESSAGE_SELF_TEST] = { &body_empty, &body_empty },
    [MESSAGE_ZEROISE] = { &body_decommission, &body_signed_statement },
    [MESSAGE_FACTORY_RESET] = { &body_decommission, &body_signed_statement },
    [MESSAGE_BACKUP_BEGIN] = { &body_backup_begin, &body_backup_part },
    [MESSAGE_BACKUP_NEXT] = { &body_empty, &body_backup_part },
    [MESSAGE_RESTORE_BEGIN] = { &body_restore_begin, &body_empty },
    [MESSAGE_RESTORE_NEXT] = { &body_restore_part, &body_empty },
    [MESSAGE_DOMAIN_INFO] = { &body_empty, &body_domain_info },
    [MESSAGE_DOMAIN_CREATE] = { &body_domain_create, &body_empty },
    [MESSAGE_DOMAIN_EXPORT] = { &body_domain_export, &body_domain_file },
    [MESSAGE_DOMAIN_CONFIRM] = { &body_domain_confirm, &body_empty },
    [MESSAGE_DOMAIN_CHANGE] = { &body_domain_change, &body_empty },
    [MESSAGE_DOMAIN_TRANSFER] = { &body_empty, &body_certificate },
    [MESSAGE_DOMAIN_RESTORE] = { &body_domain_restore, &body_empty },
    [MESSAGE_ROLE_SET] = { &body_role_set, &body_empty },
    [MESSAGE_AUDIT_SINK_SET] = { &body_audit_sink_set, &body_empty },
    [MESSAGE_FIRMWARE_KEY_SET] = { &body_firmware_key_set, &body_empty },
    [MESSAGE_CLOCK_SET] = { &body_clock_set, &body_empty },
    [MESSAGE_START_MODE_SET] = { &body_start_mode_set, &body_empty },
    [MESSAGE_UNLOCK] = { &body_unlock, &body_unlocked },
    [MESSAGE_ATTEST] = { &body_attest, &body_signed_statement },
    [MESSAGE_DEVICE_IDENTITY] = { &body_empty, &body_device_identity },
    [MESSAGE_CERTIFICATE_INSTALL] = { &body_certificate_install, &body_empty },
};

bool message_kind_exists(uint16_t kind)
{
    return kind < ARRAY_LEN(kinds) && kinds[kind].request != NULL;
}

static const struct body *body_of(uint16_t kind, bool answer)
{
    return answer ? kinds[kind].answer : kinds[kind].request;
}

/* Also refused is what is longer than our own packing of it would be: fields twice, text with a NUL inside, a default
 * spelled out, numbers in more bytes than they need. */
static enum status unpack(const struct body *body, struct span packed, struct budget *b, ProtobufCMessage **out)
{
    ProtobufCMessage *m = protobuf_c_message_unpack(body->descriptor, budget_allocator(b), packed.len, packed.p);
    enum status st;

    *out = NULL;
    if (m == NULL)
        return b->exhausted ? ST_TOO_LARGE : ST_BAD_REQUEST;
    if ((st = body->validate(m)) != ST_OK)
        return st;
    if (protobuf_c_message_get_packed_size(m) != packed.len)
        return ST_BAD_REQUEST;
    *out = m;
    return ST_OK;
}

enum status message_unpack(uint16_t kind, bool answer, struct span body, struct budget *b, ProtobufCMessage **out)
{
    *out = NULL;
    if (!message_kind_exists(kind))
        return ST_BAD_REQUEST;
    return unpack(body_of(kind, answer), body, b, out);
}

enum status message_send(struct link *l, uint32_t id, uint16_t kind, bool answer, uint32_t word,
                         const ProtobufCMessage *m)
{
    size_t len = m != NULL ? protobuf_c_message_get_packed_size(m) : 0;
    struct message_header h = {
        .length = (uint32_t)len, .id = id, .kind = kind, .flags = answer ? MESSAGE_ANSWER : 0, .word = word
    };
    uint8_t *room;
    enum status st;

    INVARIANT(message_kind_exists(kind) && (m == NULL || m->descriptor == body_of(kind, answer)->descriptor));
    if ((st = link_send_begin(l, len, &room)) != ST_OK)
        return st;
    if (m != NULL)
        protobuf_c_message_pack(m, room);
    link_send_done(l, &h);
    return ST_OK;
}

/* PKCS#11 3.2 leaves CKF_ARRAY_ATTRIBUTE out of the two of KEMs. */
static bool is_template(uint64_t type)
{
    return type == CKA_ENCAPSULATE_TEMPLATE || type == CKA_DECAPSULATE_TEMPLATE ||
           ((type & CKF_ARRAY_ATTRIBUTE) != 0 && type != CKA_ALLOWED_MECHANISMS);
}

enum status template_unpack(struct span value, struct budget *b, Ks__Template **out)
{
    ProtobufCMessage *m;
    enum status st = unpack(&body_template, value, b, &m);
    Ks__Template *t = (Ks__Template *)m;

    *out = NULL;
    if (st != ST_OK)
        return st;
    for (size_t i = 0; i < t->n_attributes; i++) {
        if (is_template(t->attributes[i]->type))
            return ST_BAD_REQUEST;
    }
    *out = t;
    return ST_OK;
}

/* --- mechanisms --- */

static struct span span_of_data(ProtobufCBinaryData d)
{
    return span_of(d.data, d.len);
}

static ProtobufCBinaryData data_of_span(struct span s)
{
    return (ProtobufCBinaryData){ .len = s.len, .data = (uint8_t *)s.p }; /* packing only reads it */
}

void mechanism_from_wire(const Ks__Mechanism *in, struct mechanism *out)
{
    *out = (struct mechanism){ .type = in->type,
                               .has_parameter = in->has_parameter,
                               .hash = in->hash,
                               .mgf = in->mgf,
                               .number = in->number,
                               .key = in->key,
                               .flags = in->flags,
                               .iv = span_of_data(in->iv),
                               .aad = span_of_data(in->aad),
                               .data = span_of_data(in->data) };
}

void mechanism_to_wire(const struct mechanism *in, Ks__Mechanism *out)
{
    ks__mechanism__init(out);
    out->type = in->type;
    out->has_parameter = in->has_parameter;
    out->hash = in->hash;
    out->mgf = in->mgf;
    out->number = in->number;
    out->key = in->key;
    out->flags = in->flags;
    out->iv = data_of_span(in->iv);
    out->aad = data_of_span(in->aad);
    out->data = data_of_span(in->data);
}
