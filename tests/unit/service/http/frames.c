#include "tests/unit/service/http/frames.h"

#include <nghttp2/nghttp2.h>

void frame_put(struct bytes *to, enum frame_type type, unsigned flags, uint32_t stream, struct span payload)
{
    bytes_append_char(to, (char)(payload.len >> 16));
    bytes_append_char(to, (char)(payload.len >> 8));
    bytes_append_char(to, (char)payload.len);
    bytes_append_char(to, (char)type);
    bytes_append_char(to, (char)flags);
    bytes_append_u32(to, stream);
    bytes_append_span(to, payload);
}

void frame_put_u32(struct bytes *to, enum frame_type type, uint32_t stream, uint32_t value)
{
    struct bytes b = { 0 };

    bytes_append_u32(&b, value);
    frame_put(to, type, 0, stream, bytes_span(&b));
    bytes_clear(&b);
}

void frame_put_setting(struct bytes *to, uint16_t id, uint32_t value)
{
    struct bytes b = { 0 };

    bytes_append_char(&b, (char)(id >> 8));
    bytes_append_char(&b, (char)id);
    bytes_append_u32(&b, value);
    frame_put(to, FRAME_SETTINGS, 0, 0, bytes_span(&b));
    bytes_clear(&b);
}

void frame_put_preface(struct bytes *to)
{
    bytes_append_text(to, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    frame_put(to, FRAME_SETTINGS, 0, 0, span_of(NULL, 0));
}

static void string_put(struct bytes *to, struct span s)
{
    if (s.len < 127) {
        bytes_append_char(to, (char)s.len);
    } else {
        size_t left = s.len - 127;

        bytes_append_char(to, 127);
        for (; left >= 128; left >>= 7)
            bytes_append_char(to, (char)(left | 128));
        bytes_append_char(to, (char)left);
    }
    bytes_append_span(to, s);
}

void field_put(struct bytes *block, struct span name, struct span value)
{
    bytes_append_char(block, 0);
    string_put(block, name);
    string_put(block, value);
}

void field_put_text(struct bytes *block, const char *name, const char *value)
{
    field_put(block, span_text(name), span_text(value));
}

void fields_put_request(struct bytes *block, const char *method)
{
    field_put_text(block, ":method", method);
    field_put_text(block, ":scheme", "https");
    field_put_text(block, ":authority", "kv.localhost");
    field_put_text(block, ":path", "/keys");
}

void request_put(struct bytes *to, uint32_t stream, const char *method, const char *body)
{
    struct bytes block = { 0 };

    fields_put_request(&block, method);
    frame_put(to, FRAME_HEADERS, FLAG_END_HEADERS | (body == NULL ? FLAG_END_STREAM : 0), stream, bytes_span(&block));
    if (body != NULL)
        frame_put(to, FRAME_DATA, FLAG_END_STREAM, stream, span_text(body));
    bytes_clear(&block);
}

struct frame {
    uint8_t type, flags;
    uint32_t stream;
    struct span payload;
};

static uint32_t u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool next(struct span *out, struct frame *f)
{
    size_t len;

    if (out->len < 9)
        return false;
    len = (size_t)out->p[0] << 16 | (size_t)out->p[1] << 8 | out->p[2];
    if (out->len < 9 + len)
        return false;
    *f = (struct frame){ out->p[3], out->p[4], u32(out->p + 5), span_of(out->p + 9, len) };
    *out = span_of(out->p + 9 + len, out->len - 9 - len);
    return true;
}

struct said frames_said(struct span out)
{
    struct said s = { 0 };
    struct frame f;

    while (next(&out, &f)) {
        bool flag = (f.flags & 1) != 0;

        s.settings += f.type == FRAME_SETTINGS && !flag;
        s.setting_acks += f.type == FRAME_SETTINGS && flag;
        s.ping_acks += f.type == FRAME_PING && flag;
        s.resets += f.type == FRAME_RST_STREAM;
        s.headers += f.type == FRAME_HEADERS;
        s.window_updates += f.type == FRAME_WINDOW_UPDATE;
        s.ended += (f.type == FRAME_HEADERS || f.type == FRAME_DATA) && flag;
        s.data += f.type == FRAME_DATA ? f.payload.len : 0;
        if (f.type == FRAME_GOAWAY && f.payload.len >= 8) {
            s.goaway = true;
            s.goaways++;
            s.goaway_last = u32(f.payload.p);
            s.goaway_code = u32(f.payload.p + 4);
        }
    }
    s.sound = out.len == 0;
    return s;
}

int frames_reset_code(struct span out, uint32_t stream)
{
    struct frame f;

    while (next(&out, &f))
        if (f.type == FRAME_RST_STREAM && f.stream == stream && f.payload.len == 4)
            return (int)u32(f.payload.p);
    return -1;
}

static unsigned status_of(nghttp2_hd_inflater *inflater, struct span block)
{
    unsigned status = 0;
    nghttp2_nv nv;
    int flags = 0;
    ssize_t n;

    while ((flags & NGHTTP2_HD_INFLATE_FINAL) == 0) {
        flags = 0;
        if ((n = nghttp2_hd_inflate_hd2(inflater, &nv, &flags, block.p, block.len, 1)) < 0)
            return 0;
        block = span_of(block.p + n, block.len - (size_t)n);
        if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0 && nv.namelen == 7 && memcmp(nv.name, ":status", 7) == 0)
            for (size_t i = 0; i < nv.valuelen; i++)
                status = status * 10 + (unsigned)(nv.value[i] - '0');
    }
    nghttp2_hd_inflate_end_headers(inflater);
    return status;
}

unsigned frames_status(struct span out, uint32_t stream)
{
    nghttp2_hd_inflater *inflater;
    unsigned status = 0, this_one;
    struct frame f;

    INVARIANT(nghttp2_hd_inflate_new(&inflater) == 0);
    while (next(&out, &f)) {
        if (f.type != FRAME_HEADERS)
            continue;
        this_one = status_of(inflater, f.payload); /* every block, to keep the table in step */
        status = f.stream == stream ? this_one : status;
    }
    nghttp2_hd_inflate_del(inflater);
    return status;
}

void frames_body(struct span out, uint32_t stream, struct bytes *body)
{
    struct frame f;

    bytes_reset(body);
    while (next(&out, &f))
        if (f.type == FRAME_DATA && f.stream == stream)
            bytes_append_span(body, f.payload);
}
