#include "firmware/wire/mechanism.h"
#include "firmware/wire/validate_inside.h"

#define SERIAL_MAX         64u
#define APPLICATION_ID_MAX 32u
#define MECHANISMS_MAX     256u
#define ANSWER_DATA_MAX    (DATA_MAX + 1024u)                          /* padding, IV and tag may come on top */
#define WRAPPED_MAX        (ATTRIBUTE_LARGE_MAX + ATTRIBUTE_VALUE_MAX) /* the largest value, its attributes */
#define AUDIT_RECORDS_MAX  DATA_MAX
#define OPERATION_ANY      0u

/* What a later version knows and we do not is refused, never skipped. */
enum status validate_known(const ProtobufCMessage *m)
{
    return m->n_unknown_fields == 0 ? ST_OK : ST_BAD_REQUEST;
}

static enum status policy(enum status st, const char *text)
{
    return require(st, strcmp(text, "strict") == 0 || strcmp(text, "compatible") == 0);
}

static enum status operation(enum status st, uint32_t kind, uint32_t least)
{
    return require(st, kind >= least && kind < OPERATION_KIND_COUNT_);
}

/* --- parts --- */

enum status validate_attribute(const Ks__Attribute *m)
{
    enum status st = validate_known(&m->base);

    st = require(st, m->state <= 2);
    return at_most(st, m->value.len, m->type == CKA_VALUE ? ATTRIBUTE_LARGE_MAX : ATTRIBUTE_VALUE_MAX);
}

enum status validate_template(const Ks__Template *m)
{
    enum status st = at_most(validate_known(&m->base), m->n_attributes, TEMPLATE_ATTRIBUTES_MAX);

    for (size_t i = 0; i < m->n_attributes && st == ST_OK; i++)
        st = validate_attribute(m->attributes[i]);
    return st;
}

enum status validate_mechanism(const Ks__Mechanism *m)
{
    enum status st = validate_known(&m->base);

    st = require(st, m->flags <= (MECHANISM_HKDF_EXTRACT | MECHANISM_HKDF_EXPAND));
    st = at_most(st, m->iv.len, MECHANISM_PART_MAX);
    st = at_most(st, m->aad.len, MECHANISM_PART_MAX);
    return at_most(st, m->data.len, MECHANISM_PART_MAX);
}

/* A template may be left out: it is then empty. */
static enum status template(enum status st, const Ks__Template *m) {
    return st == ST_OK && m != NULL ? validate_template(m) : st;
}

static enum status mechanism(enum status st, const Ks__Mechanism *m)
{
    st = require(st, m != NULL);
    return st == ST_OK ? validate_mechanism(m) : st;
}

/* --- the token and its sessions --- */

enum status validate_attach(const Ks__Attach *m)
{
    return at_most(validate_known(&m->base), m->application.len, APPLICATION_ID_MAX);
}

enum status validate_status(const Ks__Status *m)
{
    enum status st = validate_known(&m->base);

    st = require(st, m->state >= KEYSTORE_FACTORY && m->state <= KEYSTORE_ZEROISED && m->role <= PEER_FACTORY);
    st = require(st, m->boot_id.len == LINK_BOOT_ID_LEN);
    st = at_most(st, m->firmware_hash.len, 32);
    st = at_most(st, m->audit_head.len, 32);
    st = text_at_most(st, m->firmware_version, TEXT_MAX);
    st = text_at_most(st, m->board, TEXT_MAX);
    st = text_at_most(st, m->root, TEXT_MAX);
    st = text_at_most(st, m->isolation, 1024);
    return text_at_most(st, m->fault, 1024);
}

enum status validate_token_info(const Ks__TokenInfo *m)
{
    enum status st = validate_known(&m->base);

    st = text_at_most(st, m->label, LABEL_LEN);
    st = text_at_most(st, m->serial, SERIAL_MAX);
    st = text_at_most(st, m->model, TEXT_MAX);
    st = text_at_most(st, m->firmware_version, TEXT_MAX);
    return policy(st, m->policy);
}

enum status validate_mechanism_list(const Ks__MechanismList *m)
{
    enum status st = at_most(validate_known(&m->base), m->n_mechanisms, MECHANISMS_MAX);

    for (size_t i = 0; i < m->n_mechanisms && st == ST_OK; i++)
        st = validate_known(&m->mechanisms[i]->base);
    return st;
}

enum status validate_init_token(const Ks__InitToken *m)
{
    return require(at_most(validate_known(&m->base), m->so_pin.len, PIN_MAX), m->label.len == LABEL_LEN);
}

enum status validate_init_pin(const Ks__InitPin *m)
{
    return at_most(validate_known(&m->base), m->pin.len, PIN_MAX);
}

enum status validate_set_pin(const Ks__SetPin *m)
{
    return at_most(at_most(validate_known(&m->base), m->old_pin.len, PIN_MAX), m->new_pin.len, PIN_MAX);
}

enum status validate_login(const Ks__Login *m)
{
    return at_most(validate_known(&m->base), m->pin.len, PIN_MAX);
}

enum status validate_session_info(const Ks__SessionInfo *m)
{
    return require(validate_known(&m->base), m->state <= CKS_RW_SO_FUNCTIONS);
}

/* --- objects --- */

enum status validate_create_object(const Ks__CreateObject *m)
{
    return template(validate_known(&m->base), m->template_);
}

enum status validate_copy_object(const Ks__CopyObject *m)
{
    return template(validate_known(&m->base), m->template_);
}

enum status validate_get_attributes(const Ks__GetAttributes *m)
{
    return at_most(validate_known(&m->base), m->n_types, TEMPLATE_ATTRIBUTES_MAX);
}

enum status validate_set_attributes(const Ks__SetAttributes *m)
{
    return template(validate_known(&m->base), m->template_);
}

enum status validate_find_objects(const Ks__FindObjects *m)
{
    return template(validate_known(&m->base), m->template_);
}

enum status validate_handles(const Ks__Handles *m)
{
    return at_most(validate_known(&m->base), m->n_handles, FIND_RESULT_MAX);
}

/* --- keys --- */

enum status validate_generate_key(const Ks__GenerateKey *m)
{
    return template(mechanism(validate_known(&m->base), m->mechanism), m->template_);
}

enum status validate_generate_key_pair(const Ks__GenerateKeyPair *m)
{
    return template(template(mechanism(validate_known(&m->base), m->mechanism), m->public_template),
                    m->private_template);
}

enum status validate_wrap_key(const Ks__WrapKey *m)
{
    return mechanism(validate_known(&m->base), m->mechanism);
}

enum status validate_unwrap_key(const Ks__UnwrapKey *m)
{
    return at_most(template(mechanism(validate_known(&m->base), m->mechanism), m->template_), m->wrapped.len,
                   WRAPPED_MAX);
}

enum status validate_derive_key(const Ks__DeriveKey *m)
{
    return template(mechanism(validate_known(&m->base), m->mechanism), m->template_);
}

enum status validate_encapsulate(const Ks__Encapsulate *m)
{
    return template(mechanism(validate_known(&m->base), m->mechanism), m->template_);
}

enum status validate_encapsulated(const Ks__Encapsulated *m)
{
    return at_most(validate_known(&m->base), m->ciphertext.len, ATTRIBUTE_VALUE_MAX);
}

enum status validate_decapsulate(const Ks__Decapsulate *m)
{
    return at_most(template(mechanism(validate_known(&m->base), m->mechanism), m->template_), m->ciphertext.len,
                   ATTRIBUTE_VALUE_MAX);
}

/* --- operations --- */

enum status validate_compute(const Ks__Compute *m)
{
    enum status st = operation(mechanism(validate_known(&m->base), m->mechanism), m->operation, OPERATION_ENCRYPT);

    return at_most(at_most(st, m->data.len, DATA_MAX), m->signature.len, SIGNATURE_MAX);
}

enum status validate_data(const Ks__Data *m)
{
    return at_most(validate_known(&m->base), m->data.len, ANSWER_DATA_MAX);
}

enum status validate_operation_begin(const Ks__OperationBegin *m)
{
    return operation(mechanism(validate_known(&m->base), m->mechanism), m->operation, OPERATION_ENCRYPT);
}

enum status validate_operation_update(const Ks__OperationUpdate *m)
{
    return at_most(operation(validate_known(&m->base), m->operation, OPERATION_ENCRYPT), m->data.len, DATA_MAX);
}

enum status validate_operation_final(const Ks__OperationFinal *m)
{
    return at_most(operation(validate_known(&m->base), m->operation, OPERATION_ENCRYPT), m->signature.len,
                   SIGNATURE_MAX);
}

enum status validate_operation_cancel(const Ks__OperationCancel *m)
{
    return operation(validate_known(&m->base), m->operation, OPERATION_ANY);
}

enum status validate_random(const Ks__Random *m)
{
    return at_most(validate_known(&m->base), m->length, RANDOM_MAX);
}

enum status validate_seed(const Ks__Seed *m)
{
    return at_most(validate_known(&m->base), m->seed.len, RANDOM_MAX);
}

/* --- administration --- */

static enum status validate_identity(const Ks__Identity *m)
{
    enum status st =
        require(validate_known(&m->base), m->fingerprint.len == LINK_FINGERPRINT_LEN && m->role <= PEER_AUDITOR);

    return text_at_most(st, m->name, TEXT_MAX);
}

enum status validate_partition(const Ks__Partition *m)
{
    enum status st = at_most(validate_known(&m->base), m->n_identities, PARTITION_IDENTITIES_MAX);

    for (size_t i = 0; i < m->n_identities && st == ST_OK; i++)
        st = validate_identity(m->identities[i]);
    st = authorisation(st, m->authorisation);
    st = text_at_most(st, m->name, PARTITION_NAME_MAX);
    return policy(text_at_most(st, m->label, LABEL_LEN), m->policy);
}

enum status validate_partition_list(const Ks__PartitionList *m)
{
    enum status st = at_most(validate_known(&m->base), m->n_partitions, PARTITIONS_MAX);

    for (size_t i = 0; i < m->n_partitions && st == ST_OK; i++)
        st = validate_partition(m->partitions[i]);
    return st;
}

enum status validate_audit_records(const Ks__AuditRecords *m)
{
    return at_most(at_most(validate_known(&m->base), m->records.len, AUDIT_RECORDS_MAX), m->head.len, 32);
}
