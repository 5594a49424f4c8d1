#include "tests/unit/firmware/quorum_double.h"

#include "firmware/base/big_endian.h"

struct quorum_double quorum_double;
static uint8_t stored[PARTITION_SEAL_ID_LEN];

CK_RV quorum_check(struct call *c, uint16_t kind, const ProtobufCMessage *request, struct quorum_use *use)
{
    (void)c;
    INVARIANT(act_authorisation(kind, request) != NULL || quorum_double.verdict != CKR_OK || !quorum_double.needed);
    *use = (struct quorum_use){ .needed = quorum_double.needed, .count = 1 };
    be_put(use->record, quorum_double.act + 1, sizeof use->record);
    quorum_double.asked++;
    quorum_double.kind = kind;
    return quorum_double.needed ? quorum_double.verdict : CKR_OK;
}

unsigned quorum_change(const struct quorum_use *use, struct flash_change *change)
{
    if (!use->needed)
        return 0;
    memset(stored, 0, sizeof stored);
    memcpy(stored + sizeof stored - sizeof use->record, use->record, sizeof use->record);
    *change = (struct flash_change){ .key = { .kind = RECORD_TOMBSTONE }, .value = span_of(stored, sizeof stored) };
    return 1;
}

void quorum_spent(struct keystore *ks, const struct quorum_use *use)
{
    (void)ks;
    if (!use->needed)
        return;
    quorum_double.act = be_get(use->record, sizeof use->record);
    quorum_double.spent++;
}

uint64_t quorum_double_stored(const struct keystore *ks)
{
    static const uint8_t zeros[PARTITION_SEAL_ID_LEN - 8];
    const struct tombstones *t = &ks->tombstones;

    for (unsigned i = 0; i < t->count; i++)
        if (memcmp(t->seal_ids[i], zeros, sizeof zeros) == 0)
            return be_get(t->seal_ids[i] + sizeof zeros, 8);
    return 0;
}
