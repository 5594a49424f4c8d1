#include "tests/unit/harness.h"
#include "tests/unit/service/http/frames.h"
#include "tests/unit/service/http/wire.h"

static struct wire w;
static struct bytes in, block;

static void begin(void)
{
    wire_open(&w, true);
    bytes_reset(&in);
    bytes_reset(&block);
    frame_put_preface(&in);
}

static void send_all(void)
{
    wire_receive(&w, bytes_span(&in), 0);
    bytes_reset(&in);
}

static struct said said(void)
{
    return frames_said(bytes_span(&w.out));
}

static void end(void)
{
    CU_ASSERT(said().sound);
    wire_close(&w);
    bytes_clear(&in);
    bytes_clear(&block);
}

static void headers(uint32_t stream, unsigned flags)
{
    frame_put(&in, FRAME_HEADERS, flags, stream, bytes_span(&block));
    bytes_reset(&block);
}

/* What has been put into `in` must end the connection with `code`, in whatever pieces it comes; nothing is dispatched.
 */
static void expect_goaway(uint32_t code, const char *what)
{
    struct bytes bytes = { 0 };

    bytes_move(&bytes, &in);
    wire_close(&w);
    for (size_t piece = 0; piece < 40; piece = piece * 3 + 1) {
        struct said s;

        wire_open(&w, true);
        wire_receive(&w, bytes_span(&bytes), piece);
        s = said();
        CU_ASSERT(s.goaway && s.goaway_code == code && wire_ended(&w) && w.seen == 0);
        if (!s.goaway || s.goaway_code != code || w.seen != 0)
            printf("\n  %s, pieces of %zu: wanted GOAWAY %u, got %s %u, %u dispatched", what, piece, code,
                   s.goaway ? "GOAWAY" : "nothing", s.goaway_code, w.seen);
        wire_close(&w);
    }
    bytes_clear(&bytes);
    wire_open(&w, true);
    end();
}

/* Stream 1 must be reset with `code`, nothing is dispatched, and the connection goes on. */
static void expect_reset(uint32_t code, const char *what)
{
    struct bytes bytes = { 0 };

    bytes_move(&bytes, &in);
    wire_close(&w);
    for (size_t piece = 0; piece < 40; piece = piece * 3 + 1) {
        int got;

        wire_open(&w, true);
        wire_receive(&w, bytes_span(&bytes), piece);
        got = frames_reset_code(bytes_span(&w.out), 1);
        CU_ASSERT(got == (int)code && w.seen == 0);
        if (got != (int)code || w.seen != 0)
            printf("\n  %s, pieces of %zu: wanted RST_STREAM %u, got %d, %u dispatched", what, piece, code, got,
                   w.seen);
        bytes_reset(&in);
        request_put(&in, 9, "GET", NULL);
        send_all();
        CU_ASSERT(w.seen == 1 && frames_status(bytes_span(&w.out), 9) == 200);
        wire_close(&w);
    }
    bytes_clear(&bytes);
    wire_open(&w, true);
    end();
}

static void requests_are_answered(void)
{
    for (size_t piece = 0; piece < 120; piece = piece * 2 + 1) {
        struct bytes body = { 0 };

        begin();
        request_put(&in, 1, "POST", "hello");
        request_put(&in, 3, "GET", NULL);
        wire_receive(&w, bytes_span(&in), piece);
        CU_ASSERT_STRING_EQUAL(bytes_text(&w.log), "POST /keys kv.localhost hello\nGET /keys kv.localhost \n");
        CU_ASSERT(frames_status(bytes_span(&w.out), 1) == 200 && frames_status(bytes_span(&w.out), 3) == 200);
        frames_body(bytes_span(&w.out), 1, &body);
        CU_ASSERT(span_is(bytes_span(&body), "ok"));
        CU_ASSERT(said().ended == 2 && said().settings == 1 && said().setting_acks == 1 && !said().goaway);
        bytes_clear(&body);
        end();
    }
}

static void answers_in_any_order(void)
{
    begin();
    w.keep = true;
    for (uint32_t s = 1; s <= 9; s += 2)
        request_put(&in, s, "GET", NULL);
    send_all();
    CU_ASSERT_FATAL(w.kept_count == 5);
    for (int i = 4; i >= 0; i--)
        wire_answer(&w, w.kept[i]);
    w.kept_count = 0;
    wire_produce(&w);
    for (uint32_t s = 1; s <= 9; s += 2)
        CU_ASSERT(frames_status(bytes_span(&w.out), s) == 200);
    end();
}

static void head_and_no_content(void)
{
    struct bytes body = { 0 };

    begin();
    request_put(&in, 1, "HEAD", NULL);
    send_all();
    w.answer_status = 204;
    request_put(&in, 3, "DELETE", NULL);
    send_all();
    CU_ASSERT(frames_status(bytes_span(&w.out), 1) == 200 && frames_status(bytes_span(&w.out), 3) == 204);
    frames_body(bytes_span(&w.out), 1, &body);
    CU_ASSERT(body.len == 0 && said().data == 0 && said().ended == 2);
    bytes_clear(&body);
    end();
}

static void large_answers_obey_the_windows(void)
{
    begin();
    w.answer_len = 200000;
    request_put(&in, 1, "GET", NULL);
    send_all();
    CU_ASSERT(said().data == 65535); /* the window that every stream and connection begins with */
    frame_put_u32(&in, FRAME_WINDOW_UPDATE, 0, 100000);
    frame_put_u32(&in, FRAME_WINDOW_UPDATE, 1, 50000);
    send_all();
    CU_ASSERT(said().data == 115535);
    frame_put_u32(&in, FRAME_WINDOW_UPDATE, 0, 100000);
    frame_put_u32(&in, FRAME_WINDOW_UPDATE, 1, 100000);
    send_all();
    CU_ASSERT(said().data == 200000 && said().ended == 1);
    end();
}

static void bad_prefaces_and_streams(void)
{
    static const char *const prefaces[] = { "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\r" };

    for (size_t i = 0; i < ARRAY_LEN(prefaces); i++) {
        wire_open(&w, true);
        bytes_append_text(&in, prefaces[i]);
        expect_goaway(H2_PROTOCOL_ERROR, prefaces[i]);
    }
    wire_open(&w, true); /* the preface must hold SETTINGS (RFC 9113, 3.4) */
    bytes_append_text(&in, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    request_put(&in, 1, "GET", NULL);
    expect_goaway(H2_PROTOCOL_ERROR, "no SETTINGS first");

    begin();
    request_put(&in, 2, "GET", NULL);
    expect_goaway(H2_PROTOCOL_ERROR, "even stream");
    begin();
    request_put(&in, 0, "GET", NULL);
    expect_goaway(H2_PROTOCOL_ERROR, "HEADERS on stream 0");
    begin();
    frame_put(&in, FRAME_DATA, 0, 0, span_text("x"));
    expect_goaway(H2_PROTOCOL_ERROR, "DATA on stream 0");
    begin();
    frame_put(&in, FRAME_DATA, 0, 5, span_text("x"));
    expect_goaway(H2_PROTOCOL_ERROR, "DATA on an idle stream");
    begin();
    frame_put_u32(&in, FRAME_RST_STREAM, 5, H2_CANCEL);
    expect_goaway(H2_PROTOCOL_ERROR, "RST_STREAM on an idle stream");
    begin();
    frame_put_u32(&in, FRAME_WINDOW_UPDATE, 5, 5000);
    expect_goaway(H2_PROTOCOL_ERROR, "WINDOW_UPDATE on an idle stream");
    begin();
    frame_put(&in, FRAME_CONTINUATION, FLAG_END_HEADERS, 1, span_of(NULL, 0));
    expect_goaway(H2_PROTOCOL_ERROR, "CONTINUATION of nothing");
    begin();
    frame_put(&in, FRAME_PUSH_PROMISE, FLAG_END_HEADERS, 1, span_of("\0\0\0\2", 4));
    expect_goaway(H2_PROTOCOL_ERROR, "PUSH_PROMISE");
    begin(); /* a header block interrupted by another frame */
    fields_put_request(&block, "GET");
    headers(1, FLAG_END_STREAM);
    frame_put(&in, FRAME_PING, 0, 0, span_of("12345678", 8));
    expect_goaway(H2_PROTOCOL_ERROR, "interrupted block");
}

static void closed_streams(void)
{
    begin();
    request_put(&in, 5, "GET", NULL);
    send_all();
    CU_ASSERT(w.seen == 1);
    request_put(&in, 3, "GET", NULL); /* lower than one that was used */
    send_all();
    CU_ASSERT(w.seen == 1 && said().goaway && wire_ended(&w));
    CU_ASSERT(said().goaway_code == H2_PROTOCOL_ERROR || said().goaway_code == H2_STREAM_CLOSED);
    end();

    begin(); /* DATA after the end, while the request runs */
    w.keep = true;
    request_put(&in, 1, "POST", "x");
    frame_put(&in, FRAME_DATA, FLAG_END_STREAM, 1, span_text("more"));
    send_all();
    CU_ASSERT(w.seen == 1 && (said().goaway || frames_reset_code(bytes_span(&w.out), 1) == H2_STREAM_CLOSED));
    CU_ASSERT(!said().goaway || said().goaway_code == H2_STREAM_CLOSED);
    end();
}

static void bad_frames(void)
{
    static const uint8_t self[] = { 0, 0, 0, 1, 15 };
    struct bytes big = { 0 };

    begin();
    fields_put_request(&block, "POST");
    headers(1, FLAG_END_HEADERS);
    frame_put(&in, FRAME_DATA, FLAG_PADDED, 1, span_of("\5abc", 4));
    expect_goaway(H2_PROTOCOL_ERROR, "padding beyond the frame");
    begin();
    frame_put(&in, FRAME_PRIORITY, 0, 1, span_of(self, 4));
    bytes_append_char(&in, 0);
    expect_goaway(H2_FRAME_SIZE_ERROR, "short PRIORITY");
    begin();
    frame_put(&in, FRAME_PRIORITY, 0, 1, span_of(self, 5));
    expect_goaway(H2_PROTOCOL_ERROR, "self-dependency");
    for (size_t i = 0; i < HTTP_RECORD_MAX + 1; i++)
        bytes_append_char(&big, 'x');
    begin();
    fields_put_request(&block, "POST");
    headers(1, FLAG_END_HEADERS);
    frame_put(&in, FRAME_DATA, 0, 1, bytes_span(&big));
    expect_goaway(H2_FRAME_SIZE_ERROR, "frame above the maximum");
    begin();
    frame_put(&in, FRAME_PING, 0, 0, span_text("1234567"));
    expect_goaway(H2_FRAME_SIZE_ERROR, "short PING");
    begin();
    frame_put(&in, FRAME_SETTINGS, 0, 0, span_text("12345"));
    expect_goaway(H2_FRAME_SIZE_ERROR, "SETTINGS of 5 bytes");
    begin();
    frame_put(&in, FRAME_SETTINGS, FLAG_ACK, 0, span_text("123456"));
    expect_goaway(H2_FRAME_SIZE_ERROR, "SETTINGS ACK with content");
    begin();
    frame_put(&in, FRAME_WINDOW_UPDATE, 0, 0, span_text("123"));
    expect_goaway(H2_FRAME_SIZE_ERROR, "short WINDOW_UPDATE");
    begin();
    request_put(&in, 1, "GET", NULL);
    w.keep = true;
    send_all();
    frame_put(&in, FRAME_RST_STREAM, 0, 1, span_text("123"));
    send_all();
    CU_ASSERT(said().goaway && said().goaway_code == H2_FRAME_SIZE_ERROR);
    end();
    begin();
    frame_put_setting(&in, 2, 2);
    expect_goaway(H2_PROTOCOL_ERROR, "ENABLE_PUSH of 2");
    begin();
    frame_put_setting(&in, 4, 0x80000000);
    expect_goaway(H2_FLOW_CONTROL_ERROR, "INITIAL_WINDOW_SIZE too large");
    begin();
    frame_put_setting(&in, 5, 16383);
    expect_goaway(H2_PROTOCOL_ERROR, "MAX_FRAME_SIZE too small");
    begin();
    frame_put(&in, FRAME_SETTINGS, 0, 1, span_of(NULL, 0));
    expect_goaway(H2_PROTOCOL_ERROR, "SETTINGS on a stream");
    bytes_clear(&big);
}

static void bad_windows(void)
{
    begin();
    frame_put_u32(&in, FRAME_WINDOW_UPDATE, 0, 0);
    expect_goaway(H2_PROTOCOL_ERROR, "increment 0");
    begin();
    frame_put_u32(&in, FRAME_WINDOW_UPDATE, 0, 0x7fffffff);
    expect_goaway(H2_FLOW_CONTROL_ERROR, "window overflow");
    begin();
    fields_put_request(&block, "POST");
    headers(1, FLAG_END_HEADERS);
    frame_put_u32(&in, FRAME_WINDOW_UPDATE, 1, 0x7fffffff);
    expect_reset(H2_FLOW_CONTROL_ERROR, "window overflow of a stream");
}

static void bad_compression(void)
{
    static const struct {
        const char *what;
        const char *bytes;
        size_t len;
    } bad[] = {
        { "index 0", "\x80", 1 },
        { "index beyond the table", "\xbf\x10", 2 },
        { "huffman padding of a byte", "\x00\x82\xff\xff\x01x", 6 },
        { "huffman EOS", "\x00\x84\xff\xff\xff\xff\x01x", 8 },
        { "huffman padding of zeros", "\x00\x81\x18\x01x", 5 },
        { "table size above ours", "\x3f\xe2\x1f", 3 },
        { "string beyond the block", "\x00\x7f\x80\x01", 4 },
        { "integer too large", "\xff\xff\xff\xff\xff\xff\xff\xff", 8 },
    };

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        begin();
        bytes_append(&block, bad[i].bytes, bad[i].len);
        headers(1, FLAG_END_HEADERS | FLAG_END_STREAM);
        expect_goaway(H2_COMPRESSION_ERROR, bad[i].what);
    }
    begin(); /* a size update after the first field */
    fields_put_request(&block, "GET");
    bytes_append_char(&block, 0x20);
    headers(1, FLAG_END_HEADERS | FLAG_END_STREAM);
    expect_goaway(H2_COMPRESSION_ERROR, "late size update");
}

static void malformed(const char *name, const char *value)
{
    begin();
    fields_put_request(&block, "POST");
    field_put_text(&block, name, value);
    headers(1, FLAG_END_HEADERS | FLAG_END_STREAM);
    expect_reset(H2_PROTOCOL_ERROR, name);
}

static void malformed_fields(void)
{
    malformed("Upper", "x");
    malformed("a b", "x");
    malformed("a:b", "x");
    malformed("", "x");
    malformed("\xc3\xa9", "x");
    malformed("x", "a\rb");
    malformed("x", "a\nb");
    malformed("x", " a");
    malformed("x", "a ");
    malformed("x", "\ta");
    malformed("x", "a\x01");
    malformed("connection", "close");
    malformed("keep-alive", "1");
    malformed("proxy-connection", "close");
    malformed("transfer-encoding", "chunked");
    malformed("upgrade", "h2c");
    malformed("te", "gzip");
    malformed("te", "trailers, deflate");
    malformed("host", "other.localhost");
    malformed("content-length", "5"); /* and no DATA */
    malformed("content-length", "0x0");
    malformed("content-length", "-1");
    malformed("content-length", "");
    malformed(":path", "/again");
    malformed(":late", "x");
    malformed(":status", "200");
    malformed(":protocol", "websocket");

    begin();
    fields_put_request(&block, "POST");
    field_put(&block, span_of("a\0b", 3), span_text("x"));
    headers(1, FLAG_END_HEADERS | FLAG_END_STREAM);
    expect_reset(H2_PROTOCOL_ERROR, "NUL in a name");
    begin();
    fields_put_request(&block, "POST");
    field_put(&block, span_text("x"), span_of("a\0b", 3));
    headers(1, FLAG_END_HEADERS | FLAG_END_STREAM);
    expect_reset(H2_PROTOCOL_ERROR, "NUL in a value");
    begin();
    fields_put_request(&block, "POST");
    field_put_text(&block, "content-length", "3");
    field_put_text(&block, "content-length", "3");
    headers(1, FLAG_END_HEADERS | FLAG_END_STREAM);
    expect_reset(H2_PROTOCOL_ERROR, "two lengths");
    begin();
    fields_put_request(&block, "POST");
    field_put_text(&block, "host", "kv.localhost");
    field_put_text(&block, "host", "kv.localhost");
    headers(1, FLAG_END_HEADERS | FLAG_END_STREAM);
    expect_reset(H2_PROTOCOL_ERROR, "two hosts");
}

static void pseudo(const char *what, const char *method, const char *scheme, const char *authority, const char *path,
                   bool late)
{
    begin();
    if (late)
        field_put_text(&block, "a", "b");
    if (method != NULL)
        field_put_text(&block, ":method", method);
    if (scheme != NULL)
        field_put_text(&block, ":scheme", scheme);
    if (authority != NULL)
        field_put_text(&block, ":authority", authority);
    if (path != NULL)
        field_put_text(&block, ":path", path);
    headers(1, FLAG_END_HEADERS | FLAG_END_STREAM);
    expect_reset(H2_PROTOCOL_ERROR, what);
}

static void bad_pseudo_headers(void)
{
    pseudo("late", "GET", "https", "kv", "/", true);
    pseudo("no method", NULL, "https", "kv", "/", false);
    pseudo("no scheme", "GET", NULL, "kv", "/", false);
    pseudo("no authority", "GET", "https", NULL, "/", false);
    pseudo("no path", "GET", "https", "kv", NULL, false);
    pseudo("empty path", "GET", "https", "kv", "", false);
    pseudo("path without slash", "GET", "https", "kv", "keys", false);
    pseudo("empty authority", "GET", "https", "", "/", false);
    pseudo("user in authority", "GET", "https", "u@kv", "/", false);
    pseudo("empty method", "", "https", "kv", "/", false);
    pseudo("method no token", "G T", "https", "kv", "/", false);
    pseudo("another scheme", "GET", "http", "kv", "/", false);
    pseudo("CONNECT", "CONNECT", NULL, "kv:443", NULL, false);
}

static void sound_fields_are_taken(void)
{
    begin();
    fields_put_request(&block, "POST");
    field_put_text(&block, "te", "trailers");
    field_put_text(&block, "host", "KV.localhost");
    field_put_text(&block, "empty", "");
    headers(1, FLAG_END_HEADERS | FLAG_END_STREAM);
    field_put_text(&block, ":method", "GET"); /* host in place of :authority */
    field_put_text(&block, ":scheme", "https");
    field_put_text(&block, ":path", "/2");
    field_put_text(&block, "host", "a.localhost");
    headers(3, FLAG_END_HEADERS | FLAG_END_STREAM);
    fields_put_request(&block, "POST"); /* with trailers */
    headers(5, FLAG_END_HEADERS);
    frame_put(&in, FRAME_DATA, 0, 5, span_text("body"));
    field_put_text(&block, "x-trailer", "1");
    headers(5, FLAG_END_HEADERS | FLAG_END_STREAM);
    send_all();
    CU_ASSERT_STRING_EQUAL(bytes_text(&w.log),
                           "POST /keys kv.localhost \nGET /2 a.localhost \nPOST /keys kv.localhost body\n");
    end();
}

static void lengths_unlike_the_data(void)
{
    begin();
    fields_put_request(&block, "POST");
    field_put_text(&block, "content-length", "5");
    headers(1, FLAG_END_HEADERS);
    frame_put(&in, FRAME_DATA, FLAG_END_STREAM, 1, span_text("four"));
    expect_reset(H2_PROTOCOL_ERROR, "less than announced");
    begin();
    fields_put_request(&block, "POST");
    field_put_text(&block, "content-length", "5");
    headers(1, FLAG_END_HEADERS);
    frame_put(&in, FRAME_DATA, 0, 1, span_text("sixsix"));
    expect_reset(H2_PROTOCOL_ERROR, "more than announced");
}

static void header_lists_beyond_the_limits(void)
{
    struct bytes large = { 0 };

    for (size_t i = 0; i < 12000; i++)
        bytes_append_char(&large, 'v');
    begin(); /* 36,000 bytes in three fields, in HEADERS and CONTINUATION frames */
    fields_put_request(&block, "GET");
    field_put(&block, span_text("a"), bytes_span(&large));
    headers(1, FLAG_END_STREAM);
    for (int i = 0; i < 2; i++) {
        field_put(&block, span_text("b"), bytes_span(&large));
        frame_put(&in, FRAME_CONTINUATION, i == 1 ? FLAG_END_HEADERS : 0, 1, bytes_span(&block));
        bytes_reset(&block);
    }
    send_all();
    CU_ASSERT(w.seen == 0 && frames_status(bytes_span(&w.out), 1) == 431 && !said().goaway);
    fields_put_request(&block, "GET");
    for (unsigned i = 0; i < HTTP_FIELDS_MAX; i++)
        field_put_text(&block, "f", "1");
    headers(3, FLAG_END_HEADERS | FLAG_END_STREAM);
    send_all();
    CU_ASSERT(w.seen == 1 && frames_status(bytes_span(&w.out), 3) == 200);
    fields_put_request(&block, "GET");
    for (unsigned i = 0; i <= HTTP_FIELDS_MAX; i++)
        field_put_text(&block, "f", "1");
    headers(5, FLAG_END_HEADERS | FLAG_END_STREAM);
    send_all();
    CU_ASSERT(w.seen == 1 && frames_status(bytes_span(&w.out), 5) == 431);
    bytes_reset(&large);
    bytes_append_char(&large, '/');
    for (size_t i = 0; i < TARGET_MAX; i++)
        bytes_append_char(&large, 'p');
    field_put_text(&block, ":method", "GET");
    field_put_text(&block, ":scheme", "https");
    field_put_text(&block, ":authority", "kv");
    field_put(&block, span_text(":path"), bytes_span(&large));
    headers(7, FLAG_END_HEADERS | FLAG_END_STREAM);
    send_all();
    CU_ASSERT(w.seen == 1 && frames_status(bytes_span(&w.out), 7) == 414);
    bytes_clear(&large);
    end();
}

static void compression_bomb(void)
{
    struct bytes value = { 0 };

    for (size_t i = 0; i < 4000; i++)
        bytes_append_char(&value, 'v');
    begin();
    fields_put_request(&block, "GET");
    bytes_append_char(&block, 0x40); /* with incremental indexing: it is 62 from now on */
    bytes_append(&block, "\x01x\x7f\xa1\x1e", 5);
    bytes_append_span(&block, bytes_span(&value));
    for (size_t i = 0; i < 12000; i++)
        bytes_append_char(&block, (char)(0x80 | 62));
    bytes_clear(&value);
    headers(1, FLAG_END_HEADERS | FLAG_END_STREAM);
    expect_goaway(H2_ENHANCE_YOUR_CALM, "compression bomb");
}

static void continuations(void)
{
    begin();
    fields_put_request(&block, "GET");
    headers(1, FLAG_END_STREAM);
    for (int i = 0; i < 9; i++)
        frame_put(&in, FRAME_CONTINUATION, 0, 1, span_of(NULL, 0));
    expect_goaway(H2_ENHANCE_YOUR_CALM, "nine CONTINUATION frames");

    begin();
    fields_put_request(&block, "GET");
    headers(1, FLAG_END_STREAM);
    for (int i = 0; i < 8; i++)
        frame_put(&in, FRAME_CONTINUATION, i == 7 ? FLAG_END_HEADERS : 0, 1, span_of(NULL, 0));
    send_all();
    CU_ASSERT(w.seen == 1 && !said().goaway);
    end();

    begin(); /* a block that does not end */
    fields_put_request(&block, "GET");
    headers(1, FLAG_END_STREAM);
    send_all();
    wire_pass(&w, 4999);
    CU_ASSERT(!said().goaway);
    frame_put(&in, FRAME_CONTINUATION, 0, 1, span_of(NULL, 0));
    send_all();
    wire_pass(&w, 1);
    CU_ASSERT(said().goaway && said().goaway_code == H2_ENHANCE_YOUR_CALM && wire_ended(&w));
    end();
}

static void rapid_reset(void)
{
    begin();
    w.keep = true;
    for (uint32_t s = 1; s < 2 * 99; s += 2) {
        request_put(&in, s, "GET", NULL);
        frame_put_u32(&in, FRAME_RST_STREAM, s, H2_CANCEL);
    }
    send_all();
    CU_ASSERT(w.seen == 99 && !said().goaway);
    /* Their work still counts: 99 run, so there is room for one. */
    request_put(&in, 199, "GET", NULL);
    request_put(&in, 201, "GET", NULL);
    send_all();
    CU_ASSERT(w.seen == 100 && frames_reset_code(bytes_span(&w.out), 201) == H2_REFUSED_STREAM);
    wire_answer_kept(&w);
    CU_ASSERT(said().headers == 1); /* the one that was not cancelled */
    frame_put_u32(&in, FRAME_RST_STREAM, 199, H2_CANCEL);
    request_put(&in, 203, "GET", NULL);
    frame_put_u32(&in, FRAME_RST_STREAM, 203, H2_CANCEL);
    send_all();
    CU_ASSERT(said().goaway && said().goaway_code == H2_ENHANCE_YOUR_CALM && wire_ended(&w));
    end();

    begin(); /* 10 a second is a habit, not an attack */
    for (uint32_t s = 1; s < 1000; s += 2) {
        request_put(&in, s, "GET", NULL);
        frame_put_u32(&in, FRAME_RST_STREAM, s, H2_CANCEL);
        send_all();
        wire_pass(&w, 100);
    }
    CU_ASSERT(!said().goaway && w.seen == 500);
    end();
}

static void made_you_reset(void)
{
    begin(); /* half-closed streams that get DATA, or a window that overflows */
    w.keep = true;
    for (uint32_t s = 1; s < 2 * 110 && !wire_ended(&w); s += 2) {
        fields_put_request(&block, "POST");
        headers(s, FLAG_END_HEADERS);
        frame_put_u32(&in, FRAME_WINDOW_UPDATE, s, 0x7fffffff);
        send_all();
    }
    CU_ASSERT(said().goaway && said().goaway_code == H2_ENHANCE_YOUR_CALM && said().resets <= 101);
    end();
}

static void flood_of(const char *what, void (*put)(uint32_t i))
{
    unsigned n = 0;

    begin();
    w.keep = true;
    fields_put_request(&block, "POST");
    headers(1, FLAG_END_HEADERS);
    send_all();
    for (; n < 200 && !wire_ended(&w); n++) {
        put(n);
        send_all();
    }
    CU_ASSERT(n >= 99 && n <= 102 && said().goaway && said().goaway_code == H2_ENHANCE_YOUR_CALM);
    if (n < 99 || n > 102)
        printf("\n  %s: ended after %u, code %u", what, n, said().goaway_code);
    CU_ASSERT(w.out.len < 64 * 1024);
    end();
}

static void put_settings(uint32_t i)
{
    (void)i;
    frame_put_setting(&in, 3, 100);
}
static void put_ping(uint32_t i)
{
    (void)i;
    frame_put(&in, FRAME_PING, 0, 0, span_text("12345678"));
}
static void put_empty_data(uint32_t i)
{
    (void)i;
    frame_put(&in, FRAME_DATA, 0, 1, span_of(NULL, 0));
}
static void put_padding(uint32_t i)
{
    (void)i;
    frame_put(&in, FRAME_DATA, FLAG_PADDED, 1, span_of("\3\0\0\0", 4));
}
static void put_empty_headers(uint32_t i)
{
    frame_put(&in, FRAME_HEADERS, FLAG_END_HEADERS | FLAG_END_STREAM, 3 + 2 * i, span_of(NULL, 0));
}
static void put_priority(uint32_t i)
{
    (void)i;
    frame_put(&in, FRAME_PRIORITY, 0, 1, span_of("\0\0\0\0\20", 5));
}
static void put_window_update(uint32_t i)
{
    (void)i;
    frame_put_u32(&in, FRAME_WINDOW_UPDATE, 1, 1);
}
static void put_unknown(uint32_t i)
{
    (void)i;
    frame_put(&in, (enum frame_type)0x77, 0, 0, span_text("?"));
}

static void floods(void)
{
    flood_of("SETTINGS", put_settings);
    flood_of("PING", put_ping);
    flood_of("empty DATA", put_empty_data);
    flood_of("DATA of padding", put_padding);
    flood_of("empty HEADERS", put_empty_headers);
    flood_of("PRIORITY", put_priority);
    flood_of("tiny WINDOW_UPDATE", put_window_update);
    flood_of("unknown frames", put_unknown);
}

static void a_peer_that_takes_no_answer(void)
{
    begin();
    frame_put_setting(&in, 4, 0); /* its window is 0 */
    request_put(&in, 1, "GET", NULL);
    send_all();
    CU_ASSERT(frames_status(bytes_span(&w.out), 1) == 200 && said().data == 0);
    wire_pass(&w, 29999);
    CU_ASSERT(said().resets == 0 && !wire_ended(&w));
    wire_pass(&w, 1);
    CU_ASSERT(frames_reset_code(bytes_span(&w.out), 1) == H2_CANCEL && !said().goaway);
    wire_pass(&w, 500);
    CU_ASSERT(said().goaway && wire_ended(&w));
    end();

    begin(); /* 256 KiB of answers wait: no further request is begun */
    w.answer_len = 100000;
    frame_put_setting(&in, 4, 0);
    for (uint32_t s = 1; s < 40; s += 2)
        request_put(&in, s, "GET", NULL);
    send_all();
    CU_ASSERT(w.seen == 3);
    frame_put_u32(&in, FRAME_WINDOW_UPDATE, 0, 10000000);
    frame_put_setting(&in, 4, 1000000); /* now it takes them */
    send_all();
    CU_ASSERT(w.seen == 20 && said().ended == 20 && said().data == 2000000);
    end();

    begin(); /* held requests go with their streams */
    w.answer_len = 300000;
    frame_put_setting(&in, 4, 0);
    for (uint32_t s = 1; s < 12; s += 2)
        request_put(&in, s, "GET", NULL);
    frame_put_u32(&in, FRAME_RST_STREAM, 5, H2_CANCEL);
    frame_put_u32(&in, FRAME_RST_STREAM, 11, H2_CANCEL);
    frame_put_u32(&in, FRAME_RST_STREAM, 3, H2_CANCEL);
    send_all();
    CU_ASSERT(w.seen == 1);
    frame_put_u32(&in, FRAME_RST_STREAM, 1, H2_CANCEL);
    send_all();
    CU_ASSERT(w.seen == 2);
    frame_put_u32(&in, FRAME_RST_STREAM, 7, H2_CANCEL);
    send_all();
    CU_ASSERT(w.seen == 3);
    end();
}

static void post_of(uint32_t stream, size_t len, bool announced)
{
    struct bytes part = { 0 };
    char text[24];

    snprintf(text, sizeof text, "%zu", len);
    fields_put_request(&block, "POST");
    if (announced)
        field_put_text(&block, "content-length", text);
    headers(stream, FLAG_END_HEADERS);
    for (size_t i = 0; i < 16000; i++)
        bytes_append_char(&part, 'b');
    for (size_t n; len > 0; len -= n) {
        n = len < part.len ? len : part.len;
        frame_put(&in, FRAME_DATA, n == len ? FLAG_END_STREAM : 0, stream, span_of(part.p, n));
    }
    bytes_clear(&part);
}

/* As a peer does that waits for the windows to open. */
static void send_parts(void)
{
    wire_receive(&w, bytes_span(&in), 16000);
    bytes_reset(&in);
}

static void bodies(void)
{
    begin();
    frame_put(&in, FRAME_SETTINGS, FLAG_ACK, 0, span_of(NULL, 0)); /* from then on our window is the one we asked for */
    post_of(1, HTTP_BODY_MAX, true);
    send_parts();
    CU_ASSERT(w.seen == 1 && frames_status(bytes_span(&w.out), 1) == 200 && said().window_updates > 1);
    bytes_reset(&w.log);
    post_of(3, HTTP_BODY_MAX + 1, true);
    send_parts();
    CU_ASSERT(w.seen == 1 && frames_status(bytes_span(&w.out), 3) == 413);
    post_of(5, HTTP_BODY_MAX + 1, false);
    send_parts();
    CU_ASSERT(w.seen == 1 && frames_status(bytes_span(&w.out), 5) == 413);
    request_put(&in, 7, "GET", NULL);
    send_parts();
    CU_ASSERT(w.seen == 2 && !said().goaway);
    end();

    begin(); /* the rest of a refused body need not be sent: RST_STREAM NO_ERROR after the answer */
    fields_put_request(&block, "POST");
    field_put_text(&block, "content-length", "2000000");
    headers(1, FLAG_END_HEADERS);
    send_parts();
    CU_ASSERT(frames_status(bytes_span(&w.out), 1) == 413 && frames_reset_code(bytes_span(&w.out), 1) == H2_NO_ERROR);
    end();

    begin(); /* all bodies of a connection together */
    frame_put(&in, FRAME_SETTINGS, FLAG_ACK, 0, span_of(NULL, 0));
    w.keep = true;
    for (uint32_t s = 1; s < 12; s += 2)
        post_of(s, HTTP_BODY_MAX - 1000, true);
    send_parts();
    CU_ASSERT(w.seen == 4 && frames_status(bytes_span(&w.out), 9) == 503 &&
              frames_status(bytes_span(&w.out), 11) == 503);
    wire_answer_kept(&w);
    post_of(13, HTTP_BODY_MAX - 1000, true);
    send_parts();
    CU_ASSERT(w.seen == 5);
    end();
}

static void expectations(void)
{
    begin();
    fields_put_request(&block, "POST");
    field_put_text(&block, "expect", "100-continue");
    headers(1, FLAG_END_HEADERS);
    send_all();
    CU_ASSERT(frames_status(bytes_span(&w.out), 1) == 100);
    frame_put(&in, FRAME_DATA, FLAG_END_STREAM, 1, span_text("x"));
    send_all();
    CU_ASSERT(frames_status(bytes_span(&w.out), 1) == 200);
    fields_put_request(&block, "POST");
    field_put_text(&block, "expect", "miracles");
    headers(3, FLAG_END_HEADERS);
    send_all();
    CU_ASSERT(frames_status(bytes_span(&w.out), 3) == 417 && w.seen == 1);
    end();
}

static void slow_and_idle_peers(void)
{
    begin();
    send_all();
    wire_pass(&w, 119999);
    frame_put(&in, FRAME_PING, 0, 0, span_text("12345678")); /* a PING is no request */
    send_all();
    wire_pass(&w, 1);
    CU_ASSERT(said().goaway && said().goaway_code == H2_NO_ERROR && wire_ended(&w));
    end();

    begin(); /* a body that trickles */
    fields_put_request(&block, "POST");
    headers(1, FLAG_END_HEADERS);
    send_all();
    for (int i = 0; i < 12 && frames_status(bytes_span(&w.out), 1) == 0; i++) {
        frame_put(&in, FRAME_DATA, 0, 1, span_text("x"));
        send_all();
        wire_pass(&w, 1000);
    }
    CU_ASSERT(frames_status(bytes_span(&w.out), 1) == 408 && w.seen == 0 && !wire_ended(&w));
    end();

    begin(); /* a frame that does not end */
    send_all();
    bytes_append(&in, "\0\0\x08\x06", 4);
    send_all();
    wire_pass(&w, 1000);
    wire_pass(&w, 10000);
    CU_ASSERT(said().goaway && wire_ended(&w));
    end();
}

static void draining(void)
{
    begin();
    w.keep = true;
    request_put(&in, 1, "GET", NULL);
    send_all();
    protocol_drain(w.protocol);
    wire_produce(&w);
    CU_ASSERT(said().goaways == 1 && said().goaway_last == 0x7fffffff && said().goaway_code == H2_NO_ERROR);
    request_put(&in, 3, "GET", NULL); /* it was on its way */
    send_all();
    CU_ASSERT(w.seen == 2);
    wire_pass(&w, 200);
    CU_ASSERT(said().goaways == 2 && said().goaway_last == 3 && !wire_ended(&w));
    request_put(&in, 5, "GET", NULL);
    send_all();
    CU_ASSERT(w.seen == 2);
    wire_answer_kept(&w);
    CU_ASSERT(frames_status(bytes_span(&w.out), 1) == 200 && frames_status(bytes_span(&w.out), 3) == 200);
    CU_ASSERT(wire_ended(&w));
    end();

    begin();
    send_all();
    protocol_drain(w.protocol);
    wire_produce(&w);
    wire_pass(&w, 200);
    CU_ASSERT(wire_ended(&w));
    end();
}

static void late_answers(void)
{
    begin(); /* the stream goes first */
    w.keep = true;
    request_put(&in, 1, "GET", NULL);
    request_put(&in, 3, "GET", NULL);
    request_put(&in, 5, "GET", NULL);
    send_all();
    frame_put_u32(&in, FRAME_RST_STREAM, 3, H2_CANCEL);
    send_all();
    wire_answer_kept(&w);
    CU_ASSERT(frames_status(bytes_span(&w.out), 1) == 200 && frames_status(bytes_span(&w.out), 3) == 0 &&
              frames_status(bytes_span(&w.out), 5) == 200);
    end();

    begin(); /* the connection goes first */
    w.keep = true;
    request_put(&in, 1, "POST", "abc");
    request_put(&in, 3, "GET", NULL);
    send_all();
    end();

    begin(); /* answered, but not yet sent when the stream goes */
    w.answer_len = 100;
    w.keep = true;
    request_put(&in, 1, "GET", NULL);
    send_all();
    wire_answer(&w, w.kept[0]);
    w.kept_count = 0;
    frame_put_u32(&in, FRAME_RST_STREAM, 1, H2_CANCEL);
    send_all();
    CU_ASSERT(said().data == 0);
    end();
}

static void too_many_streams(void)
{
    begin();
    w.keep = true;
    for (uint32_t s = 1; s <= 2 * 100; s += 2)
        request_put(&in, s, "GET", NULL);
    send_all();
    CU_ASSERT(w.seen == 100 && !said().goaway);
    frame_put(&in, FRAME_SETTINGS, FLAG_ACK, 0, span_of(NULL, 0));
    request_put(&in, 201, "GET", NULL);
    send_all();
    CU_ASSERT(w.seen == 100 && (said().goaway || frames_reset_code(bytes_span(&w.out), 201) == H2_REFUSED_STREAM));
    end();
}

static CU_TestInfo cases[] = {
    { "requests are answered, however they are cut", requests_are_answered },
    { "answers may come in any order", answers_in_any_order },
    { "HEAD and 204 have no DATA", head_and_no_content },
    { "large answers obey the peer's windows", large_answers_obey_the_windows },
    { "bad prefaces, stream ids and places of frames end the connection", bad_prefaces_and_streams },
    { "streams that are closed stay closed", closed_streams },
    { "bad padding, lengths, settings, self-dependency end the connection", bad_frames },
    { "bad window updates are errors of their stream or connection", bad_windows },
    { "bad compression ends the connection", bad_compression },
    { "malformed fields reset the stream", malformed_fields },
    { "missing, late and bad pseudo-headers reset the stream", bad_pseudo_headers },
    { "te: trailers, host alone, an empty value and trailers are taken", sound_fields_are_taken },
    { "a content-length unlike the DATA resets the stream", lengths_unlike_the_data },
    { "header lists beyond the limits get 431, paths 414", header_lists_beyond_the_limits },
    { "a compression bomb ends the connection", compression_bomb },
    { "nine CONTINUATION frames or five seconds end the connection", continuations },
    { "rapid reset: work counts, and above the budget the connection ends", rapid_reset },
    { "resets that they make us send are of the same budget", made_you_reset },
    { "floods of frames that carry nothing end the connection", floods },
    { "a peer that takes no answer loses stream and connection, and fills no memory", a_peer_that_takes_no_answer },
    { "bodies up to the limit, 413 above, 503 when the connection holds too many", bodies },
    { "Expect: 100-continue gets an interim answer", expectations },
    { "slow peers get 408, idle ones GOAWAY", slow_and_idle_peers },
    { "draining says GOAWAY twice and finishes what runs", draining },
    { "late answers are dropped", late_answers },
    { "more streams than allowed are refused", too_many_streams },
    CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = { { "h2", NULL, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

int main(void)
{
    return run_suites(suites);
}
