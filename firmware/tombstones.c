#include "firmware/tombstones.h"

#include <stdlib.h>

void tombstones_clear(struct tombstones *t)
{
    free(t->seal_ids);
    *t = (struct tombstones){ 0 };
}

/* Room for one more. */
static bool make_room(struct tombstones *t)
{
    unsigned cap = t->cap == 0 ? 16 : 2 * t->cap;
    void *grown;

    if (t->count < t->cap)
        return true;
    if ((grown = realloc(t->seal_ids, cap * sizeof t->seal_ids[0])) == NULL)
        return false;
    t->seal_ids = grown;
    t->cap = cap;
    return true;
}

enum status tombstones_load(struct tombstones *t, struct span record)
{
    if (record.len != PARTITION_SEAL_ID_LEN || t->count >= TOMBSTONES_MAX)
        return ST_CORRUPT;
    if (!make_room(t))
        return ST_NO_MEMORY;
    memcpy(t->seal_ids[t->count++], record.p, record.len);
    return ST_OK;
}

CK_RV tombstones_change(struct tombstones *t, const struct partition *p, struct flash_change *change, unsigned *count)
{
    *count = 0;
    if (t->count >= TOMBSTONES_MAX)
        return CKR_OK;
    if (!make_room(t))
        return CKR_HOST_MEMORY;
    /* the number of a partition is never used twice, so neither is this key */
    *change = (struct flash_change){ .key = { .kind = RECORD_TOMBSTONE, .partition = p->id },
                                     .value = span_of(p->seal_id, sizeof p->seal_id) };
    *count = 1;
    return CKR_OK;
}

void tombstones_add(struct tombstones *t, const struct partition *p)
{
    if (t->count < t->cap && t->count < TOMBSTONES_MAX)
        memcpy(t->seal_ids[t->count++], p->seal_id, sizeof p->seal_id);
}

bool tombstones_forbid(const struct tombstones *t, const uint8_t seal_id[PARTITION_SEAL_ID_LEN])
{
    for (unsigned i = 0; i < t->count; i++)
        if (memcmp(t->seal_ids[i], seal_id, PARTITION_SEAL_ID_LEN) == 0)
            return true;
    return t->count >= TOMBSTONES_MAX;
}
