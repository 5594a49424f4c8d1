/* budget.h - memory for unpacked messages: one fixed block, handed out piece by piece. protobuf-c takes from it through
 * budget_allocator(); what does not fit makes the unpacking fail as a whole. Pieces are not given back one by one:
 * budget_reset() ends the life of all of them and wipes exactly what was used. Not thread-safe. */
#ifndef STRONGROOM_WIRE_BUDGET_H
#define STRONGROOM_WIRE_BUDGET_H

#include <protobuf-c/protobuf-c.h>

#include "firmware/base/bytes.h"

/* Enough for every message that keeps the limits: its bytes once more, its structs, protobuf-c's notes. */
#define BUDGET_SIZE (448u * 1024)

struct budget {
    uint8_t *block; /* the caller's, which outlives the budget */
    size_t size, used;
    bool exhausted; /* a piece did not fit, since the last reset */
    ProtobufCAllocator allocator;
};

void budget_init(struct budget *b, void *block, size_t size);
/* For protobuf-c; valid as long as `b` stays where it is. */
ProtobufCAllocator *budget_allocator(struct budget *b);
/* `len` bytes aligned for anything; NULL: they do not fit. */
void *budget_take(struct budget *b, size_t len);
void budget_reset(struct budget *b);

#endif
