#include "firmware/dispatch.h"

#include "firmware/crypto/entropy.h"

#define IN(state) BIT(KEYSTORE_##state)
#define WORKING   (IN(OPERATIONAL))
#define OWNED     (IN(PROVISIONED) | IN(OPERATIONAL))
#define FRESH     (IN(FACTORY) | OWNED)
#define ALWAYS    (IN(FACTORY) | OWNED | IN(ERROR) | IN(ZEROISED))

#define OWNER   BIT(PEER_OWNER)
#define CLIENT  BIT(PEER_CLIENT)
#define AUDITOR BIT(PEER_AUDITOR)
#define FACTORY BIT(PEER_FACTORY)

enum flag {
    LOCK = 1 << 0,  /* starts under its partition's lock, as an attached application */
    AUDIT = 1 << 1, /* a record of it */
    SYNC = 1 << 2,  /* durable before the answer leaves */
    KEYS = 1 << 3,  /* may be slow, by its mechanism */
    PINS = 1 << 4,  /* is slow: it hashes a PIN */
};

/* With the approvals of all holders: 16 KiB hold ten of 4,096 bits and what the act itself says. */
#define ACT_BODY_MAX     (16u * 1024)
#define HOLDERS_BODY_MAX (64u * 1024)
#define CHAIN_BODY_MAX   (CERTIFICATE_CHAIN_MAX * (CERTIFICATE_MAX + 8))

/* Bodies are bounded by message_unpack(), too; here by what the kind can need. */
static const struct rule {
    call_handler *handler;
    unsigned states, roles;
    size_t body_max;
    unsigned flags;
} rules[MESSAGE_KIND_COUNT_] = {
    [MESSAGE_ATTACH] = { on_attach, OWNED, CLIENT, 64, 0 },
    [MESSAGE_STATUS] = { on_status, ALWAYS, OWNER | CLIENT | AUDITOR | FACTORY, 0, 0 },
    [MESSAGE_TOKEN_INFO] = { on_token_info, OWNED, CLIENT, 0, 0 },
    [MESSAGE_MECHANISM_LIST] = { on_mechanism_list, OWNED, CLIENT, 0, 0 },
    [MESSAGE_INIT_TOKEN] = { on_init_token, WORKING, CLIENT, 512, LOCK | AUDIT | SYNC | PINS },
    [MESSAGE_INIT_PIN] = { on_init_pin, WORKING, CLIENT, 512, LOCK | AUDIT | SYNC | PINS },
    [MESSAGE_SET_PIN] = { on_set_pin, WORKING, CLIENT, 1024, LOCK | AUDIT | SYNC | PINS },
    [MESSAGE_LOGIN] = { on_login, WORKING, CLIENT, 512, LOCK | AUDIT | SYNC | PINS },
    [MESSAGE_LOGOUT] = { on_logout, WORKING, CLIENT, 16, LOCK | AUDIT },
    [MESSAGE_OPEN_SESSION] = { on_open_session, WORKING, CLIENT, 16, LOCK },
    [MESSAGE_CLOSE_SESSION] = { on_close_session, WORKING, CLIENT, 16, LOCK },
    [MESSAGE_SESSION_INFO] = { on_session_info, WORKING, CLIENT, 16, LOCK },
    [MESSAGE_CREATE_OBJECT] = { on_create_object, WORKING, CLIENT, LINK_MESSAGE_MAX, LOCK | AUDIT | KEYS },
    [MESSAGE_COPY_OBJECT] = { on_copy_object, WORKING, CLIENT, LINK_MESSAGE_MAX, LOCK | AUDIT },
    [MESSAGE_DESTROY_OBJECT] = { on_destroy_object, WORKING, CLIENT, 32, LOCK | AUDIT },
    [MESSAGE_GET_ATTRIBUTES] = { on_get_attributes, WORKING, CLIENT, 2048, LOCK },
    [MESSAGE_SET_ATTRIBUTES] = { on_set_attributes, WORKING, CLIENT, LINK_MESSAGE_MAX, LOCK | AUDIT },
    [MESSAGE_FIND_OBJECTS] = { on_find_objects, WORKING, CLIENT, LINK_MESSAGE_MAX, LOCK },
    [MESSAGE_OBJECT_SIZE] = { on_object_size, WORKING, CLIENT, 32, LOCK },
    [MESSAGE_GENERATE_KEY] = { on_generate_key, WORKING, CLIENT, LINK_MESSAGE_MAX, LOCK | AUDIT },
    [MESSAGE_GENERATE_KEY_PAIR] = { on_generate_key_pair, WORKING, CLIENT, LINK_MESSAGE_MAX, LOCK | AUDIT | KEYS },
    [MESSAGE_WRAP_KEY] = { on_wrap_key, WORKING, CLIENT, LINK_MESSAGE_MAX, LOCK | AUDIT },
    [MESSAGE_UNWRAP_KEY] = { on_unwrap_key, WORKING, CLIENT, LINK_MESSAGE_MAX, LOCK | AUDIT | KEYS },
    [MESSAGE_DERIVE_KEY] = { on_derive_key, WORKING, CLIENT, LINK_MESSAGE_MAX, LOCK | AUDIT },
    [MESSAGE_ENCAPSULATE] = { on_encapsulate, WORKING, CLIENT, LINK_MESSAGE_MAX, LOCK | AUDIT },
    [MESSAGE_DECAPSULATE] = { on_decapsulate, WORKING, CLIENT, LINK_MESSAGE_MAX, LOCK | AUDIT },
    [MESSAGE_COMPUTE] = { on_compute, WORKING, CLIENT, LINK_MESSAGE_MAX, LOCK | AUDIT | KEYS },
    [MESSAGE_OPERATION_BEGIN] = { on_operation_begin, WORKING, CLIENT, LINK_MESSAGE_MAX, LOCK | AUDIT },
    [MESSAGE_OPERATION_UPDATE] = { on_operation_update, WORKING, CLIENT, LINK_MESSAGE_MAX, LOCK },
    [MESSAGE_OPERATION_FINAL] = { on_operation_final, WORKING, CLIENT, LINK_MESSAGE_MAX, LOCK },
    [MESSAGE_OPERATION_CANCEL] = { on_operation_cancel, WORKING, CLIENT, 32, LOCK },
    [MESSAGE_RANDOM] = { on_random, WORKING, CLIENT, 16, 0 },
    [MESSAGE_SEED] = { on_seed, WORKING, CLIENT, 64 * 1024, 0 },
    [MESSAGE_PARTITION_CREATE] = { on_partition_create, WORKING, OWNER, 2048, AUDIT | SYNC },
    [MESSAGE_PARTITION_LIST] = { on_partition_list, WORKING, OWNER, 0, 0 },
    [MESSAGE_PARTITION_DELETE] = { on_partition_delete, WORKING, OWNER, 16, AUDIT | SYNC },
    [MESSAGE_PARTITION_SET] = { on_partition_set, WORKING, OWNER, ACT_BODY_MAX, AUDIT | SYNC },
    [MESSAGE_AUDIT_READ] = { on_audit_read, OWNED | IN(ERROR), OWNER | AUDITOR, 32, 0 },
    [MESSAGE_SELF_TEST] = { on_self_test, OWNED, OWNER, 0, AUDIT | SYNC | KEYS },
    [MESSAGE_BACKUP_BEGIN] = { on_backup_begin, WORKING, OWNER, 16, AUDIT | SYNC | KEYS },
    [MESSAGE_BACKUP_NEXT] = { on_backup_next, WORKING, OWNER, 0, AUDIT | SYNC | KEYS },
    [MESSAGE_RESTORE_BEGIN] = { on_restore_begin, WORKING, OWNER, BACKUP_PART_MAX + ACT_BODY_MAX, AUDIT | SYNC | KEYS },
    [MESSAGE_RESTORE_NEXT] = { on_restore_next, WORKING, OWNER, BACKUP_PART_MAX + 16, AUDIT | SYNC | KEYS },
    [MESSAGE_ZEROISE] = { on_zeroise, OWNED | IN(ERROR), OWNER, ACT_BODY_MAX, AUDIT | SYNC | KEYS },
    [MESSAGE_FACTORY_RESET] = { on_factory_reset, OWNED, OWNER, ACT_BODY_MAX, AUDIT | SYNC | KEYS },
    [MESSAGE_DOMAIN_INFO] = { on_domain_info, OWNED, OWNER | AUDITOR, 0, 0 },
    [MESSAGE_DOMAIN_CREATE] = { on_domain_create, IN(PROVISIONED), OWNER, HOLDERS_BODY_MAX, AUDIT | SYNC },
    [MESSAGE_DOMAIN_EXPORT] = { on_domain_export, OWNED, OWNER, ACT_BODY_MAX, AUDIT | SYNC | KEYS },
    [MESSAGE_DOMAIN_CONFIRM] = { on_domain_confirm, OWNED, OWNER, 64, AUDIT | SYNC },
    [MESSAGE_DOMAIN_CHANGE] = { on_domain_change, WORKING, OWNER, HOLDERS_BODY_MAX, AUDIT | SYNC },
    [MESSAGE_DOMAIN_TRANSFER] = { on_domain_transfer, IN(PROVISIONED), OWNER, 0, AUDIT | SYNC | KEYS },
    [MESSAGE_DOMAIN_RESTORE] = { on_domain_restore, OWNED, OWNER, LINK_MESSAGE_MAX, AUDIT | SYNC | KEYS },
    [MESSAGE_ROLE_SET] = { on_role_set, OWNED, OWNER, ACT_BODY_MAX, AUDIT | SYNC },
    [MESSAGE_AUDIT_SINK_SET] = { on_audit_sink_set, OWNED, OWNER, ACT_BODY_MAX, AUDIT | SYNC },
    [MESSAGE_FIRMWARE_KEY_SET] = { on_firmware_key_set, OWNED, OWNER, ACT_BODY_MAX, AUDIT | SYNC },
    [MESSAGE_CLOCK_SET] = { on_clock_set, OWNED, OWNER, ACT_BODY_MAX, AUDIT | SYNC },
    [MESSAGE_START_MODE_SET] = { on_start_mode_set, WORKING, OWNER, ACT_BODY_MAX, AUDIT | SYNC | PINS },
    [MESSAGE_ATTEST] = { on_attest, FRESH, OWNER | CLIENT | AUDITOR | FACTORY, 128, AUDIT | KEYS },
    [MESSAGE_DEVICE_IDENTITY] = { on_device_identity, FRESH, OWNER | FACTORY, 0, KEYS },
    [MESSAGE_CERTIFICATE_INSTALL] = { on_certificate_install, FRESH, OWNER | FACTORY, CHAIN_BODY_MAX, AUDIT | SYNC },
    [MESSAGE_UNLOCK] = { on_unlock, IN(PROVISIONED), OWNER, 512, AUDIT | SYNC | PINS },
};

static bool says(const Ks__Template *t, CK_ATTRIBUTE_TYPE type, CK_ULONG value)
{
    for (size_t i = 0; t != NULL && i < t->n_attributes; i++)
        if (t->attributes[i]->type == type)
            return t->attributes[i]->value.len == sizeof value &&
                   memcmp(t->attributes[i]->value.data, &value, sizeof value) == 0;
    return false;
}

/* To check the primes of an RSA key takes up to half a second. */
static bool brings_rsa(const Ks__Template *t)
{
    return says(t, CKA_CLASS, CKO_PRIVATE_KEY) && says(t, CKA_KEY_TYPE, CKK_RSA);
}

static bool is_slow(uint16_t kind, const ProtobufCMessage *m)
{
    switch (kind) {
    case MESSAGE_COMPUTE: {
        const Ks__Compute *compute = (const Ks__Compute *)m;

        return compute->operation == OPERATION_SIGN && compute->mechanism != NULL &&
               mechanism_is_slow(compute->mechanism->type);
    }
    case MESSAGE_GENERATE_KEY_PAIR: {
        const Ks__Mechanism *mechanism = ((const Ks__GenerateKeyPair *)m)->mechanism;

        return mechanism != NULL && mechanism_is_slow(mechanism->type);
    }
    case MESSAGE_CREATE_OBJECT:
        return brings_rsa(((const Ks__CreateObject *)m)->template_);
    case MESSAGE_UNWRAP_KEY:
        return brings_rsa(((const Ks__UnwrapKey *)m)->template_);
    default:
        return true; /* a self test, what asks the TPM, a part of a backup */
    }
}

static enum pace pace_of(uint16_t kind, const ProtobufCMessage *m)
{
    if ((rules[kind].flags & PINS) != 0)
        return PACE_PINS;
    return (rules[kind].flags & KEYS) != 0 && is_slow(kind, m) ? PACE_KEYS : PACE_NOW;
}

enum status dispatch_open(struct call *c, const struct message *m, ProtobufCMessage **request, enum pace *pace,
                          CK_RV *verdict)
{
    const struct rule *r = m->kind < MESSAGE_KIND_COUNT_ ? &rules[m->kind] : NULL;
    enum status st;

    *verdict = CKR_OK;
    *pace = PACE_NOW;
    if (r == NULL || r->handler == NULL || m->answer)
        return ST_BAD_REQUEST;
    if (m->body.len > r->body_max)
        return ST_TOO_LARGE;
    if ((st = message_unpack(m->kind, false, m->body, c->budget, request)) != ST_OK)
        return st;
    if ((r->roles & BIT(c->who->role)) == 0)
        *verdict = CKR_ACTION_PROHIBITED;
    else if ((r->states & BIT(atomic_load(&c->ks->state))) == 0)
        *verdict = CKR_DEVICE_ERROR;
    else if ((r->flags & LOCK) != 0 && c->who->application == NULL)
        *verdict = CKR_CRYPTOKI_NOT_INITIALIZED;
    else
        *pace = pace_of(m->kind, *request);
    return ST_OK;
}

static void fill_entry(struct call *c, uint16_t kind)
{
    struct audit_entry *e = &c->entry;

    e->kind = kind;
    e->role = (uint8_t)c->who->role;
    e->partition = c->who->partition != NULL ? c->who->partition->id : 0;
    memcpy(e->peer, c->who->fingerprint, sizeof e->peer);
}

/* The partition may have been deleted since the link was opened, or this identity taken from it or made another. */
static bool still_belongs(const struct caller *who)
{
    const struct partition_identity *identity = partition_identity(&who->partition->terms, who->fingerprint);

    return !who->partition->deleted && identity != NULL && identity->role == who->role;
}

static CK_RV run(struct call *c, const struct rule *r, const ProtobufCMessage *request)
{
    if (c->who->partition != NULL) {
        call_lock(c);
        if (!still_belongs(c->who))
            return CKR_TOKEN_NOT_PRESENT;
        if (!call_state_fits(c)) /* any more, while it waited for the lock */
            return CKR_DEVICE_ERROR;
        if ((r->flags & LOCK) == 0)
            call_unlock(c);
    } else if (!keystore_knows(c->ks, c->who->role, c->who->fingerprint)) {
        return CKR_ACTION_PROHIBITED; /* no longer what it was when the link was opened */
    }
    return r->handler(c, request);
}

/* Handles of others are tried by guessing (THREATS.md 5.8). */
static bool is_recorded(const struct call *c, const struct rule *r, CK_RV rv)
{
    return (r->flags & AUDIT) != 0 || c->key_used || rv == CKR_SESSION_HANDLE_INVALID ||
           rv == CKR_OBJECT_HANDLE_INVALID || rv == CKR_KEY_HANDLE_INVALID || rv == CKR_TOKEN_NOT_PRESENT;
}

/* What cannot be recorded is not answered, and nothing is done any more. */
static CK_RV record(struct call *c, CK_RV rv)
{
    c->entry.result = (uint32_t)rv;
    if (audit_append(c->ks->audit, &c->entry) == ST_OK) {
        c->recorded = true;
        return rv;
    }
    keystore_fail(c->ks, "audit");
    c->reply = NULL;
    return CKR_DEVICE_ERROR;
}

CK_RV dispatch_run(struct call *c, uint16_t kind, const ProtobufCMessage *request, bool *sync)
{
    const struct rule *r = &rules[kind];
    CK_RV rv;

    fill_entry(c, kind);
    c->states = r->states;
    rv = run(c, r, request);
    if (c->locked)
        call_unlock(c);
    if (rv != CKR_OK)
        c->reply = NULL;
    if (rv == CKR_DEVICE_ERROR && !entropy_is_healthy())
        keystore_fail(c->ks, "entropy");
    *sync = *sync || (r->flags & SYNC) != 0;
    return is_recorded(c, r, rv) ? record(c, rv) : rv;
}

CK_RV dispatch_refuse(struct call *c, uint16_t kind, CK_RV verdict)
{
    fill_entry(c, kind);
    return record(c, verdict);
}

static pthread_key_t budget_key;
static pthread_once_t budget_once = PTHREAD_ONCE_INIT;

static void make_key(void)
{
    INVARIANT(pthread_key_create(&budget_key, free) == 0);
}

struct budget *dispatch_budget(void)
{
    struct budget *b;

    pthread_once(&budget_once, make_key);
    if ((b = pthread_getspecific(budget_key)) != NULL)
        return b;
    if ((b = malloc(sizeof *b + BUDGET_SIZE)) == NULL)
        return NULL;
    budget_init(b, b + 1, BUDGET_SIZE);
    if (pthread_setspecific(budget_key, b) != 0) {
        free(b);
        return NULL;
    }
    return b;
}
