/* Both framings: what is written is read, however it is cut; what is broken is refused or, where a line may lose its
 * place, dropped until the next delimiter. */
#include "firmware/wire/frame.h"

#include "firmware/base/big_endian.h"
#include "tests/unit/harness.h"

#define SESSION 0x12345678u

static const enum link_framing framings[] = { LINK_FRAMING_LENGTH, LINK_FRAMING_COBS };
static uint8_t pattern[LINK_FRAME_MAX];

static int fill_pattern(void)
{
    for (size_t i = 0; i < sizeof pattern; i++)
        pattern[i] = i % 700 < 600 ? (uint8_t)(i % 255 + 1) : 0; /* runs longer than 254 without 0, and runs of 0 */
    return 0;
}

/* `len` bytes of the pattern from `from` as one frame, in two pieces. */
static void write_data(struct wire_buffer *out, enum link_framing framing, size_t from, size_t len)
{
    struct frame_writer w = { .framing = framing, .out = out };

    out->max = 4u * LINK_FRAME_MAX;
    frame_begin(&w, FRAME_DATA, SESSION);
    frame_put(&w, span_of(pattern + from, len / 3));
    frame_put(&w, span_of(pattern + from + len / 3, len - len / 3));
    CU_ASSERT_EQUAL_FATAL(frame_end(&w), ST_OK);
}

static bool is_pattern(const struct frame *f, size_t from, size_t len)
{
    return f->kind == FRAME_DATA && f->session == SESSION && span_equal(f->body, span_of(pattern + from, len));
}

static void all_sizes_return(void)
{
    static const size_t sizes[] = { 1,   2,   3,    252,   253,   254,   255,           256,
                                    507, 508, 1000, 16384, 65280, 65535, LINK_FRAME_MAX };

    for (size_t k = 0; k < ARRAY_LEN(framings); k++) {
        struct frame_reader r;

        frame_reader_init(&r, framings[k]);
        for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
            struct wire_buffer out = { 0 };
            struct span in;
            struct frame f;
            bool got;

            write_data(&out, framings[k], 0, sizes[i]);
            in = buffer_span(&out);
            CU_ASSERT_EQUAL_FATAL(frame_read(&r, &in, &f, &got), ST_OK);
            CU_ASSERT_TRUE(got && in.len == 0 && is_pattern(&f, 0, sizes[i]));
            CU_ASSERT_FALSE(frame_reader_is_mid_frame(&r));
            buffer_clear(&out);
        }
        frame_reader_clear(&r);
    }
}

static void cut_at_every_byte(void)
{
    for (size_t k = 0; k < ARRAY_LEN(framings); k++) {
        struct wire_buffer out = { 0 };

        write_data(&out, framings[k], 590, 300);
        for (size_t cut = 0; cut <= buffer_len(&out); cut++) {
            struct span first = { buffer_span(&out).p, cut },
                        second = { buffer_span(&out).p + cut, buffer_len(&out) - cut };
            struct frame_reader r;
            struct frame f;
            bool got;

            frame_reader_init(&r, framings[k]);
            CU_ASSERT_EQUAL(frame_read(&r, &first, &f, &got), ST_OK);
            CU_ASSERT_EQUAL(got, cut == buffer_len(&out));
            CU_ASSERT_EQUAL(frame_reader_is_mid_frame(&r), cut != 0 && !got);
            if (!got) {
                CU_ASSERT_EQUAL(frame_read(&r, &second, &f, &got), ST_OK);
            }
            CU_ASSERT_TRUE(got && is_pattern(&f, 590, 300));
            frame_reader_clear(&r);
        }
        buffer_clear(&out);
    }
}

static void byte_by_byte_and_back_to_back(void)
{
    for (size_t k = 0; k < ARRAY_LEN(framings); k++) {
        struct wire_buffer out = { 0 };
        struct frame_reader r;
        struct frame f;
        unsigned seen = 0;
        bool got;

        frame_reader_init(&r, framings[k]);
        for (size_t i = 0; i < 3; i++)
            write_data(&out, framings[k], i, 270 + i);
        for (size_t i = 0; i < buffer_len(&out); i++) {
            struct span in = { buffer_span(&out).p + i, 1 };

            CU_ASSERT_EQUAL(frame_read(&r, &in, &f, &got), ST_OK);
            if (got) {
                CU_ASSERT_TRUE(is_pattern(&f, seen, 270 + seen));
                seen++;
            }
        }
        CU_ASSERT_EQUAL(seen, 3);
        frame_reader_clear(&r);
        buffer_clear(&out);
    }
}

/* By CRC no flipped byte gets through; a length prefix has none, but a flip there never reads past the end. */
static void every_byte_flipped(void)
{
    for (size_t k = 0; k < ARRAY_LEN(framings); k++) {
        struct wire_buffer out = { 0 };

        write_data(&out, framings[k], 590, 300);
        for (size_t i = 0; i < buffer_len(&out); i++) {
            for (unsigned bit = 0; bit < 8; bit++) {
                struct span in = buffer_span(&out);
                struct frame_reader r;
                struct frame f;
                bool got;

                out.p[i] ^= (uint8_t)BIT(bit);
                frame_reader_init(&r, framings[k]);
                if (framings[k] == LINK_FRAMING_COBS) {
                    CU_ASSERT_EQUAL(frame_read(&r, &in, &f, &got), ST_OK);
                    CU_ASSERT_FALSE(got);
                } else if (i < 8) { /* length, version, kind or reserved */
                    CU_ASSERT_TRUE(frame_read(&r, &in, &f, &got) != ST_OK || !got ||
                                   f.body.len < 300); /* a shorter length is seen to be wrong by TLS */
                } else {
                    CU_ASSERT_TRUE(frame_read(&r, &in, &f, &got) == ST_OK && got && !is_pattern(&f, 590, 300));
                }
                frame_reader_clear(&r);
                out.p[i] ^= (uint8_t)BIT(bit);
            }
        }
        buffer_clear(&out);
    }
}

static void cobs_finds_its_place_again(void)
{
    struct wire_buffer out = { 0 };
    struct frame_reader r;
    struct frame f;
    struct span in;
    bool got;

    frame_reader_init(&r, LINK_FRAMING_COBS);
    out.max = 4u * LINK_FRAME_MAX;
    for (size_t i = 0; i < LINK_FRAME_MAX + 2000u; i++) /* a tail of something, longer than a frame may be */
        CU_ASSERT_EQUAL_FATAL(buffer_append(&out, span_of(&"\x05garbage"[i % 8], 1)), ST_OK);
    CU_ASSERT_EQUAL(buffer_append(&out, span_of("\0\0\0\x01\0\xff\xff\0", 8)), ST_OK);
    write_data(&out, LINK_FRAMING_COBS, 1, 400);
    in = buffer_span(&out);
    CU_ASSERT_EQUAL(frame_read(&r, &in, &f, &got), ST_OK);
    CU_ASSERT_TRUE(got && is_pattern(&f, 1, 400));
    CU_ASSERT_EQUAL(in.len, 0);
    frame_reader_clear(&r);
    buffer_clear(&out);
}

static void cobs_holds_no_more_than_a_frame(void)
{
    static uint8_t ones[1024];
    struct frame_reader r;
    struct frame f;
    bool got;

    memset(ones, 0xff, sizeof ones);
    frame_reader_init(&r, LINK_FRAMING_COBS);
    for (unsigned i = 0; i < 1024; i++) {
        struct span in = { ones, sizeof ones };

        CU_ASSERT_EQUAL_FATAL(frame_read(&r, &in, &f, &got), ST_OK);
        CU_ASSERT_FALSE(got);
    }
    CU_ASSERT_TRUE(r.held.cap <= LINK_FRAME_MAX + FRAME_HEADER_LEN + FRAME_EXTRA_MAX);
    CU_ASSERT_TRUE(frame_reader_is_mid_frame(&r));
    frame_reader_clear(&r);
}

/* A good frame of the largest size with more behind it: what did not fit is not silently left out. */
static void cobs_refuses_trailing_bytes(void)
{
    static const char *const tails[] = { "\x02x", "\x01", "\x03xy\x01" };

    for (size_t i = 0; i < ARRAY_LEN(tails); i++) {
        struct wire_buffer out = { 0 };
        struct frame_reader r;
        struct frame f;
        struct span in;
        bool got;

        frame_reader_init(&r, LINK_FRAMING_COBS);
        write_data(&out, LINK_FRAMING_COBS, 0, LINK_FRAME_MAX);
        out.end--; /* the delimiter */
        CU_ASSERT_EQUAL(buffer_append(&out, span_of(tails[i], strlen(tails[i]) + 1)), ST_OK);
        write_data(&out, LINK_FRAMING_COBS, 1, 2);
        in = buffer_span(&out);
        CU_ASSERT_EQUAL(frame_read(&r, &in, &f, &got), ST_OK);
        CU_ASSERT_TRUE(got && is_pattern(&f, 1, 2));
        frame_reader_clear(&r);
        buffer_clear(&out);
    }
}

/* One frame by hand, header and body given, under its length or its CRC. */
static enum status read_made(enum link_framing framing, const void *header, size_t body_len, bool *got)
{
    static uint8_t whole[FRAME_HEADER_LEN + LINK_FRAME_MAX + 1];
    struct frame_reader r;
    struct frame f;
    enum status st;
    struct wire_buffer out = { .max = 2u * LINK_FRAME_MAX };
    struct span in;

    memcpy(whole, header, FRAME_HEADER_LEN);
    if (framing == LINK_FRAMING_LENGTH) {
        uint8_t prefix[4];

        be_put(prefix, (uint32_t)(FRAME_HEADER_LEN + body_len), 4);
        st = buffer_append(&out, span_of(prefix, sizeof prefix));
        CU_ASSERT_EQUAL_FATAL(st, ST_OK);
        st = buffer_append(&out, span_of(whole, FRAME_HEADER_LEN + body_len));
    } else {
        struct frame_writer w = { .framing = framing, .out = &out };

        frame_begin(&w, FRAME_DATA, 0); /* with a header of its own, which gives way to the one we want */
        buffer_take(&out, buffer_len(&out));
        w.crc = UINT32_MAX;
        w.code_at = 0;
        CU_ASSERT_EQUAL_FATAL(buffer_append(&out, span_of("\x01", 1)), ST_OK);
        frame_put(&w, span_of(whole, FRAME_HEADER_LEN));
        w.body_len = 0;
        frame_put(&w, span_of(whole + FRAME_HEADER_LEN, body_len));
        st = frame_end(&w);
    }
    CU_ASSERT_EQUAL_FATAL(st, ST_OK);
    in = buffer_span(&out);
    frame_reader_init(&r, framing);
    st = frame_read(&r, &in, &f, got);
    frame_reader_clear(&r);
    buffer_clear(&out);
    return st;
}

static void headers_are_strict(void)
{
    static const struct {
        const char *header;
        size_t body_len;
        enum status st;
    } cases[] = {
        { "\1\1\0\0\0\0\0\0", 16, ST_OK },
        { "\1\1\0\0\0\0\0\0", 15, ST_BAD_REQUEST },
        { "\1\1\0\0\0\0\0\0", 17, ST_BAD_REQUEST },
        { "\1\1\0\0\0\0\0\1", 16, ST_BAD_REQUEST },
        { "\1\2\0\0\1\2\3\4", 32, ST_OK },
        { "\1\2\0\0\1\2\3\4", 31, ST_BAD_REQUEST },
        { "\1\2\0\0\1\2\3\4", 33, ST_BAD_REQUEST },
        { "\1\3\0\0\1\2\3\4", 1, ST_OK },
        { "\1\3\0\0\1\2\3\4", 0, ST_BAD_REQUEST },
        { "\1\3\0\0\1\2\3\4", LINK_FRAME_MAX, ST_OK },
        { "\1\4\0\0\1\2\3\4", 0, ST_OK },
        { "\1\4\0\0\1\2\3\4", 1, ST_BAD_REQUEST },
        { "\1\0\0\0\1\2\3\4", 16, ST_BAD_REQUEST },
        { "\1\5\0\0\1\2\3\4", 16, ST_BAD_REQUEST },
        { "\1\xff\0\0\1\2\3\4", 1, ST_BAD_REQUEST },
        { "\0\3\0\0\1\2\3\4", 1, ST_BAD_REQUEST },
        { "\2\3\0\0\1\2\3\4", 1, ST_BAD_REQUEST },
        { "\1\3\1\0\1\2\3\4", 1, ST_BAD_REQUEST },
        { "\1\3\0\x80\1\2\3\4", 1, ST_BAD_REQUEST },
    };

    for (size_t k = 0; k < ARRAY_LEN(framings); k++) {
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
            bool got = false;

            CU_ASSERT_EQUAL(read_made(framings[k], cases[i].header, cases[i].body_len, &got), cases[i].st);
            CU_ASSERT_TRUE(got || cases[i].st != ST_OK);
        }
    }
}

static void lengths_are_bounded_before_they_arrive(void)
{
    static const struct {
        const char *prefix;
        enum status st;
    } cases[] = { { "\0\0\0\0", ST_BAD_REQUEST },
                  { "\0\0\0\7", ST_BAD_REQUEST },
                  { "\0\0\0\x8", ST_OK },
                  { "\0\1\0\x8", ST_OK },
                  { "\0\1\0\x9", ST_TOO_LARGE },
                  { "\xff\xff\xff\xff", ST_TOO_LARGE },
                  { "\x7f\xff\xff\xff", ST_TOO_LARGE } };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct span in = { (const uint8_t *)cases[i].prefix, 4 };
        struct frame_reader r;
        struct frame f;
        bool got;

        frame_reader_init(&r, LINK_FRAMING_LENGTH);
        CU_ASSERT_EQUAL(frame_read(&r, &in, &f, &got), cases[i].st);
        CU_ASSERT_FALSE(got);
        CU_ASSERT_TRUE(r.held.cap <= 4096); /* for 4 bytes, whatever they announce */
        frame_reader_clear(&r);
    }
}

/* The second form was computed by another program, whose CRC-32C of "123456789" is 0xe3069283. */
static void the_wire_form_is_fixed(void)
{
    static const uint8_t length_form[] = { 0, 0, 0, 11, 1, 3, 0, 0, 0x12, 0x34, 0x56, 0x78, 'a', 0, 'b' };
    static const uint8_t cobs_form[] = { 0x03, 0x01, 0x03, 0x01, 0x06, 0x12, 0x34, 0x56, 0x78,
                                         0x61, 0x06, 0x62, 0x96, 0xcc, 0xf0, 0xd1, 0x00 };
    struct wire_buffer out = { .max = 1024 };
    struct frame_writer w = { .framing = LINK_FRAMING_LENGTH, .out = &out };

    frame_begin(&w, FRAME_DATA, SESSION);
    frame_put(&w, span_of("a\0b", 3));
    CU_ASSERT_EQUAL(frame_end(&w), ST_OK);
    CU_ASSERT_TRUE(span_equal(buffer_span(&out), span_of(length_form, sizeof length_form)));
    buffer_take(&out, buffer_len(&out));

    w = (struct frame_writer){ .framing = LINK_FRAMING_COBS, .out = &out };
    frame_begin(&w, FRAME_DATA, SESSION);
    frame_put(&w, span_of("a\0b", 3));
    CU_ASSERT_EQUAL(frame_end(&w), ST_OK);
    CU_ASSERT_TRUE(span_equal(buffer_span(&out), span_of(cobs_form, sizeof cobs_form)));
    buffer_clear(&out);
}

static void a_full_buffer_fails_the_frame(void)
{
    for (size_t k = 0; k < ARRAY_LEN(framings); k++) {
        for (size_t max = 0; max < 40; max++) {
            struct wire_buffer out = { .max = max };
            struct frame_writer w = { .framing = framings[k], .out = &out };

            frame_begin(&w, FRAME_DATA, SESSION);
            frame_put(&w, span_of(pattern, 20));
            CU_ASSERT_EQUAL(frame_end(&w), max < (framings[k] == LINK_FRAMING_COBS ? 34u : 32u) ? ST_TOO_LARGE : ST_OK);
            buffer_clear(&out);
        }
    }
}

int main(void)
{
    static CU_TestInfo cases[] = { { "bodies of all sizes return", all_sizes_return },
                                   { "cut at every byte", cut_at_every_byte },
                                   { "byte by byte, back to back", byte_by_byte_and_back_to_back },
                                   { "every byte flipped", every_byte_flipped },
                                   { "COBS finds its place again after garbage", cobs_finds_its_place_again },
                                   { "COBS holds no more than a frame", cobs_holds_no_more_than_a_frame },
                                   { "COBS refuses trailing bytes", cobs_refuses_trailing_bytes },
                                   { "headers are strict", headers_are_strict },
                                   { "lengths are bounded before they arrive", lengths_are_bounded_before_they_arrive },
                                   { "the wire form is fixed", the_wire_form_is_fixed },
                                   { "a full buffer fails the frame", a_full_buffer_fails_the_frame },
                                   CU_TEST_INFO_NULL };
    CU_SuiteInfo suites[] = { { "frame", fill_pattern, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
