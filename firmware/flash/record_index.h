/* record_index.h - where each live record lies: a hash table from its key to the commit that holds it. */
#ifndef STRONGROOM_FLASH_RECORD_INDEX_H
#define STRONGROOM_FLASH_RECORD_INDEX_H

#include "firmware/flash/flash.h"

struct record {
    struct flash_key key;
    uint32_t place;    /* of its commit in the bank; 0: this entry of the table is free */
    uint32_t sequence; /* of that commit, so that no other can stand in for it */
    uint32_t at;       /* of the change within the commit's changes */
    uint32_t len;      /* of the value */
};

struct record_index {
    struct record *table;
    size_t cap; /* a power of two, or 0 */
    size_t count;
    size_t live; /* bytes that the records take in a bank right after a compaction */
};

void record_index_clear(struct record_index *x);
/* Room for `more` further records, so that the next record_index_put() cannot fail. Errors: ST_NO_MEMORY. */
MUST_CHECK enum status record_index_reserve(struct record_index *x, size_t more);
/* NULL: no such record. Valid until the index changes. */
const struct record *record_index_find(const struct record_index *x, const struct flash_key *key);
void record_index_put(struct record_index *x, const struct record *r);
void record_index_remove(struct record_index *x, const struct flash_key *key);
/* Put or remove, as `change` says; it lies at `at` in the changes of commit `sequence`, and that at `place`. */
void record_index_apply(struct record_index *x, const struct flash_change *change, uint32_t place, uint32_t sequence,
                        size_t at);
/* The same for all of a commit, which are of different keys. */
void record_index_apply_all(struct record_index *x, const struct flash_change *changes, unsigned count, uint32_t place,
                            uint32_t sequence);
/* The first record at or behind *at in the table, NULL behind the last one. Start with *at = 0. */
const struct record *record_index_next(const struct record_index *x, size_t *at);

#endif
