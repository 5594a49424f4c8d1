/* partition_table.h - the partitions of a keystore, by place and number. Under the keystore's lock. */
#ifndef STRONGROOM_PARTITION_TABLE_H
#define STRONGROOM_PARTITION_TABLE_H

#include "firmware/inside.h"

/* The place of the partition of this number; PARTITIONS_MAX: there is none. */
unsigned partition_table_index(const struct keystore *ks, uint64_t id);
/* Where one more partition can be put when `kept` places are for others. PARTITIONS_MAX: nowhere. */
unsigned partition_table_free(const struct keystore *ks, unsigned kept);
/* The partition of this number, made if it is not there yet: the flash's records come in no order. NULL: no place, or
 * no memory. */
struct partition *partition_table_for(struct keystore *ks, uint32_t id);
/* Is it the name of a partition other than `but`, or the key of one of its clients? */
bool partition_table_has_name(const struct keystore *ks, const char *name, const struct partition *but);
bool partition_table_has_client(const struct keystore *ks, const uint8_t fingerprint[LINK_FINGERPRINT_LEN],
                                const struct partition *but);

#endif
