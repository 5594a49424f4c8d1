/* storage.h - the flash with its lock, and the kinds of records in it. One lock for all partitions: commits are rare.
 */
#ifndef STRONGROOM_STORAGE_H
#define STRONGROOM_STORAGE_H

#include <pthread.h>

#include "firmware/crypto/attributes.h"
#include "firmware/flash/flash.h"
#include "firmware/wire/pkcs11.h"

enum record_kind {
    RECORD_DEVICE = 1,
    RECORD_PARTITION = 2,
    RECORD_OBJECT = 3,
    RECORD_DOMAIN = 4,
    RECORD_TRANSFER = 5,  /* the key under which shares come for a restore */
    RECORD_TOMBSTONE = 6, /* of a partition that was deleted */
    RECORD_ACTS = 7,      /* the number of the next dangerous act */
};

struct storage {
    pthread_mutex_t lock;
    struct flash *flash;
    uint64_t next_object; /* number of the next token object's record */
    bool forget_due;      /* storage_forget() had no memory */
};

/* All changes or none. Errors: CKR_DEVICE_MEMORY full; CKR_DEVICE_ERROR; CKR_HOST_MEMORY. */
MUST_CHECK CK_RV storage_commit(struct storage *s, const struct flash_change *changes, unsigned count,
                                bool irrevocable);
/* The same, irrevocable, and what was in the flash before and is not any more can be read by nobody, not even with the
 * root key (flash.h). Writes the whole store: for what is rare. */
MUST_CHECK CK_RV storage_commit_forgetting(struct storage *s, const struct flash_change *changes, unsigned count);
/* What was replaced or removed until now is forgotten: at once, or, where there is no memory for it, with the next
 * storage_forget_if_due(). Errors: CKR_DEVICE_ERROR. */
MUST_CHECK CK_RV storage_forget(struct storage *s);
MUST_CHECK CK_RV storage_forget_if_due(struct storage *s);
/* A record of packed attributes, as a change to be committed: every record but objects is one. *buffer, empty before,
 * holds the value and is for storage_release() after the commit, in any case. Errors: CKR_HOST_MEMORY. */
MUST_CHECK CK_RV storage_pack(const struct attributes *a, const struct flash_key *key, struct flash_change *change,
                              struct bytes *buffer);
void storage_release(struct bytes *buffer); /* wipes */

#endif
