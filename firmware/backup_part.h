/* backup_part.h - one part of a partition's backup, as it leaves the keystore: whoever carries it sees which domain and
 * which backup it belongs to, and nothing of what is in it; only a keystore of the same domain opens it.
 *
 *   magic        8   "srbackup"
 *   version      1   1
 *   last         1   1: the last part
 *   domain id    8
 *   backup id   16   random, of all parts of one backup
 *   index        4   from 0
 *   nonce       12   random
 *   sealed       n   the body under AES-256-GCM
 *   tag         16
 *
 * The key is HMAC-SHA256(domain key, "strongroom backup v1" with its NUL || backup id). Additional data: all that
 * stands before the nonce. So no part can be edited, left out, doubled or exchanged, with others of the same backup or
 * of another one, without its reader noticing. Numbers are big-endian. */
#ifndef STRONGROOM_BACKUP_PART_H
#define STRONGROOM_BACKUP_PART_H

#include "firmware/seal.h"

#define BACKUP_ID_LEN     16
#define BACKUP_HEADER_LEN (8 + 1 + 1 + DOMAIN_ID_LEN + BACKUP_ID_LEN + 4 + 12)
#define BACKUP_TAG_LEN    16
#define BACKUP_BODY_MAX   (BACKUP_PART_MAX - BACKUP_HEADER_LEN - BACKUP_TAG_LEN)

/* The parts of one backup. Holds its key: wipe it. */
struct backup_series {
    uint8_t domain_id[DOMAIN_ID_LEN], id[BACKUP_ID_LEN], key[32];
};

struct backup_header {
    uint8_t domain_id[DOMAIN_ID_LEN], backup_id[BACKUP_ID_LEN];
    uint32_t index;
    bool last;
};

/* Of the backup `id`. Errors: CKR_DEVICE_ERROR. */
MUST_CHECK CK_RV backup_series_of(const uint8_t domain_key[DOMAIN_KEY_LEN], const uint8_t domain_id[DOMAIN_ID_LEN],
                                  const uint8_t id[BACKUP_ID_LEN], struct backup_series *out);
/* False: it is no part of any backup. Nothing of it is authentic yet. */
bool backup_header_read(struct span part, struct backup_header *out);
/* In place: the body lies at part + BACKUP_HEADER_LEN, and there is room for the tag behind it. *part_len is the whole.
 * Errors: CKR_DEVICE_ERROR; CKR_HOST_MEMORY. The body is then wiped. */
MUST_CHECK CK_RV backup_part_seal(const struct backup_series *s, uint32_t index, bool last, uint8_t *part,
                                  size_t body_len, size_t *part_len);
/* The body of the part with this number into `body`, which has room for part.len bytes; the caller wipes it.
 * Errors: CKR_BACKUP_INVALID whatever is wrong; CKR_HOST_MEMORY. */
MUST_CHECK CK_RV backup_part_open(const struct backup_series *s, uint32_t index, struct span part, bool *last,
                                  uint8_t *body, size_t *body_len);

#endif
