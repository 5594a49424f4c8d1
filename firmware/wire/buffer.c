#include "firmware/wire/buffer.h"

#include "firmware/base/secret.h"

#define CAP_MIN (4u * 1024)
/* An empty buffer gives back more than this: large messages are rare, links are many. It holds a full batch of 1 KiB
 * requests: pages given back and taken anew each time cost more than all that is done with them. */
#define CAP_KEEP (128u * 1024)

static enum status grow(struct wire_buffer *b, size_t want)
{
    size_t cap = b->cap < CAP_MIN ? CAP_MIN : b->cap, len = buffer_len(b);
    uint8_t *p;

    while (cap < want)
        cap *= 2;
    if (cap > b->max)
        cap = b->max;
    if ((p = malloc(cap)) == NULL)
        return ST_NO_MEMORY;
    if (len > 0)
        memcpy(p, b->p + b->start, len);
    buffer_clear(b);
    b->p = p;
    b->end = len;
    b->cap = cap;
    return ST_OK;
}

enum status buffer_room(struct wire_buffer *b, size_t more)
{
    size_t len = buffer_len(b);

    if (b->cap - b->end >= more)
        return ST_OK;
    if (more > b->max || len > b->max - more)
        return ST_TOO_LARGE;
    if (b->cap < len + more)
        return grow(b, len + more);
    memmove(b->p, b->p + b->start, len);
    secret_wipe(b->p + len, b->start);
    b->start = 0;
    b->end = len;
    return ST_OK;
}

enum status buffer_append(struct wire_buffer *b, struct span s)
{
    enum status st = buffer_room(b, s.len);

    if (st != ST_OK || s.len == 0)
        return st;
    memcpy(b->p + b->end, s.p, s.len);
    b->end += s.len;
    return ST_OK;
}

void buffer_take(struct wire_buffer *b, size_t len)
{
    INVARIANT(len <= buffer_len(b));
    if (len == 0)
        return;
    secret_wipe(b->p + b->start, len);
    b->start += len;
    if (b->start < b->end)
        return;
    b->start = b->end = 0;
    if (b->cap > CAP_KEEP)
        buffer_clear(b);
}

void buffer_clear(struct wire_buffer *b)
{
    if (b->cap > 0)
        secret_wipe(b->p, b->cap);
    free(b->p);
    *b = (struct wire_buffer){ .max = b->max };
}
