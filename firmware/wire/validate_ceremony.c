/* Messages of the ceremonies: the domain, dangerous acts, statements, backups. */
#include "firmware/wire/validate_inside.h"

#define HASH_LEN      32u
#define SIGNATURE_LEN (HOLDER_KEY_BITS_MAX / 8)
#define SPKI_MAX      1024u

static enum status hash_or_none(enum status st, ProtobufCBinaryData d)
{
    return require(st, d.len == 0 || d.len == HASH_LEN);
}

static enum status chain(enum status st, size_t n, const ProtobufCBinaryData *certificates)
{
    st = at_most(st, n, CERTIFICATE_CHAIN_MAX);
    for (size_t i = 0; i < n && st == ST_OK; i++)
        st = at_most(st, certificates[i].len, CERTIFICATE_MAX);
    return st;
}

enum status authorisation(enum status st, const Ks__Authorisation *m)
{
    if (st != ST_OK || m == NULL)
        return st;
    st = at_most(validate_known(&m->base), m->n_approvals, HOLDERS_MAX);
    for (size_t i = 0; i < m->n_approvals && st == ST_OK; i++) {
        const Ks__Approval *a = m->approvals[i];

        st = require(validate_known(&a->base), a->holder.len == HASH_LEN);
        st = at_most(st, a->signature.len, SIGNATURE_LEN);
    }
    return st;
}

/* --- the domain --- */

static enum status holders(enum status st, size_t n, Ks__Holder *const *list)
{
    st = at_most(st, n, HOLDERS_MAX);
    for (size_t i = 0; i < n && st == ST_OK; i++) {
        st = at_most(validate_known(&list[i]->base), list[i]->certificate.len, CERTIFICATE_MAX);
        st = text_at_most(st, list[i]->name, PARTITION_NAME_MAX);
    }
    return st;
}

static enum status holder_set(enum status st, const Ks__HolderSet *m)
{
    if (st != ST_OK || m == NULL)
        return st;
    return holders(require(validate_known(&m->base), m->required <= QUORUM_MAX), m->n_holders, m->holders);
}

static enum status items(enum status st, size_t n, Ks__EncryptedItem *const *list)
{
    st = at_most(st, n, DOMAIN_ITEMS_MAX);
    for (size_t i = 0; i < n && st == ST_OK; i++) {
        st = text_at_most(validate_known(&list[i]->base), list[i]->tag, DOMAIN_TAG_MAX);
        st = text_at_most(st, list[i]->compact_jwe, DOMAIN_JWE_MAX);
    }
    return st;
}

static enum status shares(enum status st, size_t n, Ks__EncryptedShare *const *list)
{
    st = at_most(st, n, HOLDERS_MAX);
    for (size_t i = 0; i < n && st == ST_OK; i++) {
        st = require(validate_known(&list[i]->base), list[i]->holder.len == HASH_LEN);
        st = text_at_most(st, list[i]->compact_jwe, DOMAIN_JWE_MAX);
    }
    return st;
}

enum status validate_domain_info(const Ks__DomainInfo *m)
{
    enum status st = text_at_most(validate_known(&m->base), m->name, PARTITION_NAME_MAX);

    st = holder_set(holder_set(st, m->current), m->pending);
    st = at_most(st, m->id.len, HASH_LEN);
    st = hash_or_none(hash_or_none(hash_or_none(st, m->device), m->firmware_key), m->audit_sink_peer);
    return text_at_most(st, m->audit_sink, AUDIT_SINK_MAX);
}

enum status validate_domain_create(const Ks__DomainCreate *m)
{
    return holders(text_at_most(validate_known(&m->base), m->name, PARTITION_NAME_MAX), m->n_holders, m->holders);
}

enum status validate_domain_change(const Ks__DomainChange *m)
{
    return authorisation(holders(validate_known(&m->base), m->n_holders, m->holders), m->authorisation);
}

enum status validate_domain_export(const Ks__DomainExport *m)
{
    return authorisation(validate_known(&m->base), m->authorisation);
}

enum status validate_domain_file(const Ks__DomainFile *m)
{
    enum status st = require(validate_known(&m->base), m->digest.len == HASH_LEN && m->required <= QUORUM_MAX);

    return shares(items(st, m->n_items, m->items), m->n_shares, m->shares);
}

enum status validate_domain_confirm(const Ks__DomainConfirm *m)
{
    return require(validate_known(&m->base), m->digest.len == HASH_LEN);
}

enum status validate_certificate(const Ks__Certificate *m)
{
    return at_most(validate_known(&m->base), m->der.len, CERTIFICATE_MAX);
}

enum status validate_domain_restore(const Ks__DomainRestore *m)
{
    enum status st = require(validate_known(&m->base), m->required >= QUORUM_MIN && m->required <= QUORUM_MAX);

    st = shares(items(st, m->n_items, m->items), m->n_shares, m->shares);
    return authorisation(text_at_most(st, m->wrapped_key, DOMAIN_JWE_MAX), m->authorisation);
}

/* --- roles, clock, keys, start --- */

enum status validate_role_set(const Ks__RoleSet *m)
{
    enum status st = require(validate_known(&m->base), m->fingerprint.len == LINK_FINGERPRINT_LEN &&
                                                           (m->role == PEER_OWNER || m->role == PEER_AUDITOR));

    return authorisation(text_at_most(st, m->name, PARTITION_NAME_MAX), m->authorisation);
}

enum status validate_audit_sink_set(const Ks__AuditSinkSet *m)
{
    enum status st = hash_or_none(validate_known(&m->base), m->fingerprint);

    return authorisation(text_at_most(st, m->address, AUDIT_SINK_MAX), m->authorisation);
}

enum status validate_firmware_key_set(const Ks__FirmwareKeySet *m)
{
    return authorisation(at_most(validate_known(&m->base), m->public_key.len, SPKI_MAX), m->authorisation);
}

enum status validate_clock_set(const Ks__ClockSet *m)
{
    return authorisation(validate_known(&m->base), m->authorisation);
}

enum status validate_start_mode_set(const Ks__StartModeSet *m)
{
    enum status st =
        at_most(require(validate_known(&m->base), m->required <= OPERATORS_MAX), m->n_operators, OPERATORS_MAX);

    for (size_t i = 0; i < m->n_operators && st == ST_OK; i++) {
        st = text_at_most(validate_known(&m->operators[i]->base), m->operators[i]->name, PARTITION_NAME_MAX);
        st = at_most(st, m->operators[i]->passphrase.len, PASSPHRASE_MAX);
    }
    return authorisation(st, m->authorisation);
}

enum status validate_unlock(const Ks__Unlock *m)
{
    return at_most(text_at_most(validate_known(&m->base), m->operator_, PARTITION_NAME_MAX), m->passphrase.len,
                   PASSPHRASE_MAX);
}

enum status validate_decommission(const Ks__Decommission *m)
{
    return authorisation(validate_known(&m->base), m->authorisation);
}

/* --- statements --- */

static enum status attested_key(enum status st, const Ks__AttestedKey *m)
{
    if (st != ST_OK || m == NULL)
        return st;
    st = text_at_most(validate_known(&m->base), m->partition, PARTITION_NAME_MAX);
    st = at_most(at_most(st, m->partition_serial.len, HASH_LEN), m->n_attributes, TEMPLATE_ATTRIBUTES_MAX);
    for (size_t i = 0; i < m->n_attributes && st == ST_OK; i++)
        st = validate_attribute(m->attributes[i]);
    return at_most(st, m->public_key.len, ATTRIBUTE_VALUE_MAX);
}

static enum status destruction(enum status st, const Ks__Destruction *m)
{
    if (st != ST_OK || m == NULL)
        return st;
    st = at_most(validate_known(&m->base), m->n_approved_by, HOLDERS_MAX);
    for (size_t i = 0; i < m->n_approved_by && st == ST_OK; i++)
        st = require(st, m->approved_by[i].len == HASH_LEN);
    return require(st, m->act == MESSAGE_FACTORY_RESET || m->act == MESSAGE_ZEROISE);
}

static enum status statement_texts(enum status st, const Ks__Statement *m)
{
    st = text_at_most(st, m->board, TEXT_MAX);
    st = text_at_most(st, m->root, TEXT_MAX);
    st = text_at_most(st, m->isolation, 1024);
    st = text_at_most(st, m->firmware_version, TEXT_MAX);
    return text_at_most(st, m->domain_name, PARTITION_NAME_MAX);
}

enum status validate_statement(const Ks__Statement *m)
{
    enum status st = require(validate_known(&m->base), m->device.len == HASH_LEN);

    st = require(st, m->state >= KEYSTORE_FACTORY && m->state <= KEYSTORE_ZEROISED);
    st = require(st, m->boot_id.len == LINK_BOOT_ID_LEN);
    st = at_most(at_most(st, m->nonce.len, NONCE_MAX), m->domain_id.len, HASH_LEN);
    st = hash_or_none(hash_or_none(st, m->firmware_hash), m->audit_head);
    st = hash_or_none(hash_or_none(st, m->quote_key), m->firmware_key);
    return destruction(attested_key(statement_texts(st, m), m->key), m->destruction);
}

enum status validate_attest(const Ks__Attest *m)
{
    return at_most(require(validate_known(&m->base), m->nonce.len >= NONCE_MIN), m->nonce.len, NONCE_MAX);
}

enum status validate_signed_statement(const Ks__SignedStatement *m)
{
    enum status st = at_most(validate_known(&m->base), m->statement.len, STATEMENT_MAX);

    st = at_most(at_most(st, m->signature.len, 256), m->quote_signature.len, 256);
    st = at_most(at_most(st, m->quote.len, 1024), m->quote_key.len, SPKI_MAX);
    return chain(st, m->n_certificates, m->certificates);
}

enum status validate_device_identity(const Ks__DeviceIdentity *m)
{
    enum status st = at_most(validate_known(&m->base), m->certificate.len, CERTIFICATE_MAX);

    return chain(at_most(st, m->quote_key.len, SPKI_MAX), m->n_chain, m->chain);
}

enum status validate_certificate_install(const Ks__CertificateInstall *m)
{
    return chain(require(validate_known(&m->base), m->n_chain > 0), m->n_chain, m->chain);
}

/* --- backups --- */

static enum status part(enum status st, ProtobufCBinaryData d)
{
    return at_most(require(st, d.len > 0), d.len, BACKUP_PART_MAX);
}

enum status validate_backup_part(const Ks__BackupPart *m)
{
    return part(validate_known(&m->base), m->part);
}

enum status validate_restore_begin(const Ks__RestoreBegin *m)
{
    return authorisation(part(validate_known(&m->base), m->part), m->authorisation);
}

enum status validate_restore_part(const Ks__RestorePart *m)
{
    return part(validate_known(&m->base), m->part);
}
