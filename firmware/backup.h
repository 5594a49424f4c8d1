/* backup.h - a partition's backup being made: one at a time, by the owner, who carries parts that he cannot read.
 *
 * The body of part 0 is the number of objects (4 bytes) and the partition's record: terms, PINs, seal id, serial,
 * label. Those of the others are the number of objects up to and with the part (4 bytes), then length (4) and packed
 * attributes of one after the other. There is at least one of them, and the last one's number is that of part 0.
 *
 * The token objects are those of the beginning: one that is destroyed meanwhile is in the backup, one that is made
 * meanwhile is not. Each has the attributes of the moment in which its part is made. The partition works on as ever; a
 * deletion ends its backup.
 *
 * A job belongs to the link it was begun on and ends with it, with the last part, with the next begin, or with an
 * error. Guarded by the keystore's lock; takes the partition's. */
#ifndef STRONGROOM_BACKUP_H
#define STRONGROOM_BACKUP_H

#include "firmware/backup_part.h"
#include "firmware/partition.h"

struct backup;

/* Errors: CKR_HOST_MEMORY; CKR_DEVICE_ERROR no random bytes. */
MUST_CHECK CK_RV backup_new(const struct security_domain *d, struct partition *p, uint64_t link, struct backup **out);
void backup_free(struct backup *b); /* wipes; NULL is fine */
uint64_t backup_link(const struct backup *b);
uint32_t backup_partition(const struct backup *b); /* its number */
/* The next part, from the first on, into `part` with room for BACKUP_PART_MAX bytes. Not after the last one.
 * Errors: CKR_TOKEN_NOT_PRESENT the partition was deleted; CKR_HOST_MEMORY; CKR_DEVICE_ERROR. The job is then over. */
MUST_CHECK CK_RV backup_next(struct backup *b, uint8_t *part, size_t *len, bool *last);

#endif
