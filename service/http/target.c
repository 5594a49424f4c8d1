#include "service/http/target.h"

/* What may stand in a path or a query as it is: RFC 3986, 3.3 and 3.4, without the percent sign. */
static bool plain(uint8_t c, bool query)
{
    if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
        return true;
    return c != '\0' && strchr(query ? "-._~!$'()*,;=:@/?" : "-._~!$&'()*+,;=:@", c) != NULL;
}

static int digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

/* How many bytes the well-formed UTF-8 sequence at `p` has, 0 when there is none (RFC 3629, 4). */
static size_t utf8_sequence(const uint8_t *p, size_t len)
{
    uint8_t c = p[0], low = 0x80, high = 0xbf;
    size_t n = c < 0x80 ? 1 : c >= 0xc2 && c <= 0xdf ? 2 : (c & 0xf0) == 0xe0 ? 3 : c >= 0xf0 && c <= 0xf4 ? 4 : 0;

    if (n == 0 || n > len)
        return 0;
    if (c == 0xe0)
        low = 0xa0; /* overlong */
    else if (c == 0xed)
        high = 0x9f; /* surrogates */
    else if (c == 0xf0)
        low = 0x90;
    else if (c == 0xf4)
        high = 0x8f; /* above U+10FFFF */
    for (size_t i = 1; i < n; i++, low = 0x80, high = 0xbf)
        if (p[i] < low || p[i] > high)
            return 0;
    return n;
}

static bool valid_text(struct span s)
{
    for (size_t i = 0, n; i < s.len; i += n)
        if (s.p[i] < 0x20 || s.p[i] == 0x7f || (n = utf8_sequence(s.p + i, s.len - i)) == 0)
            return false;
    return true;
}

/* Decode `text` behind what `to` holds; there is room, since decoding never lengthens. */
static enum status decode(struct bytes *to, struct span text, bool query, struct span *out)
{
    uint8_t *start = to->p + to->len, *w = start;

    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.p[i];

        if (c == '%') {
            int high = i + 2 < text.len ? digit(text.p[i + 1]) : -1;
            int low = i + 2 < text.len ? digit(text.p[i + 2]) : -1;

            if (high < 0 || low < 0)
                return ST_BAD_REQUEST;
            c = (uint8_t)(high << 4 | low);
            i += 2;
            /* Decoded once, never twice: a coded percent sign in a path is an attempt to have it decoded twice. */
            if (!query && (c == '/' || c == '\\' || c == '%'))
                return ST_BAD_REQUEST;
        } else if (query && c == '+') {
            c = ' '; /* what form encoders make of a space */
        } else if (!plain(c, query)) {
            return ST_BAD_REQUEST;
        }
        *w++ = c;
    }
    *out = span_of(start, (size_t)(w - start));
    to->len += out->len;
    return valid_text(*out) ? ST_OK : ST_BAD_REQUEST;
}

static enum status take_segment(struct target *t, struct span text)
{
    struct span s;

    if (text.len == 0)
        return ST_OK; /* `//`, or the slash at the end */
    if (t->segment_count == TARGET_SEGMENTS_MAX || decode(&t->storage, text, false, &s) != ST_OK || span_is(s, ".") ||
        span_is(s, ".."))
        return ST_BAD_REQUEST;
    t->segments[t->segment_count++] = s;
    return ST_OK;
}

static enum status take_param(struct target *t, struct span text)
{
    const uint8_t *equals = text.len > 0 ? memchr(text.p, '=', text.len) : NULL;
    size_t name_len = equals != NULL ? (size_t)(equals - text.p) : text.len;
    size_t value_at = equals != NULL ? name_len + 1 : name_len;
    struct target_param p;

    if (text.len == 0)
        return ST_OK; /* `a=1&&b=2`, or the `&` at the end */
    if (t->param_count == TARGET_PARAMS_MAX || name_len == 0 ||
        decode(&t->storage, span_of(text.p, name_len), true, &p.name) != ST_OK)
        return ST_BAD_REQUEST;
    for (size_t i = 0; i < t->param_count; i++)
        if (span_equal_nocase(t->params[i].name, p.name))
            return ST_BAD_REQUEST;
    if (decode(&t->storage, span_of(text.p + value_at, text.len - value_at), true, &p.value) != ST_OK)
        return ST_BAD_REQUEST;
    t->params[t->param_count++] = p;
    return ST_OK;
}

/* Cut `text` at each `separator` and hand out the pieces. */
static enum status take_all(struct target *t, struct span text, uint8_t separator,
                            enum status (*take)(struct target *, struct span))
{
    enum status st = ST_OK;

    for (size_t at = 0; at < text.len && st == ST_OK;) {
        const uint8_t *end = memchr(text.p + at, separator, text.len - at);
        size_t len = end != NULL ? (size_t)(end - text.p) - at : text.len - at;

        st = take(t, span_of(text.p + at, len));
        at += len + 1;
    }
    return st;
}

enum status target_parse(struct target *t, struct span text)
{
    const uint8_t *question;
    size_t path_len;
    enum status st;

    t->segment_count = t->param_count = 0;
    t->storage = (struct bytes){ 0 };
    if (text.len > TARGET_MAX)
        return ST_TOO_LARGE;
    if (text.len == 0 || text.p[0] != '/')
        return ST_BAD_REQUEST;
    if ((st = bytes_reserve(&t->storage, text.len + 1)) != ST_OK)
        return st;
    question = memchr(text.p, '?', text.len);
    path_len = question != NULL ? (size_t)(question - text.p) : text.len;
    if ((st = take_all(t, span_of(text.p, path_len), '/', take_segment)) == ST_OK && question != NULL)
        st = take_all(t, span_of(question + 1, text.len - path_len - 1), '&', take_param);
    if (st != ST_OK)
        target_clear(t);
    return st;
}

void target_clear(struct target *t)
{
    bytes_clear(&t->storage);
    t->segment_count = t->param_count = 0;
}

struct span target_param(const struct target *t, const char *name)
{
    for (size_t i = 0; i < t->param_count; i++)
        if (span_is_nocase(t->params[i].name, name))
            return t->params[i].value;
    return span_of(NULL, 0);
}
