#include "service/http/h1_scan.h"

#define LINE_OVERHEAD 32 /* of a request line, beside its target */
#define CHUNK_DIGITS  8

void head_scan_init(struct head_scan *s)
{
    *s = (struct head_scan){ .first = true };
}

enum scan_result head_scan_read(struct head_scan *s, const struct http_limits *limits, struct span in, size_t *used)
{
    for (size_t i = 0; i < in.len; i++) {
        uint8_t c = in.p[i];

        *used = i + 1;
        if (c == '\0' || (c == '\n') != s->cr)
            return SCAN_BAD; /* a bare LF, or a CR without one */
        s->len++;
        s->cr = c == '\r';
        if (c == '\n') {
            if (s->line == 0 && !s->first)
                return SCAN_DONE;
            if (s->line == 0) { /* an empty line ahead of the request line */
                if (s->skipped)
                    return SCAN_BAD;
                s->skipped = true;
            } else {
                s->first = false;
            }
            s->line = 0;
        } else if (c != '\r') {
            s->line++;
            if (s->first && s->line > limits->target + LINE_OVERHEAD)
                return SCAN_LINE_TOO_LONG;
        }
        if (s->len > limits->head)
            return SCAN_TOO_LARGE;
    }
    *used = in.len;
    return SCAN_MORE;
}

static bool token_char(uint8_t c) /* RFC 9110, 5.6.2 */
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_token(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!token_char(s.p[i]))
            return false;
    return s.len > 0;
}

static enum status check_request_line(struct span text, struct request_line *line)
{
    const uint8_t *first = memchr(text.p, ' ', text.len), *last;
    struct span version;

    if (first == NULL || (last = memrchr(text.p, ' ', text.len)) == first)
        return ST_BAD_REQUEST;
    line->method = span_of(text.p, (size_t)(first - text.p));
    line->target = span_of(first + 1, (size_t)(last - first) - 1);
    version = span_of(last + 1, (size_t)(text.p + text.len - last) - 1);
    if (!is_token(line->method) || line->target.len == 0 || version.len != 8 ||
        !span_starts_with(version, span_text("HTTP/")) || version.p[6] != '.')
        return ST_BAD_REQUEST;
    for (size_t i = 0; i < line->target.len; i++)
        if (line->target.p[i] <= 0x20 || line->target.p[i] >= 0x7f || line->target.p[i] == '#')
            return ST_BAD_REQUEST;
    line->version = span_is(version, "HTTP/1.1") ? 11 : span_is(version, "HTTP/1.0") ? 10 : 0;
    return ST_OK;
}

static enum status check_field_line(struct span text)
{
    const uint8_t *colon = memchr(text.p, ':', text.len);

    if (colon == NULL || !is_token(span_of(text.p, (size_t)(colon - text.p)))) /* also a folded line */
        return ST_BAD_REQUEST;
    for (const uint8_t *p = colon + 1; p < text.p + text.len; p++)
        if ((*p < 0x20 && *p != '\t') || *p == 0x7f)
            return ST_BAD_REQUEST;
    return ST_OK;
}

enum status head_check(struct span head, struct request_line *line)
{
    bool first = true;
    size_t at = 0;

    if (head.len >= 2 && head.p[0] == '\r')
        at = 2; /* the empty line that head_scan passed over */
    while (at < head.len) {
        const uint8_t *end = memchr(head.p + at, '\r', head.len - at);
        struct span text = span_of(head.p + at, end != NULL ? (size_t)(end - head.p) - at : 0);

        if (end == NULL || end + 1 == head.p + head.len || end[1] != '\n')
            return ST_BAD_REQUEST;
        at += text.len + 2;
        if (text.len == 0)
            return !first && at == head.len ? ST_OK : ST_BAD_REQUEST;
        if ((first ? check_request_line(text, line) : check_field_line(text)) != ST_OK)
            return ST_BAD_REQUEST;
        first = false;
    }
    return ST_BAD_REQUEST;
}

static int digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
        return (c | 0x20) - 'a' + 10;
    return -1;
}

static bool expect(struct chunk_scan *s, uint8_t c, uint8_t wanted, enum chunk_state next)
{
    s->state = next;
    return c == wanted;
}

static bool size_byte(struct chunk_scan *s, uint8_t c)
{
    int v = digit(c);

    if (v >= 0) {
        s->size = s->size << 4 | (uint64_t)v;
        return ++s->digits <= CHUNK_DIGITS;
    }
    return s->digits > 0 && expect(s, c, '\r', CHUNK_SIZE_LF);
}

enum scan_result chunk_scan_read(struct chunk_scan *s, struct span in, size_t *used)
{
    bool sound = true;

    for (size_t i = 0; i < in.len;) {
        uint8_t c = in.p[i];

        if (s->state == CHUNK_DATA) {
            size_t n = s->size < in.len - i ? (size_t)s->size : in.len - i;

            s->size -= n;
            i += n;
            if (s->size == 0)
                s->state = CHUNK_DATA_CR;
            continue;
        }
        i++;
        switch (s->state) {
        case CHUNK_SIZE:
            sound = size_byte(s, c);
            break;
        case CHUNK_SIZE_LF:
            sound = expect(s, c, '\n', s->size > 0 ? CHUNK_DATA : CHUNK_LAST_CR);
            break;
        case CHUNK_DATA_CR:
            sound = expect(s, c, '\r', CHUNK_DATA_LF);
            break;
        case CHUNK_DATA_LF:
            sound = expect(s, c, '\n', CHUNK_SIZE);
            s->digits = 0;
            break;
        case CHUNK_LAST_CR:
            sound = expect(s, c, '\r', CHUNK_LAST_LF);
            break;
        default:
            *used = i;
            return c == '\n' ? SCAN_DONE : SCAN_BAD;
        }
        if (!sound) {
            *used = i - 1;
            return SCAN_BAD;
        }
    }
    *used = in.len;
    return SCAN_MORE;
}
