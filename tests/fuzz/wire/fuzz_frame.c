/* The outer frame, both framings. First byte: framing, and how the rest is cut. As a stream: however it is cut, the
 * same frames come out, none larger than it may be. As a body: what is written is read. */
#include "firmware/wire/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads all of `in` in pieces; a sum over the frames that came out, and how it ended. */
static uint64_t read_in_pieces(enum link_framing framing, struct span in, size_t piece)
{
    struct frame_reader r;
    uint64_t sum = 0;
    enum status st = ST_OK;
    bool got = false;

    frame_reader_init(&r, framing);
    while (in.len > 0 && st == ST_OK) {
        struct span part = { in.p, in.len < piece ? in.len : piece };
        struct frame f;

        in = span_of(in.p + part.len, in.len - part.len);
        do {
            if ((st = frame_read(&r, &part, &f, &got)) != ST_OK || !got)
                continue;
            INVARIANT(f.body.len <= LINK_FRAME_MAX);
            sum = sum * 31 + (uint64_t)f.kind + f.session + f.body.len;
            for (size_t i = 0; i < f.body.len; i++)
                sum = sum * 31 + f.body.p[i];
        } while (st == ST_OK && got);
        INVARIANT(st != ST_OK || part.len == 0);
        INVARIANT(r.held.cap <= LINK_FRAME_MAX + FRAME_HEADER_LEN + FRAME_EXTRA_MAX);
    }
    frame_reader_clear(&r);
    return sum * 31 + (uint64_t)st;
}

static void write_and_read(enum link_framing framing, struct span body)
{
    struct wire_buffer out = { .max = 2u * LINK_FRAME_MAX };
    struct frame_writer w = { .framing = framing, .out = &out };
    struct frame_reader r;
    struct frame f;
    struct span in;
    enum status st;
    bool got;

    if (body.len == 0 || body.len > LINK_FRAME_MAX)
        return;
    frame_begin(&w, FRAME_DATA, (uint32_t)body.len);
    frame_put(&w, span_of(body.p, body.len / 2));
    frame_put(&w, span_of(body.p + body.len / 2, body.len - body.len / 2));
    st = frame_end(&w);
    INVARIANT(st == ST_OK);
    in = buffer_span(&out);
    frame_reader_init(&r, framing);
    st = frame_read(&r, &in, &f, &got);
    INVARIANT(st == ST_OK && got && in.len == 0 && f.session == body.len && span_equal(f.body, body));
    frame_reader_clear(&r);
    buffer_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum link_framing framing = size > 0 && (data[0] & 1) != 0 ? LINK_FRAMING_COBS : LINK_FRAMING_LENGTH;
    struct span rest = { data + 1, size - 1 };
    uint64_t whole, cut;

    if (size == 0)
        return 0;
    whole = read_in_pieces(framing, rest, SIZE_MAX);
    cut = read_in_pieces(framing, rest, 1u + data[0] / 2u);
    INVARIANT(whole == cut);
    write_and_read(framing, rest);
    return 0;
}
