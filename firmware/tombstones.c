#include "firmware/tombstones.h"

#include <stdlib.h>

#include "firmware/base/big_endian.h"

struct tombstone tombstone_of(const struct partition *p, uint64_t generation)
{
    struct tombstone end = { .partition = p->id };

    memcpy(end.packed, p->family, sizeof p->family);
    be_put(end.packed + sizeof p->family, generation, 8);
    return end;
}

void tombstones_clear(struct tombstones *t)
{
    free(t->packed);
    *t = (struct tombstones){ 0 };
}

/* Room for one more. */
static bool make_room(struct tombstones *t)
{
    unsigned cap = t->cap == 0 ? 16 : 2 * t->cap;
    void *grown;

    if (t->count < t->cap)
        return true;
    if ((grown = realloc(t->packed, cap * sizeof t->packed[0])) == NULL)
        return false;
    t->packed = grown;
    t->cap = cap;
    return true;
}

/* Records of before have a seal id alone, of a partition that was deleted. */
enum status tombstones_load(struct tombstones *t, struct span record)
{
    uint8_t *to;

    if ((record.len != TOMBSTONE_LEN && record.len != PARTITION_SEAL_ID_LEN) || t->count >= TOMBSTONES_MAX)
        return ST_CORRUPT;
    if (!make_room(t))
        return ST_NO_MEMORY;
    to = t->packed[t->count++];
    be_put(to + PARTITION_SEAL_ID_LEN, TOMBSTONE_WHOLE, 8);
    memcpy(to, record.p, record.len);
    return ST_OK;
}

/* That of a family. NULL: it has none. */
static uint8_t *find(const struct tombstones *t, const uint8_t family[PARTITION_SEAL_ID_LEN])
{
    for (unsigned i = 0; i < t->count; i++)
        if (memcmp(t->packed[i], family, PARTITION_SEAL_ID_LEN) == 0)
            return t->packed[i];
    return NULL;
}

CK_RV tombstones_change(struct tombstones *t, const struct tombstone *end, struct flash_change *change, unsigned *count)
{
    *count = 0;
    if (find(t, end->packed) == NULL) {
        if (t->count >= TOMBSTONES_MAX)
            return CKR_OK;
        if (!make_room(t))
            return CKR_HOST_MEMORY;
    }
    *change = (struct flash_change){ .key = { .kind = RECORD_TOMBSTONE, .partition = end->partition },
                                     .value = span_of(end->packed, sizeof end->packed) };
    *count = 1;
    return CKR_OK;
}

void tombstones_add(struct tombstones *t, const struct tombstone *end)
{
    uint8_t *to = find(t, end->packed);

    if (to == NULL && t->count < t->cap && t->count < TOMBSTONES_MAX)
        to = t->packed[t->count++];
    if (to != NULL)
        memcpy(to, end->packed, TOMBSTONE_LEN);
}

CK_RV tombstones_bury(struct tombstones *t, const struct partition *p, struct storage *s, bool irrevocable)
{
    struct flash_change changes[] = { { .key = { .kind = RECORD_PARTITION, .partition = p->id }, .remove = true },
                                      { .key = { 0 } } };
    struct tombstone end = tombstone_of(p, TOMBSTONE_WHOLE);
    unsigned count;
    CK_RV rv;

    if ((rv = tombstones_change(t, &end, &changes[1], &count)) == CKR_OK &&
        (rv = storage_commit(s, changes, 1 + count, irrevocable)) == CKR_OK)
        tombstones_add(t, &end);
    return rv;
}

bool tombstones_forbid(const struct tombstones *t, const struct partition *p)
{
    const uint8_t *found = find(t, p->family);

    return t->count >= TOMBSTONES_MAX || (found != NULL && p->generation <= be_get(found + PARTITION_SEAL_ID_LEN, 8));
}
