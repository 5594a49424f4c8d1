/* audit_ring.h - where the audit's records and heads lie in their region, and how the chain is verified. Inside the
 * audit only; not thread-safe.
 *
 *   0, 512   two head slots, written in turn; of those that verify the one with the higher sequence counts
 *   1024     records; number n lies at place n modulo their count
 *
 *   head:  magic 8 "SRAUDIT1", first 8 (number of the chain's first record), sequence 8 and hash 32 (of the newest
 *          record that was durable when the head was written; hash 0 while there is none), places 8 (of the ring),
 *          mac 32 (HMAC-SHA-256 of the above)
 *
 * What is detected at the next start: any change of a record up to the head's, and such records cut off or exchanged.
 * What is not:
 *   - Records behind the head. A head is written after the sync of the records it names, and is itself durable with the
 *     sync after that (or a clean end), so a power cut can leave one sync's records unprotected. They are linked by
 *     hash alone: someone who writes the flash can cut them off or put others in their place.
 *   - The whole region put back as it once was, records and heads. Only who has kept a newer head (audit_head(), read
 *     through the link) sees that. The flash store's counter does not cover the audit.
 *   - Of a ring that has come round, the oldest records: a power cut in the middle of overwriting them looks the same
 *     as damage. At most `slack` records can be lost this way, and they were the next to go. */
#ifndef STRONGROOM_FLASH_AUDIT_RING_H
#define STRONGROOM_FLASH_AUDIT_RING_H

#include <openssl/evp.h>

#include "firmware/flash/audit.h"

#define AUDIT_HASHED_LEN 67 /* fields of a record that are hashed; the reserved ones are zero instead */
#define AUDIT_HASH_AT    (AUDIT_RECORD_LEN - AUDIT_HASH_LEN)

struct audit_ring {
    const struct hal *hal;
    uint8_t mac_key[32];
    EVP_MD *md;
    EVP_MD_CTX *ctx;
    uint64_t places;
    uint64_t slack;  /* never more records than this are written and not durable; at most half the ring */
    uint64_t first;  /* number of the chain's first record */
    uint64_t oldest; /* of those that are there and verified */
    uint64_t newest; /* first - 1: none yet */
    uint8_t hash[AUDIT_HASH_LEN];
    unsigned slot; /* where the next head goes */
};

/* Find and verify what is there; an empty region begins a chain. Errors: ST_CORRUPT the chain is broken, see
 * audit_ring_restart(); ST_IO; ST_NO_MEMORY. After an error only audit_ring_clear(). */
MUST_CHECK enum status audit_ring_open(struct audit_ring *r, const struct hal *hal, const uint8_t mac_key[32]);
/* After ST_CORRUPT: a new chain, whose numbers lie behind all that was known of the old one. Errors: ST_IO. */
MUST_CHECK enum status audit_ring_restart(struct audit_ring *r);
void audit_ring_clear(struct audit_ring *r);
/* SHA-256 over the hash of the record before and the record's first AUDIT_HASHED_LEN bytes. Errors: ST_INTERNAL. */
MUST_CHECK enum status audit_ring_hash(const struct audit_ring *r, const uint8_t before[AUDIT_HASH_LEN],
                                       const uint8_t *record, uint8_t out[AUDIT_HASH_LEN]);
/* `count` records, the first of number `from`; not synced. At the ring's end in two pieces. Errors: ST_IO. */
MUST_CHECK enum status audit_ring_write(struct audit_ring *r, uint64_t from, const uint8_t *records, size_t count);
MUST_CHECK enum status audit_ring_read(const struct audit_ring *r, uint64_t from, uint8_t *records, size_t count);
/* Not synced. Errors: ST_IO; ST_INTERNAL. */
MUST_CHECK enum status audit_ring_write_head(struct audit_ring *r, uint64_t sequence,
                                             const uint8_t hash[AUDIT_HASH_LEN]);

#endif
