/* changes.h - what one act changes in the flash: several records, in one irrevocable commit. The first failure stays,
 * so callers add what there is and look once. Under the keystore's lock. */
#ifndef STRONGROOM_CHANGES_H
#define STRONGROOM_CHANGES_H

#include "firmware/inside.h"
#include "firmware/quorum.h"

struct changes {
    struct flash_change list[FLASH_CHANGES_MAX];
    struct bytes buffers[FLASH_CHANGES_MAX]; /* what the list borrows from, number by number */
    unsigned count;
    bool forget; /* what they take the place of is gone for good, and whatever else was in the flash once */
    CK_RV rv;
};

/* A zeroed struct is empty. */
void changes_device(struct changes *c, const struct device *d);
void changes_domain(struct changes *c, const struct security_domain *d);
void changes_transfer(struct changes *c, const struct transfer_key *t);
void changes_remove(struct changes *c, uint16_t kind); /* of which there is one record, or none */
/* Durable when it returns, all or none; `c` is empty again, wiped. Errors: CKR_HOST_MEMORY; those of
 * storage_commit(). */
MUST_CHECK CK_RV changes_commit(struct changes *c, struct keystore *ks, const struct quorum_use *use);

#endif
