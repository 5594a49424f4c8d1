/* The insides of a session: a message's header, then its body by the table of kinds. What is accepted keeps the limits,
 * packs to the same length, and is accepted again. */
#include "firmware/wire/body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t block[BUDGET_SIZE], block_again[BUDGET_SIZE], packed[LINK_MESSAGE_MAX];

static void unpack_twice(uint16_t kind, bool answer, struct span body)
{
    struct budget b, b_again;
    ProtobufCMessage *m, *again;
    enum status st;

    budget_init(&b, block, sizeof block);
    budget_init(&b_again, block_again, sizeof block_again);
    st = message_unpack(kind, answer, body, &b, &m);
    INVARIANT((st == ST_OK) == (m != NULL) && (st == ST_OK || st == ST_BAD_REQUEST || st == ST_TOO_LARGE));
    if (st == ST_OK) {
        INVARIANT(protobuf_c_message_pack(m, packed) == body.len);
        st = message_unpack(kind, answer, span_of(packed, body.len), &b_again, &again);
        INVARIANT(st == ST_OK);
    }
    budget_reset(&b);
    budget_reset(&b_again);
    for (size_t i = 0; i < sizeof block; i += 997)
        INVARIANT(block[i] == 0);
}

static void unpack_template(struct span value)
{
    struct budget b;
    Ks__Template *t;
    enum status st;

    budget_init(&b, block, sizeof block);
    st = template_unpack(value, &b, &t);
    INVARIANT((st == ST_OK) == (t != NULL) && (t == NULL || t->n_attributes <= TEMPLATE_ATTRIBUTES_MAX));
    budget_reset(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct message_header h;
    uint8_t header[MESSAGE_HEADER_LEN];
    struct span body = { data + MESSAGE_HEADER_LEN, size - MESSAGE_HEADER_LEN };

    if (size < MESSAGE_HEADER_LEN || body.len > LINK_MESSAGE_MAX)
        return 0;
    if (message_header_read(&h, data) == ST_OK) {
        message_header_write(header, &h);
        INVARIANT(memcmp(header, data, sizeof header) == 0);
    }
    unpack_twice(h.kind, (h.flags & MESSAGE_ANSWER) != 0, body); /* whatever the rest of the header */
    unpack_template(body);
    return 0;
}
