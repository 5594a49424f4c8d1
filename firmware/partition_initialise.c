#include "firmware/crypto/entropy.h"
#include "firmware/tombstones.h"

/* What the last step changes, as it was. */
struct before {
    struct seal *seal;
    struct pin so_pin;
    uint8_t label[LABEL_LEN], seal_id[PARTITION_SEAL_ID_LEN];
    uint64_t generation;
};

static void remember(const struct partition *p, struct before *b)
{
    *b = (struct before){ .seal = p->seal, .so_pin = p->so_pin, .generation = p->generation };
    memcpy(b->label, p->label, sizeof b->label);
    memcpy(b->seal_id, p->seal_id, sizeof b->seal_id);
}

static void put_back(struct partition *p, const struct before *b)
{
    if (p->seal != b->seal)
        seal_free(p->seal);
    p->seal = b->seal;
    p->so_pin = b->so_pin;
    p->generation = b->generation;
    memcpy(p->label, b->label, sizeof p->label);
    memcpy(p->seal_id, b->seal_id, sizeof p->seal_id);
    p->initialised = false;
}

/* Another seal id, and the seal to it. */
static CK_RV draw_seal(struct partition *p, const struct security_domain *d)
{
    struct seal *seal = NULL;

    if (entropy_draw(p->seal_id, sizeof p->seal_id) != ST_OK)
        return CKR_DEVICE_ERROR;
    if (seal_new(d->key, d->id, span_of(p->seal_id, sizeof p->seal_id), &seal) != ST_OK)
        return CKR_HOST_MEMORY;
    p->seal = seal;
    p->generation++;
    return CKR_OK;
}

/* The token of before ends and the new one begins in one commit; then nobody can read any more what was in it. */
static CK_RV begin_anew(struct partition *p, struct storage *s, const struct partition_start *start)
{
    struct tombstone end = tombstone_of(p, p->generation);
    struct flash_change change;
    struct before before;
    unsigned count = 0;
    CK_RV rv = CKR_OK;

    remember(p, &before);
    if (p->so_pin.set && (rv = tombstones_change(start->tombstones, &end, &change, &count)) == CKR_OK)
        rv = draw_seal(p, start->domain);
    memcpy(p->label, start->label, LABEL_LEN);
    p->so_pin = *start->so_pin;
    p->initialised = true;
    if (rv != CKR_OK || (rv = partition_store_with(p, s, &change, count)) != CKR_OK) {
        put_back(p, &before);
    } else if (before.so_pin.set) {
        tombstones_add(start->tombstones, &end);
        seal_free(before.seal);
        rv = storage_forget(s);
    }
    secret_wipe(&before, sizeof before);
    return rv;
}

CK_RV partition_initialise(struct partition *p, struct storage *s, const struct partition_start *start)
{
    struct pin user_before = p->user_pin;
    bool before = p->initialised;
    CK_RV rv;

    p->user_pin = (struct pin){ 0 };
    p->initialised = false;
    if ((rv = partition_store(p, s, true)) != CKR_OK) {
        p->user_pin = user_before;
        p->initialised = before;
    } else if ((rv = partition_drop_objects(p, s)) == CKR_OK) {
        rv = begin_anew(p, s, start);
    }
    secret_wipe(&user_before, sizeof user_before);
    return rv;
}
