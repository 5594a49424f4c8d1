/* tombstones.h - what has ended on this board and does not come back (THREATS.md 5.9): partitions that were deleted,
 * also by a factory reset, and tokens that C_InitToken has begun anew. A partition is known by its family, its first
 * seal id, and what it was at a time by its generation; a tombstone forbids the generations of a family up to one. A
 * record in the flash for each partition, written in the commit that ends it. Bounded: once TOMBSTONES_MAX partitions
 * have had an end, another can still end, and none is restored any more on this board, because it can no longer be
 * known which ones they were. A factory reset leaves them. Guarded by the keystore's lock.
 */
#ifndef STRONGROOM_TOMBSTONES_H
#define STRONGROOM_TOMBSTONES_H

#include "firmware/partition.h"

#define TOMBSTONES_MAX  4096
#define TOMBSTONE_LEN   (PARTITION_SEAL_ID_LEN + 8) /* family, generation */
#define TOMBSTONE_WHOLE UINT64_MAX                  /* the generation: all there will ever be */

struct tombstone {
    uint32_t partition; /* its number here, which is never used twice: the record's key */
    uint8_t packed[TOMBSTONE_LEN];
};

struct tombstones {
    uint8_t (*packed)[TOMBSTONE_LEN];
    unsigned count, cap;
};

struct tombstone tombstone_of(const struct partition *p, uint64_t generation);

void tombstones_clear(struct tombstones *t);
/* One, as the flash had it. Errors: ST_CORRUPT; ST_NO_MEMORY. */
MUST_CHECK enum status tombstones_load(struct tombstones *t, struct span record);
/* The change that goes with the end of a partition or token: *count is 1, or 0 when there is no room for it. *change
 * borrows from *end. Errors: CKR_HOST_MEMORY. */
MUST_CHECK CK_RV tombstones_change(struct tombstones *t, const struct tombstone *end, struct flash_change *change,
                                   unsigned *count);
/* The commit is made. */
void tombstones_add(struct tombstones *t, const struct tombstone *end);
/* Remove the record of `p` from the flash, for good. Errors: CKR_HOST_MEMORY; those of storage_commit(). */
MUST_CHECK CK_RV tombstones_bury(struct tombstones *t, const struct partition *p, struct storage *s, bool irrevocable);
/* May `p` not be restored? */
bool tombstones_forbid(const struct tombstones *t, const struct partition *p);

#endif
