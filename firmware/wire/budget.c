#include "firmware/wire/budget.h"

#include <stdalign.h>

#include "firmware/base/secret.h"

static void *allocator_take(void *data, size_t len)
{
    return budget_take(data, len);
}

static void allocator_give(void *data, void *piece)
{
    (void)data;
    (void)piece; /* budget_reset() wipes all at once */
}

void budget_init(struct budget *b, void *block, size_t size)
{
    size_t skew = (uintptr_t)block % alignof(max_align_t), skip = skew == 0 ? 0 : alignof(max_align_t) - skew;

    if (skip > size)
        skip = size;
    *b = (struct budget){ .block = (uint8_t *)block + skip, .size = size - skip };
    b->allocator = (ProtobufCAllocator){ .alloc = allocator_take, .free = allocator_give, .allocator_data = b };
}

ProtobufCAllocator *budget_allocator(struct budget *b)
{
    INVARIANT(b->allocator.allocator_data == b); /* a copied budget would spend the original's */
    return &b->allocator;
}

void *budget_take(struct budget *b, size_t len)
{
    size_t left = b->size - b->used, padded = (len + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    void *piece = b->block + b->used;

    if (padded < len || padded > left) {
        b->exhausted = true;
        return NULL;
    }
    b->used += padded;
    return piece;
}

void budget_reset(struct budget *b)
{
    secret_wipe(b->block, b->used);
    b->used = 0;
    b->exhausted = false;
}
