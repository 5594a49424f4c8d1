/* seal.h - CKM_STRONGROOM_SEAL: a key with all its attributes as one blob that only this partition of this security
 * domain opens.
 *
 *   version      1 byte, 1
 *   domain id    8 bytes
 *   nonce       12 bytes, random
 *   sealed       n bytes: the packed attributes under AES-256-GCM
 *   tag         16 bytes
 *
 * The key is HMAC-SHA256(domain key, label || the partition's seal id). Additional data: version, domain id, then the
 * caller's context. So every attribute is authenticated, all rights come back from the blob and never from a template,
 * and nothing the store holds can be edited, exchanged or used elsewhere. That an older blob is put back with its older
 * context is for the store's versions to prevent.
 * Random nonces: SP 800-38D, 8.3 allows 2^32 for one key; a partition would seal 1,000 keys a second for fifty days.
 * Token objects lie in the flash sealed like this, too (partition.h).
 * Guarded by the partition's lock. */
#ifndef STRONGROOM_SEAL_H
#define STRONGROOM_SEAL_H

#include "firmware/crypto/attributes.h"
#include "firmware/crypto/operation.h"
#include "firmware/wire/limits.h"

#define SEAL_OVERHEAD (1 + DOMAIN_ID_LEN + 12 + 16)
#define SEAL_BLOB_MAX (96u * 1024) /* the largest record of the flash */

struct seal;

/* Errors: ST_NO_MEMORY. */
MUST_CHECK enum status seal_new(const uint8_t domain_key[DOMAIN_KEY_LEN], const uint8_t domain_id[DOMAIN_ID_LEN],
                                struct span seal_id, struct seal **out);
void seal_free(struct seal *s); /* wipes; NULL is fine */
/* `out` has room for attributes_packed_len() + SEAL_OVERHEAD. Errors: CKR_DEVICE_ERROR; CKR_HOST_MEMORY. */
MUST_CHECK CK_RV seal_close(struct seal *s, const struct attributes *a, struct span context, struct output *out);
/* Errors: CKR_WRAPPED_KEY_INVALID whatever is wrong. */
MUST_CHECK CK_RV seal_open(struct seal *s, struct span blob, struct span context, struct attributes *out);

#endif
