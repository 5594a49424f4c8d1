#include "firmware/changes.h"

static struct flash_change *next(struct changes *c)
{
    INVARIANT(c->count < FLASH_CHANGES_MAX);
    return &c->list[c->count];
}

static void added(struct changes *c, CK_RV rv)
{
    c->count++;
    if (c->rv == CKR_OK)
        c->rv = rv;
}

void changes_device(struct changes *c, const struct device *d)
{
    added(c, device_change(d, next(c), &c->buffers[c->count]));
}

void changes_domain(struct changes *c, const struct security_domain *d)
{
    added(c, security_domain_change(d, next(c), &c->buffers[c->count]));
}

void changes_transfer(struct changes *c, const struct transfer_key *t)
{
    added(c, transfer_key_change(t, next(c), &c->buffers[c->count]));
}

void changes_remove(struct changes *c, uint16_t kind)
{
    *next(c) = (struct flash_change){ .key = { .kind = kind }, .remove = true };
    added(c, CKR_OK);
}

CK_RV changes_commit(struct changes *c, struct keystore *ks, const struct quorum_use *use)
{
    CK_RV rv = c->rv;

    if (use != NULL)
        c->count += quorum_change(use, next(c));
    if (rv == CKR_OK)
        rv = c->forget ? storage_commit_forgetting(&ks->storage, c->list, c->count)
                       : storage_commit(&ks->storage, c->list, c->count, true);
    if (rv == CKR_OK && use != NULL)
        quorum_spent(ks, use);
    for (unsigned i = 0; i < FLASH_CHANGES_MAX; i++)
        storage_release(&c->buffers[i]);
    *c = (struct changes){ 0 };
    return rv;
}
