/* buffer.h - a bounded queue of bytes: written at its end, taken from its front. What is taken is wiped, and so is what
 * growing or moving leaves behind, so nothing that passed through it stays. A zeroed struct with `max` set is valid. */
#ifndef STRONGROOM_WIRE_BUFFER_H
#define STRONGROOM_WIRE_BUFFER_H

#include "firmware/base/bytes.h"

struct wire_buffer {
    uint8_t *p;
    size_t start, end; /* what it holds */
    size_t cap, max;
};

/* Room for `more` bytes at p + end; what is written there counts once `end` has moved. Errors: ST_TOO_LARGE;
 * ST_NO_MEMORY. */
MUST_CHECK enum status buffer_room(struct wire_buffer *b, size_t more);
MUST_CHECK enum status buffer_append(struct wire_buffer *b, struct span s);
/* Take `len` bytes from the front: wipes them. */
void buffer_take(struct wire_buffer *b, size_t len);
void buffer_clear(struct wire_buffer *b); /* wipes, frees; `max` stays */

static inline size_t buffer_len(const struct wire_buffer *b)
{
    return b->end - b->start;
}
static inline struct span buffer_span(const struct wire_buffer *b)
{
    return b->p == NULL ? (struct span){ 0 } : span_of(b->p + b->start, b->end - b->start);
}

#endif
