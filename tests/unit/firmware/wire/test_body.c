/* Packing and unpacking by the table of kinds: what one end sends the other reads, and nothing else. */
#include "firmware/wire/body.h"

#include "tests/unit/firmware/wire/rig.h"
#include "tests/unit/harness.h"

static uint8_t block[BUDGET_SIZE];
static uint8_t filler[DATA_MAX];
static struct budget budget;

static int start(void)
{
    budget_init(&budget, block, sizeof block);
    memset(filler, 0x5a, sizeof filler);
    return 0;
}

static enum status unpack(uint16_t kind, bool answer, const void *p, size_t len, ProtobufCMessage **out)
{
    budget_reset(&budget);
    return message_unpack(kind, answer, span_of(p, len), &budget, out);
}

static ProtobufCBinaryData data_of(size_t len)
{
    return (ProtobufCBinaryData){ .data = filler, .len = len };
}

static void compute_crosses_the_link(void)
{
    struct mechanism in = { .type = CKM_AES_GCM,
                            .has_parameter = true,
                            .number = 128,
                            .iv = { filler, 12 },
                            .aad = { filler, 20 } },
                     out;
    Ks__Compute request = KS__COMPUTE__INIT;
    Ks__Mechanism mechanism;
    Ks__Data answer = KS__DATA__INIT;
    ProtobufCMessage *back;
    struct message m;
    struct pair p;
    enum status st;

    pair_open(&p, LINK_FRAMING_LENGTH);
    mechanism_to_wire(&in, &mechanism);
    request.session = UINT64_MAX;
    request.operation = OPERATION_ENCRYPT;
    request.mechanism = &mechanism;
    request.key = 5;
    request.data = data_of(DATA_MAX);
    CU_ASSERT_EQUAL(message_send(p.client, 7, MESSAGE_COMPUTE, false, 2000, &request.base), ST_OK);
    CU_ASSERT_EQUAL(link_flush(p.client), ST_OK);
    CU_ASSERT_EQUAL(pair_pump(&p, LINK_FRAME_MAX), ST_OK);
    CU_ASSERT_TRUE_FATAL(link_next(p.board, &m, &st));
    CU_ASSERT_TRUE(m.id == 7 && m.kind == MESSAGE_COMPUTE && !m.answer && m.word == 2000);
    CU_ASSERT_EQUAL_FATAL(unpack(m.kind, m.answer, m.body.p, m.body.len, &back), ST_OK);
    CU_ASSERT_EQUAL(((Ks__Compute *)back)->session, UINT64_MAX);
    CU_ASSERT_TRUE(((Ks__Compute *)back)->data.len == DATA_MAX);
    mechanism_from_wire(((Ks__Compute *)back)->mechanism, &out);
    CU_ASSERT_TRUE(out.type == in.type && out.has_parameter && out.number == 128 && span_equal(out.iv, in.iv) &&
                   span_equal(out.aad, in.aad) && out.data.len == 0 && out.hash == 0 && out.flags == 0);

    answer.data = data_of(100);
    CU_ASSERT_EQUAL(message_send(p.board, 7, MESSAGE_COMPUTE, true, CKR_OK, &answer.base), ST_OK);
    CU_ASSERT_EQUAL(message_send(p.board, 8, MESSAGE_COMPUTE, true, CKR_KEY_HANDLE_INVALID, NULL), ST_OK);
    CU_ASSERT_EQUAL(link_flush(p.board), ST_OK);
    CU_ASSERT_EQUAL(pair_pump(&p, LINK_FRAME_MAX), ST_OK);
    CU_ASSERT_TRUE_FATAL(link_next(p.client, &m, &st));
    CU_ASSERT_EQUAL_FATAL(unpack(m.kind, m.answer, m.body.p, m.body.len, &back), ST_OK);
    CU_ASSERT_EQUAL(((Ks__Data *)back)->data.len, 100);
    CU_ASSERT_TRUE(link_next(p.client, &m, &st) && m.word == CKR_KEY_HANDLE_INVALID && m.body.len == 0);
    pair_clear(&p);
}

static void mechanisms_return_whole(void)
{
    struct mechanism in = { CKM_HKDF_DERIVE, true,         1, 2, 3, 4, MECHANISM_HKDF_EXTRACT, { filler, 1 },
                            { filler, 2 },   { filler, 3 } },
                     out;
    Ks__Mechanism wire;

    mechanism_to_wire(&in, &wire);
    CU_ASSERT_EQUAL(ks__mechanism__get_packed_size(&wire), 28);
    mechanism_from_wire(&wire, &out);
    CU_ASSERT_TRUE(out.type == in.type && out.has_parameter && out.hash == 1 && out.mgf == 2 && out.number == 3 &&
                   out.key == 4 && out.flags == in.flags);
    CU_ASSERT_TRUE(span_equal(out.iv, in.iv) && span_equal(out.aad, in.aad) && span_equal(out.data, in.data));
}

/* Every kind, both ways: what has no field set packs to nothing, and is read back or refused, never worse. */
static void every_kind_has_both_bodies(void)
{
    unsigned read = 0, refused = 0;

    for (unsigned kind = 0; kind < 2u * MESSAGE_KIND_COUNT_; kind++) {
        for (unsigned answer = 0; answer < 2; answer++) {
            ProtobufCMessage *m;
            enum status st = unpack((uint16_t)kind, answer, NULL, 0, &m);

            CU_ASSERT_EQUAL(st == ST_OK, m != NULL);
            CU_ASSERT_TRUE(st == ST_OK || st == ST_BAD_REQUEST);
            if (message_kind_exists((uint16_t)kind))
                st == ST_OK ? read++ : refused++;
            else
                CU_ASSERT_EQUAL(st, ST_BAD_REQUEST);
        }
    }
    CU_ASSERT_EQUAL(read + refused, 2 * 61);
    CU_ASSERT_EQUAL(refused, 26); /* those that lack a mechanism, a policy, a label, a digest, a part, a nonce, ... */
}

static void one_message_has_one_form(void)
{
    static const struct {
        const char *packed;
        size_t len;
        enum status st;
    } sessions[] = {
        { "\x08\x05", 2, ST_OK },
        { "", 0, ST_OK },
        { "\x08", 1, ST_BAD_REQUEST },                 /* cut */
        { "\x08\x05\x08", 3, ST_BAD_REQUEST },         /* trailing */
        { "\x08\x05\x08\x06", 4, ST_BAD_REQUEST },     /* twice */
        { "\x08\x00", 2, ST_BAD_REQUEST },             /* a default spelled out */
        { "\x08\x85\x00", 3, ST_BAD_REQUEST },         /* a number in more bytes than it needs */
        { "\x10\x05", 2, ST_BAD_REQUEST },             /* an unknown field */
        { "\x08\x05\x9a\x06\x00", 5, ST_BAD_REQUEST }, /* and one more */
        { "\x09\1\2\3\4\5\6\7\x08", 9, ST_BAD_REQUEST },
        { "\x00\x05", 2, ST_BAD_REQUEST },
        { "\x0b\x0c", 2, ST_BAD_REQUEST }, /* a group */
    };

    for (size_t i = 0; i < ARRAY_LEN(sessions); i++) {
        ProtobufCMessage *m;

        CU_ASSERT_EQUAL(unpack(MESSAGE_LOGOUT, false, sessions[i].packed, sessions[i].len, &m), sessions[i].st);
        CU_ASSERT_EQUAL(m != NULL, sessions[i].st == ST_OK);
    }
    {
        ProtobufCMessage *m;

        CU_ASSERT_EQUAL(unpack(MESSAGE_DOMAIN_CREATE, false,
                               "\x0a\x03"
                               "abc",
                               5, &m),
                        ST_OK);
        CU_ASSERT_EQUAL(unpack(MESSAGE_DOMAIN_CREATE, false,
                               "\x0a\x03"
                               "a\0c",
                               5, &m),
                        ST_BAD_REQUEST);
        CU_ASSERT_EQUAL(unpack(MESSAGE_DOMAIN_CREATE, false,
                               "\x0a\xff\xff\xff\xff\x0f"
                               "abc",
                               9, &m),
                        ST_BAD_REQUEST);
    }
}

/* A create request with every depth in it, cut and flipped everywhere: refused or read, within the budget. */
static void cut_and_flipped_everywhere(void)
{
    Ks__Attribute a = KS__ATTRIBUTE__INIT, *list[5] = { &a, &a, &a, &a, &a };
    Ks__Template t = KS__TEMPLATE__INIT;
    Ks__CreateObject m = KS__CREATE_OBJECT__INIT;
    ProtobufCMessage *back;
    uint8_t packed[512];
    size_t len;

    a.type = CKA_LABEL;
    a.value = data_of(30);
    t.attributes = list;
    t.n_attributes = 5;
    m.session = 300;
    m.template_ = &t;
    len = ks__create_object__pack(&m, packed);
    CU_ASSERT_EQUAL(unpack(MESSAGE_CREATE_OBJECT, false, packed, len, &back), ST_OK);
    for (size_t cut = 0; cut < len; cut++)
        (void)!unpack(MESSAGE_CREATE_OBJECT, false, packed, cut, &back);
    for (size_t i = 0; i < len * 8; i++) {
        packed[i / 8] ^= (uint8_t)BIT(i % 8);
        if (unpack(MESSAGE_CREATE_OBJECT, false, packed, len, &back) == ST_OK) {
            CU_ASSERT_EQUAL(protobuf_c_message_get_packed_size(back), len);
        }
        packed[i / 8] ^= (uint8_t)BIT(i % 8);
    }
}

/* Small on the wire, large in memory: many empty attributes. */
static void a_bomb_stays_in_the_budget(void)
{
    static uint8_t bomb[LINK_MESSAGE_MAX];
    ProtobufCMessage *m;

    for (size_t i = 0; i < sizeof bomb; i += 2)
        bomb[i] = 0x0a; /* a Template of empty attributes, as the answer of GET_ATTRIBUTES */
    CU_ASSERT_EQUAL(unpack(MESSAGE_GET_ATTRIBUTES, true, bomb, sizeof bomb, &m), ST_TOO_LARGE);
    CU_ASSERT_TRUE(budget.exhausted);
    CU_ASSERT_EQUAL(unpack(MESSAGE_GET_ATTRIBUTES, true, bomb, 2 * TEMPLATE_ATTRIBUTES_MAX, &m), ST_OK);
    CU_ASSERT_EQUAL(unpack(MESSAGE_GET_ATTRIBUTES, true, bomb, 2 * TEMPLATE_ATTRIBUTES_MAX + 2, &m), ST_TOO_LARGE);
    CU_ASSERT_FALSE(budget.exhausted);
}

static void the_largest_messages_fit_the_budget(void)
{
    static uint8_t packed[LINK_MESSAGE_MAX];
    static uint64_t handles[FIND_RESULT_MAX];
    Ks__Attribute a[TEMPLATE_ATTRIBUTES_MAX], *list[TEMPLATE_ATTRIBUTES_MAX];
    Ks__Template t = KS__TEMPLATE__INIT;
    Ks__Handles found = KS__HANDLES__INIT;
    ProtobufCMessage *m;
    size_t len;

    for (size_t i = 0; i < TEMPLATE_ATTRIBUTES_MAX; i++) {
        ks__attribute__init(&a[i]);
        a[i].type = CKA_LABEL;
        a[i].value = data_of(LINK_MESSAGE_MAX / TEMPLATE_ATTRIBUTES_MAX - 16);
        list[i] = &a[i];
    }
    t.attributes = list;
    t.n_attributes = TEMPLATE_ATTRIBUTES_MAX;
    len = ks__template__get_packed_size(&t);
    CU_ASSERT_TRUE_FATAL(len <= sizeof packed && len > sizeof packed - 1024);
    ks__template__pack(&t, packed);
    CU_ASSERT_EQUAL(unpack(MESSAGE_GET_ATTRIBUTES, true, packed, len, &m), ST_OK);
    for (size_t i = 0; i < FIND_RESULT_MAX; i++)
        handles[i] = UINT64_MAX - i;
    found.handles = handles;
    found.n_handles = FIND_RESULT_MAX;
    len = ks__handles__pack(&found, packed);
    CU_ASSERT_EQUAL(unpack(MESSAGE_FIND_OBJECTS, true, packed, len, &m), ST_OK);
    CU_ASSERT_EQUAL(((Ks__Handles *)m)->handles[1023], handles[1023]);
}

static void templates_nest_once(void)
{
    static const CK_ATTRIBUTE_TYPE nested[] = { CKA_WRAP_TEMPLATE, CKA_UNWRAP_TEMPLATE, CKA_DERIVE_TEMPLATE,
                                                CKA_ENCAPSULATE_TEMPLATE, CKA_DECAPSULATE_TEMPLATE };
    Ks__Attribute inner = KS__ATTRIBUTE__INIT, *list[1] = { &inner };
    Ks__Template t = KS__TEMPLATE__INIT, *back;
    uint8_t packed[128];
    size_t len;

    t.attributes = list;
    t.n_attributes = 1;
    inner.type = CKA_SENSITIVE;
    inner.value = data_of(1);
    len = ks__template__pack(&t, packed);
    budget_reset(&budget);
    CU_ASSERT_EQUAL(template_unpack(span_of(packed, len), &budget, &back), ST_OK);
    CU_ASSERT_TRUE_FATAL(back != NULL && back->n_attributes == 1);
    CU_ASSERT_EQUAL(back->attributes[0]->type, CKA_SENSITIVE);
    CU_ASSERT_EQUAL(template_unpack((struct span){ 0 }, &budget, &back), ST_OK);
    CU_ASSERT_EQUAL(template_unpack(span_of(packed, len - 1), &budget, &back), ST_BAD_REQUEST);
    CU_ASSERT_PTR_NULL(back);
    inner.type = CKA_ALLOWED_MECHANISMS;
    len = ks__template__pack(&t, packed);
    CU_ASSERT_EQUAL(template_unpack(span_of(packed, len), &budget, &back), ST_OK);
    for (size_t i = 0; i < ARRAY_LEN(nested); i++) {
        inner.type = nested[i];
        len = ks__template__pack(&t, packed);
        CU_ASSERT_EQUAL(template_unpack(span_of(packed, len), &budget, &back), ST_BAD_REQUEST);
        CU_ASSERT_PTR_NULL(back);
    }
}

static void what_does_not_fit_is_not_sent(void)
{
    static uint8_t more[LINK_MESSAGE_MAX + 1];
    Ks__Data m = KS__DATA__INIT;
    struct pair p;

    pair_open(&p, LINK_FRAMING_LENGTH);
    m.data = (ProtobufCBinaryData){ .data = more, .len = sizeof more };
    CU_ASSERT_EQUAL(message_send(p.board, 1, MESSAGE_RANDOM, true, 0, &m.base), ST_TOO_LARGE);
    m.data.len = LINK_MESSAGE_MAX - 4;
    CU_ASSERT_EQUAL(message_send(p.board, 1, MESSAGE_RANDOM, true, 0, &m.base), ST_OK);
    CU_ASSERT_EQUAL(message_send(p.board, 1, MESSAGE_RANDOM, true, 0, &m.base), ST_BUSY);
    pair_clear(&p);
}

int main(void)
{
    static CU_TestInfo cases[] = { { "COMPUTE crosses the link", compute_crosses_the_link },
                                   { "mechanisms return whole", mechanisms_return_whole },
                                   { "every kind has both bodies", every_kind_has_both_bodies },
                                   { "one message has one form", one_message_has_one_form },
                                   { "cut and flipped everywhere", cut_and_flipped_everywhere },
                                   { "a bomb stays in the budget", a_bomb_stays_in_the_budget },
                                   { "the largest messages fit the budget", the_largest_messages_fit_the_budget },
                                   { "templates nest once", templates_nest_once },
                                   { "what does not fit is not sent", what_does_not_fit_is_not_sent },
                                   CU_TEST_INFO_NULL };
    CU_SuiteInfo suites[] = { { "body", start, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
