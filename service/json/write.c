#include "service/json/json.h"

#include "firmware/base/base64url.h"

/* Length of the well-formed UTF-8 sequence at `p` (RFC 3629, 4: no overlong forms, no surrogates, nothing above
 * U+10FFFF), 0 when there is none. */
static size_t utf8_sequence(const uint8_t *p, size_t len)
{
    uint8_t low = 0x80, high = 0xbf;
    size_t n;

    if (p[0] < 0x80)
        return 1;
    if (p[0] < 0xc2 || p[0] > 0xf4)
        return 0;
    n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (len < n)
        return 0;
    if (p[0] == 0xe0)
        low = 0xa0;
    else if (p[0] == 0xed)
        high = 0x9f;
    else if (p[0] == 0xf0)
        low = 0x90;
    else if (p[0] == 0xf4)
        high = 0x8f;
    if (p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return n;
}

static void append_escape(struct bytes *out, uint8_t c)
{
    static const char digits[16] = "0123456789abcdef";
    char escape[6] = { '\\', 'u', '0', '0', digits[c >> 4], digits[c & 15] };
    static const char shorts[0x20] = { ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r' };

    if (c == '"' || c == '\\')
        escape[1] = (char)c;
    else if (shorts[c] != 0)
        escape[1] = shorts[c];
    else {
        bytes_append(out, escape, sizeof escape);
        return;
    }
    bytes_append(out, escape, 2);
}

/* ASCII without what must be escaped. No branch for each byte, so that the compiler makes vectors of it. */
static bool is_plain(struct span s)
{
    uint8_t special = 0;

    for (size_t i = 0; i < s.len; i++)
        special |= (uint8_t)((uint8_t)(s.p[i] - 0x20) >= 0x60) | (s.p[i] == '"') | (s.p[i] == '\\');
    return special == 0;
}

/* Nearly every text. */
static void append_plain(struct bytes *out, struct span s)
{
    uint8_t *to;

    if (bytes_reserve(out, s.len + 2) != ST_OK)
        return;
    to = out->p + out->len;
    *to++ = '"';
    if (s.len > 0)
        memcpy(to, s.p, s.len);
    to += s.len;
    *to++ = '"';
    *to = '\0';
    out->len += s.len + 2;
}

/* Whole runs of bytes that need nothing are copied at once. */
static void append_quoted(struct bytes *out, struct span s)
{
    size_t from = 0, at = 0;

    if (is_plain(s)) {
        append_plain(out, s);
        return;
    }
    bytes_append_char(out, '"');
    while (at < s.len) {
        uint8_t c = s.p[at];
        size_t n;

        if (c >= 0x20 && c < 0x80 && c != '"' && c != '\\') {
            at++;
            continue;
        }
        if (c >= 0x80 && (n = utf8_sequence(s.p + at, s.len - at)) > 0) {
            at += n;
            continue;
        }
        bytes_append(out, s.p + from, at - from);
        if (c >= 0x80)
            bytes_append_text(out, "\xef\xbf\xbd"); /* U+FFFD */
        else
            append_escape(out, c);
        from = ++at;
    }
    if (at > from)
        bytes_append(out, s.p + from, at - from);
    bytes_append_char(out, '"');
}

/* What stands before each value: the comma, the name. */
static void begin_value(struct json_writer *w, const char *name)
{
    if (w->comma)
        bytes_append_char(w->out, ',');
    w->comma = true;
    if (name != NULL) {
        append_quoted(w->out, span_text(name));
        bytes_append_char(w->out, ':');
    }
}

void json_begin(struct json_writer *w, struct bytes *out)
{
    *w = (struct json_writer){ .out = out };
}

void json_open_object(struct json_writer *w, const char *name)
{
    begin_value(w, name);
    bytes_append_char(w->out, '{');
    w->comma = false;
}

void json_open_array(struct json_writer *w, const char *name)
{
    begin_value(w, name);
    bytes_append_char(w->out, '[');
    w->comma = false;
}

void json_close_object(struct json_writer *w)
{
    bytes_append_char(w->out, '}');
    w->comma = true;
}

void json_close_array(struct json_writer *w)
{
    bytes_append_char(w->out, ']');
    w->comma = true;
}

void json_put_text(struct json_writer *w, const char *name, struct span value)
{
    begin_value(w, name);
    append_quoted(w->out, value);
}

void json_put_int(struct json_writer *w, const char *name, int64_t value)
{
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    char text[20]; /* "-9223372036854775808" */
    size_t at = sizeof text;

    begin_value(w, name);
    do {
        text[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0)
        text[--at] = '-';
    bytes_append(w->out, text + at, sizeof text - at);
}

void json_put_bool(struct json_writer *w, const char *name, bool value)
{
    begin_value(w, name);
    bytes_append_text(w->out, value ? "true" : "false");
}

void json_put_null(struct json_writer *w, const char *name)
{
    begin_value(w, name);
    bytes_append_text(w->out, "null");
}

void json_put_base64url(struct json_writer *w, const char *name, struct span value)
{
    begin_value(w, name);
    bytes_append_char(w->out, '"');
    base64url_append(w->out, value);
    bytes_append_char(w->out, '"');
}

void json_put_raw(struct json_writer *w, const char *name, struct span json)
{
    begin_value(w, name);
    bytes_append_span(w->out, json);
}
