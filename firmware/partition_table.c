#include "firmware/partition_table.h"

unsigned partition_table_index(const struct keystore *ks, uint64_t id)
{
    unsigned i = 0;

    while (i < PARTITIONS_MAX && (ks->partitions[i] == NULL || ks->partitions[i]->id != id))
        i++;
    return i;
}

unsigned partition_table_free(const struct keystore *ks, unsigned kept)
{
    unsigned slot = PARTITIONS_MAX, count = 0;

    for (unsigned i = PARTITIONS_MAX; i-- > 0;)
        if (ks->partitions[i] == NULL) {
            slot = i;
            count++;
        }
    return count > kept ? slot : PARTITIONS_MAX;
}

bool partition_table_has_name(const struct keystore *ks, const char *name, const struct partition *but)
{
    for (unsigned i = 0; i < PARTITIONS_MAX; i++)
        if (ks->partitions[i] != NULL && ks->partitions[i] != but && strcmp(ks->partitions[i]->terms.name, name) == 0)
            return true;
    return false;
}

bool partition_table_has_client(const struct keystore *ks, const uint8_t fingerprint[LINK_FINGERPRINT_LEN],
                                const struct partition *but)
{
    for (unsigned i = 0; i < PARTITIONS_MAX; i++)
        if (ks->partitions[i] != NULL && ks->partitions[i] != but &&
            partition_identity(&ks->partitions[i]->terms, fingerprint) != NULL)
            return true;
    return false;
}

struct partition *partition_table_for(struct keystore *ks, uint32_t id)
{
    unsigned i, free_slot = PARTITIONS_MAX;

    for (i = 0; i < PARTITIONS_MAX; i++) {
        if (ks->partitions[i] != NULL && ks->partitions[i]->id == id)
            return ks->partitions[i];
        if (ks->partitions[i] == NULL && free_slot == PARTITIONS_MAX)
            free_slot = i;
    }
    return free_slot < PARTITIONS_MAX ? ks->partitions[free_slot] = partition_new(id) : NULL;
}
