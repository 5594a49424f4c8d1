/* firmware/wire/act.c: what an approval is over. Requests are filled and changed by their descriptions, so a field that
 * is added some day is looked at, too. */
#include "firmware/wire/act.h"

#include "tests/unit/harness.h"

#define ROOM 4096

/* What a request is made of: zeroed, never freed, taken from the start again by each test. */
static union {
    max_align_t align;
    uint8_t bytes[ROOM];
} arena;
static size_t used;

static void *take(size_t len)
{
    void *p = arena.bytes + used;

    used += (len + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    INVARIANT(used <= ROOM);
    return memset(p, 0, len);
}

static ProtobufCMessage *make(const ProtobufCMessageDescriptor *d);

static void fill_value(const ProtobufCFieldDescriptor *f, void *at)
{
    static char text[] = "abc";

    switch (f->type) {
    case PROTOBUF_C_TYPE_STRING:
        *(char **)at = strcpy(take(sizeof text), text);
        break;
    case PROTOBUF_C_TYPE_BYTES:
        *(ProtobufCBinaryData *)at = (ProtobufCBinaryData){ sizeof text, memcpy(take(sizeof text), text, sizeof text) };
        break;
    case PROTOBUF_C_TYPE_MESSAGE:
        *(ProtobufCMessage **)at = make(f->descriptor);
        break;
    case PROTOBUF_C_TYPE_UINT64:
        *(uint64_t *)at = 5;
        break;
    case PROTOBUF_C_TYPE_BOOL:
        *(protobuf_c_boolean *)at = true;
        break;
    default:
        INVARIANT(f->type == PROTOBUF_C_TYPE_UINT32);
        *(uint32_t *)at = 5;
    }
}

/* Each field has a value, each list has one. */
static ProtobufCMessage *make(const ProtobufCMessageDescriptor *d)
{
    ProtobufCMessage *m = take(d->sizeof_message);

    d->message_init(m);
    for (unsigned i = 0; i < d->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &d->fields[i];
        uint8_t *at = (uint8_t *)m + f->offset;

        if (f->label == PROTOBUF_C_LABEL_REPEATED) {
            *(size_t *)(void *)((uint8_t *)m + f->quantifier_offset) = 1;
            at = *(void **)(void *)at = take(sizeof(ProtobufCBinaryData));
        }
        fill_value(f, at);
    }
    return m;
}

static const struct {
    uint16_t kind;
    const ProtobufCMessageDescriptor *message;
    unsigned fields; /* that its approvals are over */
} acts[] = {
    { MESSAGE_DOMAIN_CHANGE, &ks__domain_change__descriptor, 3 },
    { MESSAGE_DOMAIN_EXPORT, &ks__domain_export__descriptor, 0 },
    { MESSAGE_DOMAIN_RESTORE, &ks__domain_restore__descriptor, 3 },
    { MESSAGE_ROLE_SET, &ks__role_set__descriptor, 4 },
    { MESSAGE_AUDIT_SINK_SET, &ks__audit_sink_set__descriptor, 2 },
    { MESSAGE_FIRMWARE_KEY_SET, &ks__firmware_key_set__descriptor, 1 },
    { MESSAGE_CLOCK_SET, &ks__clock_set__descriptor, 1 },
    { MESSAGE_START_MODE_SET, &ks__start_mode_set__descriptor, 2 },
    { MESSAGE_PARTITION_SET, &ks__partition__descriptor, 11 },
    { MESSAGE_RESTORE_BEGIN, &ks__restore_begin__descriptor, 1 },
    { MESSAGE_FACTORY_RESET, &ks__decommission__descriptor, 0 },
    { MESSAGE_ZEROISE, &ks__decommission__descriptor, 0 },
};

/* What comes at the last moment. */
static bool is_left_out(const ProtobufCMessageDescriptor *d, const ProtobufCFieldDescriptor *f)
{
    return strcmp(f->name, "authorisation") == 0 ||
           (d == &ks__operator__descriptor && strcmp(f->name, "passphrase") == 0) ||
           (d == &ks__domain_restore__descriptor &&
            (strcmp(f->name, "shares") == 0 || strcmp(f->name, "wrapped_key") == 0));
}

static bool changes_digest(uint16_t kind, ProtobufCMessage *m, const uint8_t before[32])
{
    uint8_t after[32];

    CU_ASSERT_EQUAL_FATAL(act_digest(kind, m, after), ST_OK);
    return memcmp(before, after, sizeof after) != 0;
}

static uint8_t *first_byte(const ProtobufCFieldDescriptor *f, uint8_t *at)
{
    if (f->type == PROTOBUF_C_TYPE_STRING)
        return *(uint8_t **)(void *)at;
    return f->type == PROTOBUF_C_TYPE_BYTES ? ((ProtobufCBinaryData *)(void *)at)->data : at;
}

/* Changes each value in `m`, a part of `request`, one after the other. How many of them the digest is over. */
static unsigned change_each(uint16_t kind, ProtobufCMessage *request, ProtobufCMessage *m, bool left_out)
{
    uint8_t before[32];
    unsigned covered = 0;

    CU_ASSERT_EQUAL_FATAL(act_digest(kind, request, before), ST_OK);
    for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &m->descriptor->fields[i];
        bool out = left_out || is_left_out(m->descriptor, f);
        uint8_t *at = (uint8_t *)m + f->offset, *byte;

        if (f->label == PROTOBUF_C_LABEL_REPEATED) {
            size_t *count = (size_t *)(void *)((uint8_t *)m + f->quantifier_offset);

            *count = 0;
            CU_ASSERT_NOT_EQUAL(changes_digest(kind, request, before), out);
            *count = 1;
            at = *(uint8_t **)(void *)at;
        }
        if (f->type == PROTOBUF_C_TYPE_MESSAGE) {
            covered += change_each(kind, request, *(ProtobufCMessage **)(void *)at, out);
            continue;
        }
        byte = first_byte(f, at);
        *byte ^= 1;
        if (changes_digest(kind, request, before) == out)
            printf("%s.%s\n", m->descriptor->name, f->name);
        CU_ASSERT_NOT_EQUAL(changes_digest(kind, request, before), out);
        *byte ^= 1;
        covered += !out;
    }
    CU_ASSERT_FALSE(changes_digest(kind, request, before));
    return covered;
}

static void each_parameter_is_approved(void)
{
    for (size_t i = 0; i < ARRAY_LEN(acts); i++) {
        ProtobufCMessage *m;

        used = 0;
        m = make(acts[i].message);
        CU_ASSERT_EQUAL(change_each(acts[i].kind, m, m, false), acts[i].fields);
    }
}

static void each_dangerous_kind_is_here(void)
{
    unsigned dangerous = 0;

    for (unsigned kind = 0; kind < MESSAGE_KIND_COUNT_; kind++)
        dangerous += act_kind_is_dangerous((uint16_t)kind);
    CU_ASSERT_EQUAL(dangerous, ARRAY_LEN(acts));
    for (size_t i = 0; i < ARRAY_LEN(acts); i++)
        CU_ASSERT_TRUE(act_kind_is_dangerous(acts[i].kind));
}

static void other_kinds_have_no_digest(void)
{
    Ks__Partition m = KS__PARTITION__INIT;
    uint8_t digest[32];

    CU_ASSERT_EQUAL(act_digest(MESSAGE_PARTITION_CREATE, &m.base, digest), ST_BAD_REQUEST);
    CU_ASSERT_PTR_NULL(act_authorisation(MESSAGE_PARTITION_CREATE, &m.base));
}

/* Computed by another program from the description in act.h and keystore.proto alone. */
static void the_bytes_are_as_described(void)
{
    static const uint8_t digest[32] = { 0x63, 0x05, 0x91, 0x96, 0xe2, 0x82, 0x8f, 0xf0, 0x95, 0x3a, 0x92,
                                        0xb3, 0x9d, 0x0c, 0x62, 0x55, 0xc4, 0x62, 0x20, 0x14, 0xd3, 0x37,
                                        0xb0, 0x80, 0x79, 0xbb, 0x6e, 0xdb, 0xa7, 0xe1, 0x8d, 0x7e };
    static const uint8_t statement_hash[32] = { 0x52, 0x24, 0x4f, 0x6f, 0xef, 0x93, 0x16, 0xae, 0xe3, 0xaf, 0xe3,
                                                0x6a, 0xd4, 0x2d, 0x2b, 0x47, 0xa7, 0x42, 0x18, 0x5a, 0xfc, 0x42,
                                                0xdc, 0xa6, 0xe8, 0x8e, 0x00, 0x14, 0xc2, 0x98, 0xbc, 0xe2 };
    struct act a = { .kind = MESSAGE_CLOCK_SET, .generation = 0x01020304, .sequence = 5, .expires_ms = 1800000000000 };
    Ks__ClockSet m = KS__CLOCK_SET__INIT;
    Ks__Authorisation authorisation = KS__AUTHORISATION__INIT;
    uint8_t statement[ACT_STATEMENT_LEN], hash[32];

    m.time_ms = 1700000000123;
    act_authorise(MESSAGE_CLOCK_SET, &m.base, &authorisation);
    CU_ASSERT_EQUAL_FATAL(act_digest(MESSAGE_CLOCK_SET, &m.base, a.digest), ST_OK);
    CU_ASSERT_EQUAL(memcmp(a.digest, digest, sizeof digest), 0);
    CU_ASSERT_PTR_EQUAL(m.authorisation, &authorisation);
    memset(a.device, 0xdd, sizeof a.device);
    memset(a.domain_id, 0xaa, sizeof a.domain_id);
    act_statement(&a, statement);
    CU_ASSERT_EQUAL(EVP_Digest(statement, sizeof statement, hash, NULL, EVP_sha256(), NULL), 1);
    CU_ASSERT_EQUAL(memcmp(hash, statement_hash, sizeof hash), 0);
}

int main(void)
{
    static CU_TestInfo cases[] = {
        { "each parameter of each act is approved", each_parameter_is_approved },
        { "each dangerous kind is here", each_dangerous_kind_is_here },
        { "other kinds have no digest", other_kinds_have_no_digest },
        { "the bytes are as described", the_bytes_are_as_described },
        CU_TEST_INFO_NULL,
    };
    static CU_SuiteInfo suites[] = { { "act", NULL, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
