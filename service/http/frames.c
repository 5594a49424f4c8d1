#include "service/http/frames.h"

/* RFC 9113, 6. */
enum { DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION };
enum { PROTOCOL_ERROR = 0x1, ENHANCE_YOUR_CALM = 0xb };
enum { END_STREAM = 0x1, END_HEADERS = 0x4, PADDED = 0x8 };

void frames_init(struct frames *f)
{
    *f = (struct frames){ .preface_left = FRAMES_PREFACE_LEN };
}

static uint32_t big_endian(const uint8_t *p, size_t n)
{
    uint32_t v = 0;

    for (size_t i = 0; i < n; i++)
        v = v << 8 | p[i];
    return v;
}

/* Padding is no content. */
static bool empty(const struct frames *f)
{
    if ((f->header[4] & PADDED) != 0 && f->first_len > 0)
        return f->length <= 1u + f->first[0];
    return f->length == 0;
}

static enum flood_kind kind_of(const struct frames *f, const struct http_limits *limits)
{
    switch (f->header[3]) {
    case DATA:
        return empty(f) && (f->header[4] & END_STREAM) == 0 ? FLOOD_EMPTY_DATA : FLOOD_KINDS;
    case HEADERS:
        return empty(f) ? FLOOD_EMPTY_HEADERS : FLOOD_KINDS;
    case CONTINUATION:
        return f->length == 0 ? FLOOD_EMPTY_HEADERS : FLOOD_KINDS;
    case PRIORITY:
        return FLOOD_PRIORITY;
    case RST_STREAM:
        return FLOOD_RESET;
    case SETTINGS:
        return FLOOD_SETTINGS;
    case PING:
        return FLOOD_PING;
    case WINDOW_UPDATE:
        return f->first_len == 4 && (big_endian(f->first, 4) & 0x7fffffff) < limits->tiny_window_update
                   ? FLOOD_TINY_WINDOW_UPDATE
                   : FLOOD_KINDS;
    default:
        return FLOOD_UNKNOWN;
    }
}

/* A stream may be opened only above all that were opened before; on those HEADERS are trailers. */
static void note_stream(struct frames *f, uint32_t stream)
{
    uint32_t n = stream / 2, newest = f->highest / 2; /* clients' streams are odd */

    if (stream % 2 == 0)
        return; /* nghttp2 refuses it */
    if (stream > f->highest) {
        for (uint32_t i = 1; i <= FRAMES_REMEMBERED && newest + i < n; i++)
            f->opened[(newest + i) % FRAMES_REMEMBERED] = false;
        f->opened[n % FRAMES_REMEMBERED] = true;
        f->highest = stream;
    } else if (newest - n < FRAMES_REMEMBERED && !f->opened[n % FRAMES_REMEMBERED]) {
        f->error = PROTOCOL_ERROR;
    }
}

static void header_read(struct frames *f, const struct http_limits *limits, uint64_t now_us)
{
    f->length = f->left = big_endian(f->header, 3);
    f->first_len = 0;
    if (f->header[3] == CONTINUATION && ++f->continuations > limits->continuations)
        f->error = ENHANCE_YOUR_CALM;
    if (f->header[3] != HEADERS || f->in_block)
        return;
    f->in_block = true;
    f->continuations = 0;
    f->block_since_us = now_us;
    note_stream(f, big_endian(f->header + 5, 4) & 0x7fffffff);
}

static void frame_read(struct frames *f)
{
    if ((f->header[3] == HEADERS || f->header[3] == CONTINUATION) && (f->header[4] & END_HEADERS) != 0)
        f->in_block = false;
    f->header_len = 0;
}

size_t frames_read(struct frames *f, struct span in, const struct http_limits *limits, uint64_t now_us,
                   enum flood_kind *kind)
{
    size_t at = f->preface_left < in.len ? f->preface_left : in.len, n;

    *kind = FLOOD_KINDS;
    f->preface_left -= at;
    if (f->header_len < FRAMES_HEADER_LEN) {
        n = FRAMES_HEADER_LEN - f->header_len;
        n = n < in.len - at ? n : in.len - at;
        if (n > 0)
            memcpy(f->header + f->header_len, in.p + at, n);
        f->header_len += n;
        at += n;
        if (f->header_len < FRAMES_HEADER_LEN)
            return at;
        header_read(f, limits, now_us);
    }
    for (n = at; n < in.len && f->first_len < sizeof f->first && f->first_len < f->length; n++)
        f->first[f->first_len++] = in.p[n];
    n = f->left < in.len - at ? f->left : in.len - at;
    f->left -= (uint32_t)n;
    at += n;
    if (f->left == 0) {
        *kind = kind_of(f, limits);
        frame_read(f);
    }
    return at;
}
