/* restore.h - a partition being restored from its backup (backup.h): one at a time, by the owner, with the approval of
 * a quorum of the domain's holders.
 *
 * It gets a number that is used up first. Its objects are written under that number, some in a commit; its record comes
 * last, in one irrevocable commit with the use of the act number. So until then a restore that is given up, by a
 * restart or a power cut too, leaves objects without a partition, which the next start removes; and afterwards all of
 * it is there. The approvals are checked twice, at the beginning and with that commit: an act that was done between
 * them, or holders that are no longer in force, or the end of the approvals' time, refuse the restore as a whole.
 * Terms, PINs with their tries, serial, label and seal id are those of the backup, so sealed keys open again; objects
 * that are more than the quota (it can have been set lower) come back all the same.
 *
 * A job belongs to the link it was begun on and ends with it, with the last part, with the next begin, or with a part
 * that does not fit: then what was written is removed. Guarded by the keystore's lock. */
#ifndef STRONGROOM_RESTORE_H
#define STRONGROOM_RESTORE_H

#include "firmware/backup_part.h"
#include "firmware/call.h"

struct restore;

/* Takes the place of the restore under way, if there is one; refused, it leaves it alone. *partition is the number.
 * Errors: CKR_BACKUP_INVALID; CKR_PARTITION_EXISTS its name or seal id is there; CKR_BACKUP_PURGED;
 * CKR_ACTION_PROHIBITED one of its identities is used otherwise; CKR_DEVICE_MEMORY no place for a partition; those of
 * quorum_check(); CKR_DEVICE_ERROR; CKR_HOST_MEMORY. */
MUST_CHECK CK_RV restore_begin(struct call *c, const Ks__RestoreBegin *m, uint32_t *partition);
/* The next part; after the last one the partition is there. Errors: as above, CKR_DEVICE_MEMORY also for a full flash;
 * CKR_OPERATION_NOT_INITIALIZED none of this link is under way. After all others it is over. */
MUST_CHECK CK_RV restore_next(struct call *c, struct span part, uint32_t *partition);
uint64_t restore_link(const struct restore *r);
/* Give up the one under way, if there is one, and remove what was written. Errors: those of storage_commit(): the rest
 * is for the next start. */
MUST_CHECK CK_RV restore_drop(struct keystore *ks);
/* The same in memory alone. */
void restore_forget(struct keystore *ks);

#endif
