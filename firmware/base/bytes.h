/* bytes.h - borrowed bytes (`struct span`) and owned, growing bytes (`struct bytes`).
 * Not for secrets: those live in `struct secret`, which wipes. */
#ifndef STRONGROOM_BASE_BYTES_H
#define STRONGROOM_BASE_BYTES_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "firmware/base/status.h"

/* Borrowed; never freed through this. An empty span may have p == NULL. */
struct span {
    const uint8_t *p;
    size_t len;
};

static inline struct span span_of(const void *p, size_t len)
{
    return (struct span){ .p = p, .len = len };
}
static inline struct span span_text(const char *text)
{
    return span_of(text, strlen(text));
}
static inline bool span_equal(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}
/* Is `s` the text `text`? */
static inline bool span_is(struct span s, const char *text)
{
    return span_equal(s, span_text(text));
}
/* As span_is, ASCII letters of either case alike. */
bool span_is_nocase(struct span s, const char *text);
bool span_equal_nocase(struct span a, struct span b);
/* Does `s` start with `prefix`? */
bool span_starts_with(struct span s, struct span prefix);

/* Owned bytes. A zeroed struct is empty and valid; bytes_clear() returns it to that state.
 * Appending is sticky on failure: after one failed append `failed` is set, later appends do nothing, and the
 * caller checks once, with bytes_status(). There is always a NUL behind the last byte once anything was appended,
 * not counted in len. */
struct bytes {
    uint8_t *p;
    size_t len;
    size_t cap;
    bool failed;
};

void bytes_clear(struct bytes *b);                                  /* frees */
void bytes_reset(struct bytes *b);                                  /* empties, keeps the memory */
void bytes_move(struct bytes *to, struct bytes *from);              /* `to` must be empty; `from` becomes empty */
MUST_CHECK enum status bytes_reserve(struct bytes *b, size_t more); /* room for `more` further bytes */
void bytes_append(struct bytes *b, const void *p, size_t len);
void bytes_append_span(struct bytes *b, struct span s);
void bytes_append_text(struct bytes *b, const char *text);
/* Inline, because text is made character by character in places that every request passes. */
static inline void bytes_append_char(struct bytes *b, char c)
{
    if (b->failed || b->cap - b->len < 2) {
        bytes_append(b, &c, 1);
        return;
    }
    b->p[b->len++] = (uint8_t)c;
    b->p[b->len] = '\0';
}
void bytes_append_u32(struct bytes *b, uint32_t v); /* big-endian */
void bytes_append_u64(struct bytes *b, uint64_t v); /* big-endian */
void bytes_printf(struct bytes *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* ST_OK, or ST_NO_MEMORY when any append failed. */
MUST_CHECK enum status bytes_status(const struct bytes *b);
static inline struct span bytes_span(const struct bytes *b)
{
    return span_of(b->p, b->len);
}
/* The bytes as a C string; "" when empty. */
const char *bytes_text(const struct bytes *b);
/* Copy `s` into `b`, replacing what it held. Errors: ST_NO_MEMORY. */
MUST_CHECK enum status bytes_set(struct bytes *b, struct span s);
/* The span as a freshly allocated C string, NULL when out of memory. Caller frees. */
char *span_dup_text(struct span s);

#endif
