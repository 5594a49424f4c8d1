/* handle_table.h - things by their 64-bit number: sessions, objects. Open addressing, no order.
 * A zeroed struct is empty and valid. Not thread-safe. Numbers are never 0. */
#ifndef STRONGROOM_HANDLE_TABLE_H
#define STRONGROOM_HANDLE_TABLE_H

#include "firmware/base/bytes.h"

struct handle_slot {
    uint64_t handle; /* 0: free */
    void *thing;
};

struct handle_table {
    struct handle_slot *slots;
    size_t cap; /* a power of two, or 0 */
    size_t count;
};

/* Errors: ST_NO_MEMORY; ST_EXISTS. */
MUST_CHECK enum status handle_table_put(struct handle_table *t, uint64_t handle, void *thing);
void *handle_table_get(const struct handle_table *t, uint64_t handle); /* NULL: none */
void *handle_table_take(struct handle_table *t, uint64_t handle);      /* out of the table; NULL: none */
/* The things one after the other: start with *at = 0; NULL ends. The table must not change meanwhile. */
void *handle_table_next(const struct handle_table *t, size_t *at);
void handle_table_clear(struct handle_table *t); /* frees the table, not the things */

#endif
