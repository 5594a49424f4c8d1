/* tombstones.h - which partitions were deleted on this board, by their seal ids: a backup does not bring them back
 * (THREATS.md 5.9). A record in the flash for each, written in the same commit as the deletion.
 * Bounded: once TOMBSTONES_MAX partitions have been deleted, a partition can still be deleted, and none is restored any
 * more on this board, because it can no longer be known which ones they were. A factory reset leaves them. Guarded by
 * the keystore's lock.
 */
#ifndef STRONGROOM_TOMBSTONES_H
#define STRONGROOM_TOMBSTONES_H

#include "firmware/partition.h"

#define TOMBSTONES_MAX 4096

struct tombstones {
    uint8_t (*seal_ids)[PARTITION_SEAL_ID_LEN];
    unsigned count, cap;
};

void tombstones_clear(struct tombstones *t);
/* One, as the flash had it. Errors: ST_CORRUPT; ST_NO_MEMORY. */
MUST_CHECK enum status tombstones_load(struct tombstones *t, struct span record);
/* The change that goes with a deletion of `p`: *count is 1, or 0 when there is no room for it. *change borrows from *p.
 * Errors: CKR_HOST_MEMORY. */
MUST_CHECK CK_RV tombstones_change(struct tombstones *t, const struct partition *p, struct flash_change *change,
                                   unsigned *count);
/* The commit is made. */
void tombstones_add(struct tombstones *t, const struct partition *p);
/* May a partition with this seal id not be restored? */
bool tombstones_forbid(const struct tombstones *t, const uint8_t seal_id[PARTITION_SEAL_ID_LEN]);

#endif
