/* commit.h - one commit as it lies in a bank: sealed and opened, in memory. Inside the flash store only.
 *
 *   boot       8   the counter that this start of the board moved to
 *   sequence   4   of the commit in its bank, from 0; with boot the nonce
 *   length     4   of the sealed changes, a multiple of 16
 *   counter    8   what the monotonic counter is, or is about to be, with this commit
 *   count      4   changes; 0: a start
 *   reserved   4   0
 *   mark      16   HMAC-SHA-256 of the above under the bank's mark key, its first half
 *   changes        AES-256-GCM: kind 2, partition 4, id 8, length 4 (all ones: removed), value; zeros up to `length`
 *   tag       16   GCM's; additional data: all above the changes, then the tag of the commit before (first: the
 *                  header's MAC). Of a start: HMAC-SHA-256 of the same, its first half
 *
 * The mark lets replay tell a torn last commit from damage: a commit is only begun when the one before is durable, so a
 * mark behind a commit that does not open proves that something durable was changed.
 *
 * A nonce is never used twice under one key. A bank's key is its own (a random salt, and its epoch). Within a bank a
 * start takes a boot number by moving the monotonic counter to it, so no other start has it, whatever copy of the flash
 * it began from; and within one start each sequence number is used once: after a failed write nothing more is written.
 * The one commit made before the counter has moved is the start's own. Someone who cuts the power there and exchanges
 * the flash can have it made twice, behind different commits, which under GCM would give away the hash key; so it has
 * no changes to seal, and its tag is an HMAC, which needs no nonce. */
#ifndef STRONGROOM_FLASH_COMMIT_H
#define STRONGROOM_FLASH_COMMIT_H

#include "firmware/flash/flash.h"

#define COMMIT_HEADER_LEN 48
#define COMMIT_TAG_LEN    16
#define COMMIT_ALIGN      16
#define COMMIT_LEN_MIN    (COMMIT_HEADER_LEN + COMMIT_TAG_LEN)
#define CHANGE_HEADER_LEN 18

struct commit {
    uint64_t boot, counter;
    uint32_t sequence, length, count;
};

struct commit_keys {
    uint8_t seal[32], mark[32];
};

/* What a commit of these changes takes in the bank; and one of a single record with a value of `len` bytes. */
size_t commit_len(const struct flash_change *changes, unsigned count);
size_t commit_len_of_record(size_t len);
/* Seal into `out`, which has commit_len() bytes. Sets c->length and c->count; `tag` is the last commit's and becomes
 * this one's. Errors: ST_NO_MEMORY; ST_INTERNAL. */
MUST_CHECK enum status commit_seal(const struct commit_keys *keys, struct commit *c, uint8_t tag[COMMIT_TAG_LEN],
                                   const struct flash_change *changes, uint8_t *out);
/* Is there a commit at `p`, whole within `room` and with a right mark? Says nothing of its changes. */
bool commit_read_header(const struct commit_keys *keys, const uint8_t *p, size_t room, struct commit *c);
/* Open the changes in place. `tag` as for commit_seal(). Errors: ST_CORRUPT; ST_NO_MEMORY; ST_INTERNAL. */
MUST_CHECK enum status commit_open(const struct commit_keys *keys, const struct commit *c, uint8_t tag[COMMIT_TAG_LEN],
                                   uint8_t *p);
/* The change at *at (within the changes that commit_open() opened at `p`), and step over it. Errors: ST_CORRUPT. */
MUST_CHECK enum status commit_next(const struct commit *c, const uint8_t *p, size_t *at, struct flash_change *out);

#endif
