/* Each limit of each message: kept at the limit, refused one above it. Validators look at lengths, counts and
 * enumerators, so nothing here has contents. */
#include "firmware/wire/validate.h"

#include "firmware/wire/mechanism.h"
#include "firmware/wire/message.h"
#include "tests/unit/harness.h"

#define WRAPPED_MAX (80u * 1024)

/* A bounded part of message `m`, which is otherwise good: `part` (a length or a count) may be `limit` and no more. */
#define BOUNDED(validate, m, part, limit)                                                                              \
    do {                                                                                                               \
        (part) = (limit);                                                                                              \
        CU_ASSERT_EQUAL(validate(&(m)), ST_OK);                                                                        \
        (part) = (limit) + 1;                                                                                          \
        CU_ASSERT_EQUAL(validate(&(m)), ST_TOO_LARGE);                                                                 \
        (part) = SIZE_MAX / 2;                                                                                         \
        CU_ASSERT_EQUAL(validate(&(m)), ST_TOO_LARGE);                                                                 \
        (part) = 0;                                                                                                    \
    } while (0)

/* As BOUNDED(), of a text. */
#define TEXT_BOUNDED(validate, m, part, limit)                                                                         \
    do {                                                                                                               \
        (part) = text_of(limit);                                                                                       \
        CU_ASSERT_EQUAL(validate(&(m)), ST_OK);                                                                        \
        (part) = text_of((limit) + 1);                                                                                 \
        CU_ASSERT_EQUAL(validate(&(m)), ST_TOO_LARGE);                                                                 \
        (part) = (char *)"";                                                                                           \
    } while (0)

/* A field that must have a value from `least` to `most`. */
#define ENUMERATED(validate, m, field, least, most)                                                                    \
    do {                                                                                                               \
        for (uint32_t v = 0; v < (most) + 3u; v++) {                                                                   \
            (field) = v;                                                                                               \
            CU_ASSERT_EQUAL(validate(&(m)), lies_in(v, least, most) ? ST_OK : ST_BAD_REQUEST);                         \
        }                                                                                                              \
        (field) = UINT32_MAX;                                                                                          \
        CU_ASSERT_EQUAL(validate(&(m)), ST_BAD_REQUEST);                                                               \
        (field) = (most);                                                                                              \
    } while (0)

/* A part that must have just this length. */
#define EXACT(validate, m, part, right)                                                                                \
    do {                                                                                                               \
        (part) = (right)-1;                                                                                            \
        CU_ASSERT_EQUAL(validate(&(m)), ST_BAD_REQUEST);                                                               \
        (part) = (right) + 1;                                                                                          \
        CU_ASSERT_EQUAL(validate(&(m)), ST_BAD_REQUEST);                                                               \
        (part) = (right);                                                                                              \
        CU_ASSERT_EQUAL(validate(&(m)), ST_OK);                                                                        \
    } while (0)

static bool lies_in(uint64_t v, uint64_t least, uint64_t most)
{
    return v >= least && v <= most;
}

static char *text_of(size_t len)
{
    static char text[2][2000];
    static int which;
    char *t = text[which = !which];

    memset(t, 'x', len);
    t[len] = '\0';
    return t;
}

/* --- parts --- */

static void templates(void)
{
    Ks__Attribute a = KS__ATTRIBUTE__INIT, *many[TEMPLATE_ATTRIBUTES_MAX + 1];
    Ks__Template t = KS__TEMPLATE__INIT;

    for (size_t i = 0; i < ARRAY_LEN(many); i++)
        many[i] = &a;
    t.attributes = many;
    CU_ASSERT_EQUAL(validate_template(&t), ST_OK);
    BOUNDED(validate_template, t, t.n_attributes, TEMPLATE_ATTRIBUTES_MAX);
    t.n_attributes = 2;
    a.type = CKA_LABEL;
    BOUNDED(validate_template, t, a.value.len, ATTRIBUTE_VALUE_MAX);
    a.type = CKA_VALUE;
    BOUNDED(validate_template, t, a.value.len, ATTRIBUTE_LARGE_MAX);
    ENUMERATED(validate_template, t, a.state, 0, 2);
    a.base.n_unknown_fields = 1;
    CU_ASSERT_EQUAL(validate_template(&t), ST_BAD_REQUEST);
}

static void mechanisms(void)
{
    Ks__Mechanism m = KS__MECHANISM__INIT;

    CU_ASSERT_EQUAL(validate_mechanism(&m), ST_OK);
    BOUNDED(validate_mechanism, m, m.iv.len, MECHANISM_PART_MAX);
    BOUNDED(validate_mechanism, m, m.aad.len, MECHANISM_PART_MAX);
    BOUNDED(validate_mechanism, m, m.data.len, MECHANISM_PART_MAX);
    ENUMERATED(validate_mechanism, m, m.flags, 0, 3);
}

/* Every message that carries them passes its parts on, and those that need a mechanism say so. */
#define CARRIES_TEMPLATE(validate, field)                                                                              \
    do {                                                                                                               \
        (field) = &good;                                                                                               \
        CU_ASSERT_EQUAL(validate, ST_OK);                                                                              \
        (field) = &bad;                                                                                                \
        CU_ASSERT_EQUAL(validate, ST_TOO_LARGE);                                                                       \
        (field) = NULL;                                                                                                \
        CU_ASSERT_EQUAL(validate, ST_OK);                                                                              \
    } while (0)
#define CARRIES_MECHANISM(validate, field)                                                                             \
    do {                                                                                                               \
        (field) = NULL;                                                                                                \
        CU_ASSERT_EQUAL(validate, ST_BAD_REQUEST);                                                                     \
        (field) = &bad_mechanism;                                                                                      \
        CU_ASSERT_EQUAL(validate, ST_TOO_LARGE);                                                                       \
        (field) = &mechanism;                                                                                          \
        CU_ASSERT_EQUAL(validate, ST_OK);                                                                              \
    } while (0)

static void messages_that_carry_parts(void)
{
    Ks__Template good = KS__TEMPLATE__INIT, bad = KS__TEMPLATE__INIT;
    Ks__Mechanism mechanism = KS__MECHANISM__INIT, bad_mechanism = KS__MECHANISM__INIT;
    Ks__CreateObject create = KS__CREATE_OBJECT__INIT;
    Ks__CopyObject copy = KS__COPY_OBJECT__INIT;
    Ks__SetAttributes set = KS__SET_ATTRIBUTES__INIT;
    Ks__FindObjects find = KS__FIND_OBJECTS__INIT;
    Ks__GenerateKey generate = KS__GENERATE_KEY__INIT;
    Ks__GenerateKeyPair pair = KS__GENERATE_KEY_PAIR__INIT;
    Ks__WrapKey wrap = KS__WRAP_KEY__INIT;
    Ks__UnwrapKey unwrap = KS__UNWRAP_KEY__INIT;
    Ks__DeriveKey derive = KS__DERIVE_KEY__INIT;
    Ks__Encapsulate encapsulate = KS__ENCAPSULATE__INIT;
    Ks__Decapsulate decapsulate = KS__DECAPSULATE__INIT;
    Ks__Compute compute = KS__COMPUTE__INIT;
    Ks__OperationBegin begin = KS__OPERATION_BEGIN__INIT;

    bad.n_attributes = TEMPLATE_ATTRIBUTES_MAX + 1;
    bad_mechanism.iv.len = MECHANISM_PART_MAX + 1;
    compute.operation = begin.operation = OPERATION_SIGN;
    CARRIES_MECHANISM(validate_generate_key(&generate), generate.mechanism);
    CARRIES_MECHANISM(validate_generate_key_pair(&pair), pair.mechanism);
    CARRIES_MECHANISM(validate_wrap_key(&wrap), wrap.mechanism);
    CARRIES_MECHANISM(validate_unwrap_key(&unwrap), unwrap.mechanism);
    CARRIES_MECHANISM(validate_derive_key(&derive), derive.mechanism);
    CARRIES_MECHANISM(validate_encapsulate(&encapsulate), encapsulate.mechanism);
    CARRIES_MECHANISM(validate_decapsulate(&decapsulate), decapsulate.mechanism);
    CARRIES_MECHANISM(validate_compute(&compute), compute.mechanism);
    CARRIES_MECHANISM(validate_operation_begin(&begin), begin.mechanism);
    CARRIES_TEMPLATE(validate_create_object(&create), create.template_);
    CARRIES_TEMPLATE(validate_copy_object(&copy), copy.template_);
    CARRIES_TEMPLATE(validate_set_attributes(&set), set.template_);
    CARRIES_TEMPLATE(validate_find_objects(&find), find.template_);
    CARRIES_TEMPLATE(validate_generate_key(&generate), generate.template_);
    CARRIES_TEMPLATE(validate_generate_key_pair(&pair), pair.public_template);
    CARRIES_TEMPLATE(validate_generate_key_pair(&pair), pair.private_template);
    CARRIES_TEMPLATE(validate_unwrap_key(&unwrap), unwrap.template_);
    CARRIES_TEMPLATE(validate_derive_key(&derive), derive.template_);
    CARRIES_TEMPLATE(validate_encapsulate(&encapsulate), encapsulate.template_);
    CARRIES_TEMPLATE(validate_decapsulate(&decapsulate), decapsulate.template_);
    BOUNDED(validate_unwrap_key, unwrap, unwrap.wrapped.len, WRAPPED_MAX);
    BOUNDED(validate_decapsulate, decapsulate, decapsulate.ciphertext.len, ATTRIBUTE_VALUE_MAX);
    BOUNDED(validate_compute, compute, compute.data.len, DATA_MAX);
    BOUNDED(validate_compute, compute, compute.signature.len, SIGNATURE_MAX);
    ENUMERATED(validate_compute, compute, compute.operation, OPERATION_ENCRYPT, OPERATION_VERIFY_RECOVER);
    ENUMERATED(validate_operation_begin, begin, begin.operation, OPERATION_ENCRYPT, OPERATION_VERIFY_RECOVER);
}

static void the_token_and_its_sessions(void)
{
    Ks__Attach attach = KS__ATTACH__INIT;
    Ks__InitToken init_token = KS__INIT_TOKEN__INIT;
    Ks__InitPin init_pin = KS__INIT_PIN__INIT;
    Ks__SetPin set_pin = KS__SET_PIN__INIT;
    Ks__Login login = KS__LOGIN__INIT;
    Ks__SessionInfo info = KS__SESSION_INFO__INIT;
    Ks__MechanismInfo one = KS__MECHANISM_INFO__INIT, *many[257];
    Ks__MechanismList list = KS__MECHANISM_LIST__INIT;
    Ks__TokenInfo token = KS__TOKEN_INFO__INIT;

    BOUNDED(validate_attach, attach, attach.application.len, 32);
    EXACT(validate_init_token, init_token, init_token.label.len, LABEL_LEN);
    BOUNDED(validate_init_token, init_token, init_token.so_pin.len, PIN_MAX);
    BOUNDED(validate_init_pin, init_pin, init_pin.pin.len, PIN_MAX);
    BOUNDED(validate_set_pin, set_pin, set_pin.old_pin.len, PIN_MAX);
    BOUNDED(validate_set_pin, set_pin, set_pin.new_pin.len, PIN_MAX);
    BOUNDED(validate_login, login, login.pin.len, PIN_MAX);
    login.user_type = 99; /* has a CKR of its own, which the keystore gives */
    CU_ASSERT_EQUAL(validate_login(&login), ST_OK);
    ENUMERATED(validate_session_info, info, info.state, CKS_RO_PUBLIC_SESSION, CKS_RW_SO_FUNCTIONS);
    for (size_t i = 0; i < ARRAY_LEN(many); i++)
        many[i] = &one;
    list.mechanisms = many;
    BOUNDED(validate_mechanism_list, list, list.n_mechanisms, 256);
    list.n_mechanisms = 1;
    one.base.n_unknown_fields = 1;
    CU_ASSERT_EQUAL(validate_mechanism_list(&list), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(validate_token_info(&token), ST_BAD_REQUEST); /* no policy */
    token.policy = text_of(6);
    CU_ASSERT_EQUAL(validate_token_info(&token), ST_BAD_REQUEST);
    token.policy = (char *)"strict";
    TEXT_BOUNDED(validate_token_info, token, token.label, LABEL_LEN);
    TEXT_BOUNDED(validate_token_info, token, token.serial, 64);
    TEXT_BOUNDED(validate_token_info, token, token.model, 64);
    TEXT_BOUNDED(validate_token_info, token, token.firmware_version, 64);
}

static void the_status(void)
{
    Ks__Status m = KS__STATUS__INIT;

    m.state = KEYSTORE_OPERATIONAL;
    EXACT(validate_status, m, m.boot_id.len, LINK_BOOT_ID_LEN);
    ENUMERATED(validate_status, m, m.state, KEYSTORE_FACTORY, KEYSTORE_ZEROISED);
    ENUMERATED(validate_status, m, m.role, PEER_STRANGER, PEER_FACTORY);
    BOUNDED(validate_status, m, m.firmware_hash.len, 32);
    BOUNDED(validate_status, m, m.audit_head.len, 32);
    TEXT_BOUNDED(validate_status, m, m.firmware_version, 64);
    TEXT_BOUNDED(validate_status, m, m.board, 64);
    TEXT_BOUNDED(validate_status, m, m.root, 64);
    TEXT_BOUNDED(validate_status, m, m.isolation, 1024);
    TEXT_BOUNDED(validate_status, m, m.fault, 1024);
}

static void objects_and_operations(void)
{
    Ks__GetAttributes get = KS__GET_ATTRIBUTES__INIT;
    Ks__Handles handles = KS__HANDLES__INIT;
    Ks__Encapsulated encapsulated = KS__ENCAPSULATED__INIT;
    Ks__Data data = KS__DATA__INIT;
    Ks__OperationUpdate update = KS__OPERATION_UPDATE__INIT;
    Ks__OperationFinal final = KS__OPERATION_FINAL__INIT;
    Ks__OperationCancel cancel = KS__OPERATION_CANCEL__INIT;
    Ks__Random random_ = KS__RANDOM__INIT;
    Ks__Seed seed = KS__SEED__INIT;

    BOUNDED(validate_get_attributes, get, get.n_types, TEMPLATE_ATTRIBUTES_MAX);
    BOUNDED(validate_handles, handles, handles.n_handles, FIND_RESULT_MAX);
    BOUNDED(validate_encapsulated, encapsulated, encapsulated.ciphertext.len, ATTRIBUTE_VALUE_MAX);
    BOUNDED(validate_data, data, data.data.len, DATA_MAX + 1024u);
    update.operation = final.operation = OPERATION_SIGN;
    BOUNDED(validate_operation_update, update, update.data.len, DATA_MAX);
    BOUNDED(validate_operation_final, final, final.signature.len, SIGNATURE_MAX);
    ENUMERATED(validate_operation_update, update, update.operation, OPERATION_ENCRYPT, OPERATION_VERIFY_RECOVER);
    ENUMERATED(validate_operation_final, final, final.operation, OPERATION_ENCRYPT, OPERATION_VERIFY_RECOVER);
    ENUMERATED(validate_operation_cancel, cancel, cancel.operation, 0, OPERATION_VERIFY_RECOVER);
    BOUNDED(validate_seed, seed, seed.seed.len, RANDOM_MAX);
    random_.length = RANDOM_MAX;
    CU_ASSERT_EQUAL(validate_random(&random_), ST_OK);
    random_.length = RANDOM_MAX + 1;
    CU_ASSERT_EQUAL(validate_random(&random_), ST_TOO_LARGE);
}

static void administration(void)
{
    Ks__Identity identity = KS__IDENTITY__INIT, *identities[PARTITION_IDENTITIES_MAX + 1];
    Ks__Partition partition = KS__PARTITION__INIT, *partitions[PARTITIONS_MAX + 1];
    Ks__PartitionList list = KS__PARTITION_LIST__INIT;
    Ks__DomainCreate create = KS__DOMAIN_CREATE__INIT;
    Ks__AuditRecords records = KS__AUDIT_RECORDS__INIT;

    for (size_t i = 0; i < ARRAY_LEN(identities); i++)
        identities[i] = &identity;
    for (size_t i = 0; i < ARRAY_LEN(partitions); i++)
        partitions[i] = &partition;
    partition.identities = identities;
    list.partitions = partitions;
    list.n_partitions = 1;
    identity.fingerprint.len = LINK_FINGERPRINT_LEN;
    CU_ASSERT_EQUAL(validate_partition(&partition), ST_BAD_REQUEST); /* no policy */
    partition.policy = (char *)"lax";
    CU_ASSERT_EQUAL(validate_partition(&partition), ST_BAD_REQUEST);
    partition.policy = (char *)"compatible";
    BOUNDED(validate_partition, partition, partition.n_identities, PARTITION_IDENTITIES_MAX);
    TEXT_BOUNDED(validate_partition, partition, partition.name, PARTITION_NAME_MAX);
    TEXT_BOUNDED(validate_partition, partition, partition.label, LABEL_LEN);
    partition.n_identities = 2;
    EXACT(validate_partition, partition, identity.fingerprint.len, LINK_FINGERPRINT_LEN);
    ENUMERATED(validate_partition, partition, identity.role, PEER_STRANGER, PEER_AUDITOR);
    TEXT_BOUNDED(validate_partition, partition, identity.name, 64);
    identity.base.n_unknown_fields = 1;
    CU_ASSERT_EQUAL(validate_partition_list(&list), ST_BAD_REQUEST);
    identity.base.n_unknown_fields = 0;
    BOUNDED(validate_partition_list, list, list.n_partitions, PARTITIONS_MAX);
    TEXT_BOUNDED(validate_domain_create, create, create.name, PARTITION_NAME_MAX);
    BOUNDED(validate_audit_records, records, records.records.len, DATA_MAX);
    BOUNDED(validate_audit_records, records, records.head.len, 32);
}

/* Whatever the message: a field that we do not know is refused. */
#define REFUSES_UNKNOWN(type, init, validate)                                                                          \
    do {                                                                                                               \
        type m = init;                                                                                                 \
        m.base.n_unknown_fields = 1;                                                                                   \
        CU_ASSERT_EQUAL(validate(&m), ST_BAD_REQUEST);                                                                 \
    } while (0)

#define VALIDATE_PLAIN(m) validate_known(&(m)->base)

static void unknown_fields(void)
{
    REFUSES_UNKNOWN(Ks__Template, KS__TEMPLATE__INIT, validate_template);
    REFUSES_UNKNOWN(Ks__Mechanism, KS__MECHANISM__INIT, validate_mechanism);
    REFUSES_UNKNOWN(Ks__Empty, KS__EMPTY__INIT, VALIDATE_PLAIN);
    REFUSES_UNKNOWN(Ks__Attach, KS__ATTACH__INIT, validate_attach);
    REFUSES_UNKNOWN(Ks__Status, KS__STATUS__INIT, validate_status);
    REFUSES_UNKNOWN(Ks__TokenInfo, KS__TOKEN_INFO__INIT, validate_token_info);
    REFUSES_UNKNOWN(Ks__MechanismList, KS__MECHANISM_LIST__INIT, validate_mechanism_list);
    REFUSES_UNKNOWN(Ks__InitToken, KS__INIT_TOKEN__INIT, validate_init_token);
    REFUSES_UNKNOWN(Ks__InitPin, KS__INIT_PIN__INIT, validate_init_pin);
    REFUSES_UNKNOWN(Ks__SetPin, KS__SET_PIN__INIT, validate_set_pin);
    REFUSES_UNKNOWN(Ks__Login, KS__LOGIN__INIT, validate_login);
    REFUSES_UNKNOWN(Ks__Session, KS__SESSION__INIT, VALIDATE_PLAIN);
    REFUSES_UNKNOWN(Ks__OpenSession, KS__OPEN_SESSION__INIT, VALIDATE_PLAIN);
    REFUSES_UNKNOWN(Ks__SessionInfo, KS__SESSION_INFO__INIT, validate_session_info);
    REFUSES_UNKNOWN(Ks__CreateObject, KS__CREATE_OBJECT__INIT, validate_create_object);
    REFUSES_UNKNOWN(Ks__CopyObject, KS__COPY_OBJECT__INIT, validate_copy_object);
    REFUSES_UNKNOWN(Ks__Object, KS__OBJECT__INIT, VALIDATE_PLAIN);
    REFUSES_UNKNOWN(Ks__ObjectSize, KS__OBJECT_SIZE__INIT, VALIDATE_PLAIN);
    REFUSES_UNKNOWN(Ks__GetAttributes, KS__GET_ATTRIBUTES__INIT, validate_get_attributes);
    REFUSES_UNKNOWN(Ks__SetAttributes, KS__SET_ATTRIBUTES__INIT, validate_set_attributes);
    REFUSES_UNKNOWN(Ks__FindObjects, KS__FIND_OBJECTS__INIT, validate_find_objects);
    REFUSES_UNKNOWN(Ks__Handles, KS__HANDLES__INIT, validate_handles);
    REFUSES_UNKNOWN(Ks__Handle, KS__HANDLE__INIT, VALIDATE_PLAIN);
    REFUSES_UNKNOWN(Ks__KeyPair, KS__KEY_PAIR__INIT, VALIDATE_PLAIN);
    REFUSES_UNKNOWN(Ks__Encapsulated, KS__ENCAPSULATED__INIT, validate_encapsulated);
    REFUSES_UNKNOWN(Ks__Data, KS__DATA__INIT, validate_data);
    REFUSES_UNKNOWN(Ks__OperationCancel, KS__OPERATION_CANCEL__INIT, validate_operation_cancel);
    REFUSES_UNKNOWN(Ks__Random, KS__RANDOM__INIT, validate_random);
    REFUSES_UNKNOWN(Ks__Seed, KS__SEED__INIT, validate_seed);
    REFUSES_UNKNOWN(Ks__DomainCreate, KS__DOMAIN_CREATE__INIT, validate_domain_create);
    REFUSES_UNKNOWN(Ks__Partition, KS__PARTITION__INIT, validate_partition);
    REFUSES_UNKNOWN(Ks__PartitionId, KS__PARTITION_ID__INIT, VALIDATE_PLAIN);
    REFUSES_UNKNOWN(Ks__PartitionList, KS__PARTITION_LIST__INIT, validate_partition_list);
    REFUSES_UNKNOWN(Ks__AuditRead, KS__AUDIT_READ__INIT, VALIDATE_PLAIN);
    REFUSES_UNKNOWN(Ks__AuditRecords, KS__AUDIT_RECORDS__INIT, validate_audit_records);
}

int main(void)
{
    static CU_TestInfo cases[] = { { "templates", templates },
                                   { "mechanisms", mechanisms },
                                   { "messages that carry them", messages_that_carry_parts },
                                   { "the token and its sessions", the_token_and_its_sessions },
                                   { "the status", the_status },
                                   { "objects and operations", objects_and_operations },
                                   { "administration", administration },
                                   { "unknown fields", unknown_fields },
                                   CU_TEST_INFO_NULL };
    CU_SuiteInfo suites[] = { { "validate", NULL, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
