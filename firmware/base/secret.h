/* secret.h - the one type for secrets: PINs, client secrets, tokens at rest in memory, key bytes in transit.
 * The memory comes from OpenSSL's secure heap: locked, out of core dumps, between guard pages, wiped when freed.
 * A zeroed struct is empty and valid. */
#ifndef STRONGROOM_BASE_SECRET_H
#define STRONGROOM_BASE_SECRET_H

#include "firmware/base/bytes.h"

#define SECRET_MAX       (64u * 1024)
#define SECRET_HEAP_SIZE (4u * 1024 * 1024) /* a power of two, as the secure heap asks */

struct secret {
    uint8_t *p;
    size_t len;
    size_t cap;
};

/* Once, at the start of main(): reserves the secure heap and switches core dumps and ptrace off for the process.
 * Errors: ST_UNAVAILABLE the memory cannot be locked (see `ulimit -l`). */
MUST_CHECK enum status secret_init_process(void);

/* Room for `want` bytes in all; keeps what is there. Errors: ST_NO_MEMORY; ST_TOO_LARGE beyond SECRET_MAX. */
MUST_CHECK enum status secret_grow(struct secret *s, size_t want);
/* Replace the content by a copy of `from`. */
MUST_CHECK enum status secret_set(struct secret *s, struct span from);
MUST_CHECK enum status secret_append(struct secret *s, struct span from);
void secret_clear(struct secret *s);                      /* wipes, frees */
void secret_move(struct secret *to, struct secret *from); /* `to` must be empty */
static inline struct span secret_span(const struct secret *s)
{
    return span_of(s->p, s->len);
}
/* Constant time in the content; the lengths are not hidden. */
bool secret_equal(struct span a, struct span b);
/* Wipe memory that is not ours to free: a socket buffer, a message. */
void secret_wipe(void *p, size_t len);
/* The whole of a small file without the line ends it ends with, replacing what `s` held; empty after an error. The file
 * must be a regular file of this user (or root) that no group or other may use. Errors: ST_NOT_FOUND; ST_NOT_PERMITTED
 * its owner, kind or mode is wrong; ST_TOO_LARGE; ST_IO. */
MUST_CHECK enum status secret_read_file(struct secret *s, const char *path);

#endif
