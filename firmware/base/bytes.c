#include "firmware/base/bytes.h"

#include <stdio.h>

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

bool span_equal_nocase(struct span a, struct span b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.p[i]) != lower(b.p[i]))
            return false;
    return true;
}

bool span_is_nocase(struct span s, const char *text)
{
    return span_equal_nocase(s, span_text(text));
}

bool span_starts_with(struct span s, struct span prefix)
{
    return s.len >= prefix.len && span_equal(span_of(s.p, prefix.len), prefix);
}

char *span_dup_text(struct span s)
{
    char *text = malloc(s.len + 1);

    if (text == NULL)
        return NULL;
    if (s.len > 0)
        memcpy(text, s.p, s.len);
    text[s.len] = '\0';
    return text;
}

void bytes_clear(struct bytes *b)
{
    free(b->p);
    *b = (struct bytes){ 0 };
}

void bytes_reset(struct bytes *b)
{
    b->len = 0;
    b->failed = false;
}

void bytes_move(struct bytes *to, struct bytes *from)
{
    INVARIANT(to->p == NULL);
    *to = *from;
    *from = (struct bytes){ 0 };
}

enum status bytes_reserve(struct bytes *b, size_t more)
{
    size_t want, cap;
    uint8_t *p;

    if (b->failed || more >= SIZE_MAX / 2 - b->len)
        goto failed;
    want = b->len + more + 1; /* the NUL */
    if (want <= b->cap)
        return ST_OK;
    for (cap = b->cap > 0 ? b->cap : 64; cap < want; cap *= 2)
        ;
    if ((p = realloc(b->p, cap)) == NULL)
        goto failed;
    b->p = p;
    b->cap = cap;
    return ST_OK;
failed:
    b->failed = true;
    return ST_NO_MEMORY;
}

void bytes_append(struct bytes *b, const void *p, size_t len)
{
    if (bytes_reserve(b, len) != ST_OK)
        return;
    if (len > 0)
        memcpy(b->p + b->len, p, len);
    b->len += len;
    b->p[b->len] = '\0';
}

void bytes_append_span(struct bytes *b, struct span s)
{
    bytes_append(b, s.p, s.len);
}

void bytes_append_text(struct bytes *b, const char *text)
{
    bytes_append(b, text, strlen(text));
}

void bytes_append_u32(struct bytes *b, uint32_t v)
{
    uint8_t be[4] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v };

    bytes_append(b, be, sizeof be);
}

void bytes_append_u64(struct bytes *b, uint64_t v)
{
    bytes_append_u32(b, (uint32_t)(v >> 32));
    bytes_append_u32(b, (uint32_t)v);
}

void bytes_printf(struct bytes *b, const char *format, ...)
{
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0 || bytes_reserve(b, (size_t)n) != ST_OK) {
        b->failed = true;
        return;
    }
    va_start(args, format);
    vsnprintf((char *)b->p + b->len, (size_t)n + 1, format, args);
    va_end(args);
    b->len += (size_t)n;
}

enum status bytes_status(const struct bytes *b)
{
    return b->failed ? ST_NO_MEMORY : ST_OK;
}

const char *bytes_text(const struct bytes *b)
{
    return b->len > 0 ? (const char *)b->p : "";
}

enum status bytes_set(struct bytes *b, struct span s)
{
    bytes_reset(b);
    bytes_append_span(b, s);
    return bytes_status(b);
}
