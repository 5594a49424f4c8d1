/* Requests about the board as a whole: who owns it, who audits it, where its audit goes, whose firmware it takes, what
 * time it is. Each is a dangerous act once the domain has holders. */
#include "firmware/changes.h"
#include "firmware/wire/name.h"
#include "firmware/partition_table.h"

/* `next` is the device with the change in it; it takes the place of the old one when it is in the flash. */
static CK_RV replace(struct keystore *ks, const struct device *next, const struct quorum_use *use)
{
    struct changes changes = { 0 };
    CK_RV rv;

    changes_device(&changes, next);
    if ((rv = changes_commit(&changes, ks, use)) == CKR_OK)
        ks->device = *next;
    return rv;
}

static CK_RV add_auditor(struct device *d, const Ks__RoleSet *m)
{
    struct auditor *a = &d->auditors[d->auditor_count];

    if (!name_is_good(m->name) || d->auditor_count == AUDITORS_MAX)
        return CKR_ARGUMENTS_BAD;
    *a = (struct auditor){ 0 };
    memcpy(a->fingerprint, m->fingerprint.data, LINK_FINGERPRINT_LEN);
    memcpy(a->name, m->name, strlen(m->name));
    d->auditor_count++;
    return CKR_OK;
}

static CK_RV remove_auditor(struct device *d, const Ks__RoleSet *m)
{
    for (unsigned i = 0; i < d->auditor_count; i++)
        if (memcmp(d->auditors[i].fingerprint, m->fingerprint.data, LINK_FINGERPRINT_LEN) == 0) {
            d->auditors[i] = d->auditors[--d->auditor_count];
            return CKR_OK;
        }
    return CKR_ARGUMENTS_BAD;
}

static CK_RV set_role(const struct keystore *ks, struct device *d, const Ks__RoleSet *m)
{
    if (m->role == PEER_AUDITOR && m->remove)
        return remove_auditor(d, m);
    if (m->remove)
        return CKR_ARGUMENTS_BAD; /* there is always an owner */
    if (keystore_identity_is_taken(ks, m->fingerprint.data, NULL))
        return CKR_ACTION_PROHIBITED;
    if (m->role == PEER_AUDITOR)
        return add_auditor(d, m);
    memcpy(d->owner, m->fingerprint.data, LINK_FINGERPRINT_LEN);
    return CKR_OK;
}

/* Whom it is about, for the audit. A fingerprint may be absent. */
static void note_who(struct call *c, struct span fingerprint)
{
    if (fingerprint.len >= sizeof c->entry.object)
        memcpy(c->entry.object, fingerprint.p, sizeof c->entry.object);
}

CK_RV on_role_set(struct call *c, const ProtobufCMessage *request)
{
    const Ks__RoleSet *m = (const Ks__RoleSet *)request;
    struct quorum_use use;
    struct device next;
    CK_RV rv;

    c->entry.detail = m->role;
    note_who(c, span_of(m->fingerprint.data, m->fingerprint.len));
    if ((rv = call_enter(c)) == CKR_OK) {
        next = c->ks->device;
        if ((rv = set_role(c->ks, &next, m)) == CKR_OK &&
            (rv = quorum_check(c, MESSAGE_ROLE_SET, request, &use)) == CKR_OK)
            rv = replace(c->ks, &next, &use);
        call_leave(c);
    }
    return rv;
}

static CK_RV set_sink(const struct keystore *ks, struct device *d, const Ks__AuditSinkSet *m)
{
    size_t len = strlen(m->address);

    d->sink = (struct audit_sink){ 0 };
    if ((len == 0) != (m->fingerprint.len == 0))
        return CKR_ARGUMENTS_BAD;
    for (size_t i = 0; i < len; i++)
        if (m->address[i] <= ' ' || m->address[i] > '~')
            return CKR_ARGUMENTS_BAD;
    if (len == 0)
        return CKR_OK;
    if (memcmp(d->owner, m->fingerprint.data, LINK_FINGERPRINT_LEN) == 0 ||
        device_has_auditor(d, m->fingerprint.data) || partition_table_has_client(ks, m->fingerprint.data, NULL))
        return CKR_ACTION_PROHIBITED;
    memcpy(d->sink.address, m->address, len);
    memcpy(d->sink.fingerprint, m->fingerprint.data, LINK_FINGERPRINT_LEN);
    return CKR_OK;
}

CK_RV on_audit_sink_set(struct call *c, const ProtobufCMessage *request)
{
    const Ks__AuditSinkSet *m = (const Ks__AuditSinkSet *)request;
    struct quorum_use use;
    struct device next;
    CK_RV rv;

    note_who(c, span_of(m->fingerprint.data, m->fingerprint.len));

    if ((rv = call_enter(c)) == CKR_OK) {
        next = c->ks->device;
        if ((rv = set_sink(c->ks, &next, m)) == CKR_OK &&
            (rv = quorum_check(c, MESSAGE_AUDIT_SINK_SET, request, &use)) == CKR_OK)
            rv = replace(c->ks, &next, &use);
        call_leave(c);
    }
    return rv;
}

/* P-256, P-384 or Ed25519, and nothing behind it. */
static CK_RV read_firmware_key(const Ks__FirmwareKeySet *m, struct bytes *out)
{
    const uint8_t *p = m->public_key.data;
    EVP_PKEY *key = m->public_key.len > 0 ? d2i_PUBKEY(NULL, &p, (long)m->public_key.len) : NULL;
    bool ok = key != NULL && p == m->public_key.data + m->public_key.len && link_key_is_acceptable(key);

    EVP_PKEY_free(key);
    if (!ok)
        return CKR_ARGUMENTS_BAD;
    return bytes_set(out, span_of(m->public_key.data, m->public_key.len)) == ST_OK ? CKR_OK : CKR_HOST_MEMORY;
}

CK_RV on_firmware_key_set(struct call *c, const ProtobufCMessage *request)
{
    const Ks__FirmwareKeySet *m = (const Ks__FirmwareKeySet *)request;
    uint8_t fingerprint[LINK_FINGERPRINT_LEN];
    struct keystore *ks = c->ks;
    struct bytes key = { 0 };
    struct quorum_use use;
    struct device next;
    CK_RV rv;

    if (EVP_Digest(m->public_key.data, m->public_key.len, fingerprint, NULL, EVP_sha256(), NULL) == 1)
        note_who(c, span_of(fingerprint, sizeof fingerprint));
    if ((rv = call_enter(c)) == CKR_OK) {
        next = ks->device;
        if ((rv = read_firmware_key(m, &key)) == CKR_OK &&
            (rv = quorum_check(c, MESSAGE_FIRMWARE_KEY_SET, request, &use)) == CKR_OK) {
            struct bytes before = next.firmware_key;

            next.firmware_key = key;
            if ((rv = replace(ks, &next, &use)) == CKR_OK)
                key = before; /* it is this one that goes */
        }
        call_leave(c);
    }
    bytes_clear(&key);
    return rv;
}

static uint64_t distance(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

/* Small corrections are the owner's; together they come to no more than CLOCK_FREE_MS until a quorum sets the clock. */
CK_RV on_clock_set(struct call *c, const ProtobufCMessage *request)
{
    const Ks__ClockSet *m = (const Ks__ClockSet *)request;
    struct quorum_use use = { 0 };
    struct keystore *ks = c->ks;
    struct device next;
    uint64_t moved;
    CK_RV rv = CKR_OK;

    if (m->time_ms > INT64_MAX)
        return CKR_ARGUMENTS_BAD;
    if ((rv = call_enter(c)) == CKR_OK) {
        next = ks->device;
        moved = distance(m->time_ms, keystore_time_ms(ks));
        c->entry.detail = moved;
        next.clock_ms = (int64_t)(m->time_ms - ks->hal->time_unix_ms(ks->hal->self));
        if (m->authorisation == NULL && moved <= CLOCK_FREE_MS && next.clock_free_ms + moved <= CLOCK_FREE_MS) {
            next.clock_free_ms += moved;
        } else {
            rv = quorum_check(c, MESSAGE_CLOCK_SET, request, &use);
            next.clock_free_ms = 0;
        }
        if (rv == CKR_OK && (rv = replace(ks, &next, &use)) == CKR_OK)
            keystore_set_clock(ks, next.clock_ms);
        call_leave(c);
    }
    return rv;
}
