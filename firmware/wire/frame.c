#include "firmware/wire/frame.h"

#include "firmware/base/big_endian.h"

#define PREFIX_LEN 4
#define CRC_LEN    4
#define WHOLE_MAX  (FRAME_HEADER_LEN + LINK_FRAME_MAX)
#define BLOCK_MAX  0xff /* COBS: the code of 254 bytes with no 0 behind them */

/* CRC-32C, reflected, half a byte at a time: for lines far slower than this is. */
static uint32_t crc32c(uint32_t crc, struct span s)
{
    static const uint32_t table[16] = { 0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
                                        0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
                                        0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75 };

    for (size_t i = 0; i < s.len; i++) {
        crc ^= s.p[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return crc;
}

static enum status parse(struct span whole, struct frame *out)
{
    static const struct {
        size_t min, max;
    } bodies[] = { [FRAME_HELLO] = { LINK_NONCE_LEN, LINK_NONCE_LEN },
                   [FRAME_HELLO_ACK] = { LINK_NONCE_LEN + LINK_BOOT_ID_LEN, LINK_NONCE_LEN + LINK_BOOT_ID_LEN },
                   [FRAME_DATA] = { 1, LINK_FRAME_MAX },
                   [FRAME_CLOSE] = { 0, 0 } };
    struct span body = { whole.p + FRAME_HEADER_LEN, whole.len - FRAME_HEADER_LEN };
    uint8_t kind = whole.p[1];

    if (whole.p[0] != LINK_VERSION || kind < FRAME_HELLO || kind >= ARRAY_LEN(bodies) || be_get(whole.p + 2, 2) != 0 ||
        body.len < bodies[kind].min || body.len > bodies[kind].max)
        return ST_BAD_REQUEST;
    *out = (struct frame){ .kind = kind, .session = (uint32_t)be_get(whole.p + 4, 4), .body = body };
    return kind == FRAME_HELLO && out->session != 0 ? ST_BAD_REQUEST : ST_OK;
}

static struct span skip(struct span s, size_t len)
{
    return span_of(s.p + len, s.len - len);
}

/* --- length prefix --- */

static enum status read_prefix(const uint8_t *p, size_t *len)
{
    *len = (uint32_t)be_get(p, 4);
    if (*len > WHOLE_MAX)
        return ST_TOO_LARGE;
    return *len < FRAME_HEADER_LEN ? ST_BAD_REQUEST : ST_OK;
}

/* Frames that arrive whole, as nearly all do, are not copied. */
static enum status read_whole(struct span *in, struct frame *out, bool *got)
{
    struct span whole;
    size_t len;
    enum status st;

    if (in->len < PREFIX_LEN)
        return ST_OK;
    if ((st = read_prefix(in->p, &len)) != ST_OK || in->len < PREFIX_LEN + len)
        return st;
    whole = span_of(in->p + PREFIX_LEN, len);
    *in = skip(*in, PREFIX_LEN + len);
    *got = true;
    return parse(whole, out);
}

static enum status read_length(struct frame_reader *r, struct span *in, struct frame *out, bool *got)
{
    enum status st;

    if (buffer_len(&r->held) == 0 && ((st = read_whole(in, out, got)) != ST_OK || *got))
        return st;
    for (;;) {
        size_t have = buffer_len(&r->held), want = PREFIX_LEN, len;
        struct span piece = *in;

        if (have >= PREFIX_LEN) {
            if ((st = read_prefix(buffer_span(&r->held).p, &len)) != ST_OK)
                return st;
            want += len;
        }
        if (have >= PREFIX_LEN && have == want) {
            r->lent = *got = true;
            return parse(skip(buffer_span(&r->held), PREFIX_LEN), out);
        }
        if (piece.len > want - have)
            piece.len = want - have;
        if (piece.len == 0)
            return ST_OK;
        if ((st = buffer_append(&r->held, piece)) != ST_OK) /* takes memory for what has arrived, not for `want` */
            return st;
        *in = skip(*in, piece.len);
    }
}

/* --- COBS --- */

/* Up to the next 0, which stays. False: there is none. */
static bool find_end(struct span *in)
{
    const uint8_t *end = in->len > 0 ? memchr(in->p, 0, in->len) : NULL;

    *in = skip(*in, end != NULL ? (size_t)(end - in->p) : in->len);
    return end != NULL;
}

/* A block's code, or some of its bytes; no byte of `in` up to its `len` is 0. Returns how many were used. */
static size_t decode(struct frame_reader *r, struct span in)
{
    static const uint8_t zero[1] = { 0 };
    struct span piece = { in.p, in.len < r->left ? in.len : r->left };

    if (r->left > 0) {
        r->lost = buffer_append(&r->held, piece) != ST_OK;
        r->left = (uint8_t)(r->left - piece.len);
        return piece.len;
    }
    if (r->begun && r->code != BLOCK_MAX)
        r->lost = buffer_append(&r->held, span_of(zero, 1)) != ST_OK;
    r->begun = true;
    r->code = in.p[0];
    r->left = (uint8_t)(r->code - 1);
    return 1;
}

/* What came before a delimiter: a frame, or to be dropped. */
static enum status end_cobs(struct frame_reader *r, struct frame *out, bool *got)
{
    struct span whole = buffer_span(&r->held);
    bool good = r->begun && !r->lost && r->left == 0 && whole.len >= FRAME_HEADER_LEN + CRC_LEN;

    r->begun = r->lost = false;
    r->left = 0;
    r->lent = true;
    if (!good)
        return ST_OK;
    whole.len -= CRC_LEN;
    if ((crc32c(UINT32_MAX, whole) ^ UINT32_MAX) != be_get(whole.p + whole.len, 4))
        return ST_OK;
    *got = true;
    return parse(whole, out);
}

static enum status read_cobs(struct frame_reader *r, struct span *in, struct frame *out, bool *got)
{
    while (in->len > 0) {
        struct span rest = *in;
        bool ends = find_end(&rest);
        struct span block = { in->p, in->len - rest.len };
        enum status st;

        if (r->lent) /* dropped below */
            buffer_take(&r->held, buffer_len(&r->held));
        r->lent = false;
        while (block.len > 0 && !r->lost)
            block = skip(block, decode(r, block));
        *in = rest;
        if (!ends)
            break;
        *in = skip(*in, 1);
        if ((st = end_cobs(r, out, got)) != ST_OK || *got)
            return st;
    }
    return ST_OK;
}

void frame_reader_init(struct frame_reader *r, enum link_framing framing)
{
    *r = (struct frame_reader){ .framing = framing, .held.max = WHOLE_MAX + FRAME_EXTRA_MAX };
}

void frame_reader_clear(struct frame_reader *r)
{
    buffer_clear(&r->held);
}

enum status frame_read(struct frame_reader *r, struct span *in, struct frame *out, bool *got)
{
    *got = false;
    if (r->lent)
        buffer_take(&r->held, buffer_len(&r->held));
    r->lent = false;
    return r->framing == LINK_FRAMING_LENGTH ? read_length(r, in, out, got) : read_cobs(r, in, out, got);
}

bool frame_reader_is_mid_frame(const struct frame_reader *r)
{
    return r->begun || (!r->lent && buffer_len(&r->held) > 0);
}

/* --- writing --- */

static uint8_t *at(const struct frame_writer *w, size_t offset)
{
    return w->out->p + w->out->start + offset;
}

static void put_raw(struct frame_writer *w, struct span s)
{
    if (w->st == ST_OK)
        w->st = buffer_append(w->out, s);
}

static void begin_block(struct frame_writer *w)
{
    static const uint8_t code[1] = { 1 };

    w->code_at = buffer_len(w->out);
    put_raw(w, span_of(code, 1));
}

static void put_cobs(struct frame_writer *w, struct span s)
{
    while (s.len > 0 && w->st == ST_OK) {
        size_t room = BLOCK_MAX - *at(w, w->code_at), len = s.len < room ? s.len : room;
        const uint8_t *zero = memchr(s.p, 0, len);

        if (zero != NULL)
            len = (size_t)(zero - s.p);
        put_raw(w, span_of(s.p, len));
        if (w->st != ST_OK)
            return;
        *at(w, w->code_at) = (uint8_t)(*at(w, w->code_at) + len);
        s = skip(s, len + (zero != NULL));
        if (zero != NULL || *at(w, w->code_at) == BLOCK_MAX)
            begin_block(w);
    }
}

static void put(struct frame_writer *w, struct span s)
{
    if (w->framing == LINK_FRAMING_LENGTH) {
        put_raw(w, s);
        return;
    }
    w->crc = crc32c(w->crc, s);
    put_cobs(w, s);
}

void frame_begin(struct frame_writer *w, enum frame_kind kind, uint32_t session)
{
    uint8_t prefix[PREFIX_LEN] = { 0 }, header[FRAME_HEADER_LEN] = { LINK_VERSION, (uint8_t)kind };

    INVARIANT(!w->open);
    be_put(header + 4, session, 4);
    w->st = ST_OK;
    w->open = true;
    w->start = buffer_len(w->out);
    w->body_len = 0;
    w->crc = UINT32_MAX;
    if (w->framing == LINK_FRAMING_LENGTH)
        put_raw(w, span_of(prefix, sizeof prefix));
    else
        begin_block(w);
    put(w, span_of(header, sizeof header));
}

void frame_put(struct frame_writer *w, struct span piece)
{
    INVARIANT(w->open && piece.len <= LINK_FRAME_MAX - w->body_len);
    w->body_len += piece.len;
    put(w, piece);
}

enum status frame_end(struct frame_writer *w)
{
    static const uint8_t delimiter[1] = { 0 };
    uint8_t crc[CRC_LEN];

    INVARIANT(w->open);
    w->open = false;
    if (w->framing == LINK_FRAMING_LENGTH) {
        if (w->st == ST_OK)
            be_put(at(w, w->start), (uint32_t)(FRAME_HEADER_LEN + w->body_len), 4);
        return w->st;
    }
    be_put(crc, w->crc ^ UINT32_MAX, 4);
    put_cobs(w, span_of(crc, sizeof crc));
    put_raw(w, span_of(delimiter, 1));
    return w->st;
}
