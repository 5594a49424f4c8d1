#include "firmware/wire/act.h"

#include <openssl/evp.h>

#include "firmware/base/big_endian.h"
#include "firmware/base/secret.h"

#define TITLE "strongroom act v1"

static Ks__Authorisation **authorisation_of(uint16_t kind, ProtobufCMessage *m)
{
    switch (kind) {
    case MESSAGE_DOMAIN_CHANGE:
        return &((Ks__DomainChange *)m)->authorisation;
    case MESSAGE_DOMAIN_EXPORT:
        return &((Ks__DomainExport *)m)->authorisation;
    case MESSAGE_DOMAIN_RESTORE:
        return &((Ks__DomainRestore *)m)->authorisation;
    case MESSAGE_ROLE_SET:
        return &((Ks__RoleSet *)m)->authorisation;
    case MESSAGE_AUDIT_SINK_SET:
        return &((Ks__AuditSinkSet *)m)->authorisation;
    case MESSAGE_FIRMWARE_KEY_SET:
        return &((Ks__FirmwareKeySet *)m)->authorisation;
    case MESSAGE_CLOCK_SET:
        return &((Ks__ClockSet *)m)->authorisation;
    case MESSAGE_START_MODE_SET:
        return &((Ks__StartModeSet *)m)->authorisation;
    case MESSAGE_PARTITION_SET:
        return &((Ks__Partition *)m)->authorisation;
    case MESSAGE_RESTORE_BEGIN:
        return &((Ks__RestoreBegin *)m)->authorisation;
    case MESSAGE_FACTORY_RESET:
    case MESSAGE_ZEROISE:
        return &((Ks__Decommission *)m)->authorisation;
    default:
        return NULL;
    }
}

bool act_kind_is_dangerous(uint16_t kind)
{
    union {
        ProtobufCMessage base;
        Ks__Partition largest;
    } any; /* its address alone is used */

    return authorisation_of(kind, &any.base) != NULL;
}

const Ks__Authorisation *act_authorisation(uint16_t kind, const ProtobufCMessage *m)
{
    Ks__Authorisation **a = authorisation_of(kind, (ProtobufCMessage *)(uintptr_t)m);

    return a != NULL ? *a : NULL;
}

void act_authorise(uint16_t kind, ProtobufCMessage *m, Ks__Authorisation *a)
{
    Ks__Authorisation **at = authorisation_of(kind, m);

    INVARIANT(at != NULL);
    *at = a;
}

static enum status hash_packed(const ProtobufCMessage *m, uint8_t out[32])
{
    size_t len = protobuf_c_message_get_packed_size(m);
    uint8_t *packed = malloc(len + 1);
    enum status st = ST_NO_MEMORY;

    if (packed == NULL)
        return st;
    protobuf_c_message_pack(m, packed);
    if (EVP_Digest(packed, len, out, NULL, EVP_sha256(), NULL) == 1)
        st = ST_OK;
    secret_wipe(packed, len);
    free(packed);
    return st;
}

/* Each operator but for his passphrase. */
static enum status hash_start_mode(const Ks__StartModeSet *m, uint8_t out[32])
{
    Ks__Operator operators[OPERATORS_MAX], *list[OPERATORS_MAX];
    Ks__StartModeSet copy = *m;

    if (m->n_operators > OPERATORS_MAX)
        return ST_BAD_REQUEST;
    for (size_t i = 0; i < m->n_operators; i++) {
        operators[i] = *m->operators[i];
        operators[i].passphrase = (ProtobufCBinaryData){ 0 };
        list[i] = &operators[i];
    }
    copy.operators = list;
    return hash_packed(&copy.base, out);
}

static enum status hash_restore(const Ks__DomainRestore *m, uint8_t out[32])
{
    Ks__DomainRestore copy = *m;

    copy.n_shares = 0;
    copy.shares = NULL;
    copy.wrapped_key = (char *)(uintptr_t)protobuf_c_empty_string;
    return hash_packed(&copy.base, out);
}

enum status act_digest(uint16_t kind, ProtobufCMessage *m, uint8_t out[32])
{
    Ks__Authorisation **at = authorisation_of(kind, m), *kept;
    enum status st;

    if (at == NULL)
        return ST_BAD_REQUEST;
    kept = *at;
    *at = NULL;
    if (kind == MESSAGE_START_MODE_SET)
        st = hash_start_mode((const Ks__StartModeSet *)m, out);
    else if (kind == MESSAGE_DOMAIN_RESTORE)
        st = hash_restore((const Ks__DomainRestore *)m, out);
    else
        st = hash_packed(m, out);
    *at = kept;
    return st;
}

void act_statement(const struct act *a, uint8_t out[ACT_STATEMENT_LEN])
{
    uint8_t *p = out;

    memcpy(p, TITLE, sizeof TITLE);
    p = be_put(p + sizeof TITLE, a->kind, 2);
    memcpy(p, a->device, sizeof a->device);
    p += sizeof a->device;
    memcpy(p, a->domain_id, sizeof a->domain_id);
    p = be_put(p + sizeof a->domain_id, a->generation, 4);
    p = be_put(p, a->sequence, 8);
    p = be_put(p, a->expires_ms, 8);
    memcpy(p, a->digest, sizeof a->digest);
    INVARIANT(p + sizeof a->digest == out + ACT_STATEMENT_LEN);
}
