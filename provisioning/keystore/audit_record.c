#include "provisioning/keystore/audit_record.h"

#include <openssl/evp.h>

#include "firmware/base/big_endian.h"
#include "firmware/wire/message.h"

#define HASHED_LEN 67
#define HASH_AT    (AUDIT_RECORD_LEN - AUDIT_HASH_LEN)

static const struct {
    uint16_t kind;
    const char *what;
} names[] = {
    { MESSAGE_ATTACH, "attach" },
    { MESSAGE_STATUS, "status" },
    { MESSAGE_TOKEN_INFO, "token-info" },
    { MESSAGE_INIT_TOKEN, "init-token" },
    { MESSAGE_INIT_PIN, "init-pin" },
    { MESSAGE_SET_PIN, "set-pin" },
    { MESSAGE_LOGIN, "login" },
    { MESSAGE_LOGOUT, "logout" },
    { MESSAGE_OPEN_SESSION, "open-session" },
    { MESSAGE_CLOSE_SESSION, "close-session" },
    { MESSAGE_SESSION_INFO, "session-info" },
    { MESSAGE_CREATE_OBJECT, "create-object" },
    { MESSAGE_COPY_OBJECT, "copy-object" },
    { MESSAGE_DESTROY_OBJECT, "destroy-object" },
    { MESSAGE_GET_ATTRIBUTES, "get-attributes" },
    { MESSAGE_SET_ATTRIBUTES, "set-attributes" },
    { MESSAGE_FIND_OBJECTS, "find-objects" },
    { MESSAGE_OBJECT_SIZE, "object-size" },
    { MESSAGE_GENERATE_KEY, "generate-key" },
    { MESSAGE_GENERATE_KEY_PAIR, "generate-key-pair" },
    { MESSAGE_WRAP_KEY, "wrap-key" },
    { MESSAGE_UNWRAP_KEY, "unwrap-key" },
    { MESSAGE_DERIVE_KEY, "derive-key" },
    { MESSAGE_ENCAPSULATE, "encapsulate" },
    { MESSAGE_DECAPSULATE, "decapsulate" },
    { MESSAGE_COMPUTE, "use-key" },
    { MESSAGE_OPERATION_BEGIN, "use-key-in-parts" },
    { MESSAGE_OPERATION_UPDATE, "use-key-update" },
    { MESSAGE_OPERATION_FINAL, "use-key-final" },
    { MESSAGE_OPERATION_CANCEL, "use-key-cancel" },
    { MESSAGE_RANDOM, "random" },
    { MESSAGE_SEED, "seed" },
    { MESSAGE_PARTITION_CREATE, "partition-create" },
    { MESSAGE_PARTITION_LIST, "partition-list" },
    { MESSAGE_PARTITION_DELETE, "partition-delete" },
    { MESSAGE_PARTITION_SET, "partition-set" },
    { MESSAGE_AUDIT_READ, "audit-read" },
    { MESSAGE_SELF_TEST, "self-test" },
    { MESSAGE_ZEROISE, "zeroise" },
    { MESSAGE_FACTORY_RESET, "factory-reset" },
    { MESSAGE_BACKUP_BEGIN, "partition-backup" },
    { MESSAGE_BACKUP_NEXT, "partition-backup-part" },
    { MESSAGE_RESTORE_BEGIN, "partition-restore" },
    { MESSAGE_RESTORE_NEXT, "partition-restore-part" },
    { MESSAGE_DOMAIN_INFO, "domain-info" },
    { MESSAGE_DOMAIN_CREATE, "domain-create" },
    { MESSAGE_DOMAIN_EXPORT, "domain-export" },
    { MESSAGE_DOMAIN_CONFIRM, "domain-confirm" },
    { MESSAGE_DOMAIN_CHANGE, "domain-change" },
    { MESSAGE_DOMAIN_TRANSFER, "domain-transfer" },
    { MESSAGE_DOMAIN_RESTORE, "domain-restore" },
    { MESSAGE_ROLE_SET, "role-set" },
    { MESSAGE_AUDIT_SINK_SET, "audit-sink-set" },
    { MESSAGE_FIRMWARE_KEY_SET, "firmware-key-set" },
    { MESSAGE_CLOCK_SET, "clock-set" },
    { MESSAGE_START_MODE_SET, "start-mode-set" },
    { MESSAGE_UNLOCK, "unlock" },
    { MESSAGE_ATTEST, "attest" },
    { MESSAGE_DEVICE_IDENTITY, "device-identity" },
    { MESSAGE_CERTIFICATE_INSTALL, "certificate-install" },
    { AUDIT_EVENT_START, "start" },
    { AUDIT_EVENT_STATE, "state" },
    { AUDIT_EVENT_SELF_TEST, "self-test-failed" },
    { AUDIT_EVENT_REFUSED_PEER, "refused-peer" },
    { AUDIT_EVENT_BROKEN_LINK, "broken-link" },
    { AUDIT_EVENT_ROLLBACK, "new-chain" },
    { AUDIT_EVENT_APPROVAL, "approval" },
};

void audit_record_read(const uint8_t in[AUDIT_RECORD_LEN], struct audit_record *out)
{
    out->sequence = be_get(in, 8);
    out->time_ms = be_get(in + 8, 8);
    out->kind = (uint16_t)be_get(in + 16, 2);
    out->role = in[18];
    out->partition = (uint32_t)be_get(in + 19, 4);
    out->result = (uint32_t)be_get(in + 23, 4);
    out->mechanism = be_get(in + 27, 8);
    memcpy(out->object, in + 35, sizeof out->object);
    memcpy(out->peer, in + 51, sizeof out->peer);
    out->detail = be_get(in + 59, 8);
}

static const char *name_of(uint16_t kind)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (names[i].kind == kind)
            return names[i].what;
    return "?";
}

const char *audit_record_what(const struct audit_record *r)
{
    return name_of(r->kind);
}

const char *audit_record_act(const struct audit_record *r)
{
    return name_of((uint16_t)(r->detail >> 48));
}

int64_t audit_record_act_number(const struct audit_record *r)
{
    return (int64_t)(r->detail & 0xffffffffffffu);
}

static bool reserved_is_zero(const uint8_t *record)
{
    for (unsigned i = HASHED_LEN; i < HASH_AT; i++)
        if (record[i] != 0)
            return false;
    return true;
}

static bool hash_is(const uint8_t *record, const uint8_t before[AUDIT_HASH_LEN])
{
    uint8_t text[AUDIT_HASH_LEN + HASHED_LEN], hash[AUDIT_HASH_LEN];

    memcpy(text, before, AUDIT_HASH_LEN);
    memcpy(text + AUDIT_HASH_LEN, record, HASHED_LEN);
    return EVP_Digest(text, sizeof text, hash, NULL, EVP_sha256(), NULL) == 1 &&
           memcmp(hash, record + HASH_AT, sizeof hash) == 0;
}

/* The oldest record that is left of a ring follows one that is gone: it is taken as it is, but for the very first. */
enum status audit_chain_add(struct audit_chain *c, const uint8_t record[AUDIT_RECORD_LEN])
{
    static const uint8_t zeros[AUDIT_HASH_LEN];
    struct audit_record r;
    bool fresh;

    audit_record_read(record, &r);
    fresh = r.kind == AUDIT_EVENT_ROLLBACK && hash_is(record, zeros);
    if (!reserved_is_zero(record) || (c->begun && (fresh ? r.sequence <= c->last : r.sequence != c->last + 1)) ||
        (!fresh && c->begun && !hash_is(record, c->hash)) || (!c->begun && r.sequence == 1 && !hash_is(record, zeros)))
        return ST_CORRUPT;
    c->breaks += fresh;
    if (!c->begun)
        c->first = r.sequence;
    c->begun = true;
    c->last = r.sequence;
    memcpy(c->hash, record + HASH_AT, sizeof c->hash);
    return ST_OK;
}
