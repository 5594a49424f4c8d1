/* Both ends of a link with an attacker between them: the input says what is carried, cut, changed, repeated, made up
 * and left out. Whatever happens: no end reads a message that the other did not send. */
#include "tests/unit/firmware/wire/rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OUTPUT_MAX (512u * 1024)

static struct pair pair;
static uint32_t sent, seen; /* ids, in order */
static uint8_t body[70000];

static void send(struct link *client, size_t len)
{
    struct message m = { .id = sent + 1, .kind = MESSAGE_SEED, .body = { body, len } };

    if (link_send(client, &m) == ST_OK)
        sent++;
    (void)!link_flush(client);
}

static void take(struct link *board)
{
    struct message m;
    enum status st;

    while (link_next(board, &m, &st)) {
        INVARIANT(m.id == seen + 1 && m.id <= sent && m.body.len <= sizeof body);
        INVARIANT(m.body.len == 0 || memcmp(m.body.p, body, m.body.len) == 0);
        seen = m.id;
    }
}

static void deliver(struct link *to, struct span bytes)
{
    (void)!link_feed(to, bytes);
    INVARIANT(link_output(to).len <= OUTPUT_MAX);
    take(pair.board);
}

/* One act of the attacker; `arg` and `rest` are its to use. Returns how much of `rest` it used. */
static size_t act(uint8_t what, uint8_t arg, struct span rest)
{
    struct link *from = (what & 0x10) != 0 ? pair.board : pair.client;
    struct link *to = (what & 0x10) != 0 ? pair.client : pair.board;
    struct span out = link_output(from);
    uint8_t copy[2048];

    switch (what & 7) {
    case 0:
    case 1: /* all of it */
        deliver(to, out);
        break;
    case 2: /* some of it */
        out.len = out.len < arg ? out.len : arg;
        deliver(to, out);
        break;
    case 3: /* all of it, one byte changed */
        if (out.len == 0 || out.len > sizeof copy)
            return 0;
        memcpy(copy, out.p, out.len);
        copy[(arg * 7u) % out.len] ^= (uint8_t)(rest.len > 0 ? rest.p[0] | 1 : 1);
        deliver(to, span_of(copy, out.len));
        break;
    case 4: /* once more */
        deliver(to, out);
        return 0;
    case 5: /* something else */
        rest.len = rest.len < arg ? rest.len : arg;
        deliver(to, rest);
        return rest.len;
    case 6:
        send(pair.client, arg < 250 ? arg : arg * 270u);
        return 0;
    case 7: /* none of it */
        break;
    }
    link_output_taken(from, out.len);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum link_framing framing = size > 0 && (data[0] & 1) != 0 ? LINK_FRAMING_COBS : LINK_FRAMING_LENGTH;

    if (size == 0 || size > 4096)
        return 0;
    if (pair.board_identity == NULL)
        pair_init(&pair, framing);
    else
        pair_renew(&pair, framing);
    sent = seen = 0;
    for (size_t i = 1; i + 1 < size; i += 2)
        i += act(data[i], data[i + 1], span_of(data + i + 2, size - i - 2));
    return 0;
}
