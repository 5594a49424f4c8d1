/* security_domain.h - the security domain of this keystore: the domain key from which the keys of all partitions
 * follow, and the people who hold it. One record. Boxes that were restored from one domain file have the same domain,
 * and open each other's sealed keys and backups. Guarded by the keystore's lock.
 *
 *   pending    holders that were named and whose file is not confirmed yet: their approval counts for nothing
 *   current    holders in force. None before the first confirmation: then the keystore is not operational
 *   locked     the start is attended: the key in the record is under the operators' secret (start_mode.h), and not here
 *              in memory before enough of them have come */
#ifndef STRONGROOM_SECURITY_DOMAIN_H
#define STRONGROOM_SECURITY_DOMAIN_H

#include "firmware/holders.h"
#include "firmware/seal.h"
#include "firmware/start_mode.h"
#include "firmware/storage.h"

#define DOMAIN_DIGEST_LEN 32
#define DOMAIN_CHECK_LEN  32

struct security_domain {
    bool exists;
    bool open; /* `key` is there */
    char name[PARTITION_NAME_MAX + 1];
    uint8_t id[DOMAIN_ID_LEN];
    uint8_t key[DOMAIN_KEY_LEN];
    uint8_t check[DOMAIN_CHECK_LEN]; /* follows from the key, one way: is a key that comes this domain's? */
    struct holder_set current, pending;
    bool exported; /* the pending holders' file has been given out; its digest is */
    uint8_t digest[DOMAIN_DIGEST_LEN];
    struct start_mode start;
};

/* A new key and id, no holders. Errors: CKR_DEVICE_ERROR no random bytes. */
MUST_CHECK CK_RV security_domain_make(struct security_domain *d, const char *name);
/* The domain is open, with this key. Errors: CKR_HOST_MEMORY. */
MUST_CHECK CK_RV security_domain_set_key(struct security_domain *d, const uint8_t key[DOMAIN_KEY_LEN]);
/* The same domain with the same holders in force, of the same generation? `b` is open. An id says nothing by itself:
 * whoever makes a file chooses it. */
bool security_domain_same(const struct security_domain *a, const struct security_domain *b);
/* Errors: ST_CORRUPT; ST_NO_MEMORY. */
MUST_CHECK enum status security_domain_unpack(struct security_domain *d, struct span record);
/* The record, as a change to be committed; *buffer is for storage_release() afterwards. Errors: CKR_HOST_MEMORY. */
MUST_CHECK CK_RV security_domain_change(const struct security_domain *d, struct flash_change *change,
                                        struct bytes *buffer);
/* Is it in force: are there holders whose file is confirmed? */
static inline bool security_domain_in_force(const struct security_domain *d)
{
    return d->exists && d->current.count > 0;
}
void security_domain_clear(struct security_domain *d); /* wipes; then there is none */

#endif
