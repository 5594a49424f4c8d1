/* bank.h - one of the two banks: its header, its keys, and the log behind it. Inside the flash store only.
 *
 *   magic     8   "SRFLASH1"
 *   epoch     8   rises by one or more with each compaction; of two banks that verify the higher one is in use
 *   counter   8   the monotonic counter that the header names
 *   base      4   commits written before the header: none of them can be torn
 *   region    4
 *   salt     32   of the keys
 *   mac      32   HMAC-SHA-256 of the above
 *   ...           0xff, up to BANK_LOG_AT: the log begins on a sector of its own
 *
 * Keys: HKDF-SHA-256 of the root key gives the store's key; that with the header's salt and epoch the bank's. Wiping a
 * header therefore takes the bank's log with it, for whoever does not have a copy of the salt. */
#ifndef STRONGROOM_FLASH_BANK_H
#define STRONGROOM_FLASH_BANK_H

#include "firmware/flash/commit.h"
#include "firmware/flash/record_index.h"

#define BANK_LOG_AT   512
#define BANK_KEY_LEN  32
#define BANK_SIZE_MIN 8192
#define BANK_SIZE_MAX (1u << 30) /* places and sequence numbers are of 32 bits */
#define BANK_BLANK    0xff
#define BANK_STEP     (64u * 1024) /* how much is read or wiped at once */

struct bank {
    const struct hal *hal;
    enum hal_region region;
    size_t size;
    uint64_t epoch;
    uint32_t base;
    uint8_t header[BANK_LOG_AT];
    struct commit_keys keys;
    /* the end of the log */
    size_t end;
    uint32_t sequence; /* of the next commit */
    uint64_t counter;  /* the last one named */
    uint64_t boot;     /* of the last commit */
    uint8_t tag[COMMIT_TAG_LEN];
};

/* The store's key. Errors: ST_INTERNAL. */
MUST_CHECK enum status bank_store_key(const uint8_t root_key[HAL_ROOT_KEY_LEN], uint8_t out[BANK_KEY_LEN]);
/* A new bank in memory, with keys of its own; nothing is written. Errors: ST_CORRUPT no random bytes; ST_INTERNAL. */
MUST_CHECK enum status bank_init(struct bank *b, const struct hal *hal, enum hal_region region,
                                 const uint8_t store_key[BANK_KEY_LEN], uint64_t epoch, uint64_t counter,
                                 uint32_t base);
/* Read the header of a region. Errors: ST_NOT_FOUND it does not verify; ST_IO; ST_INTERNAL. */
MUST_CHECK enum status bank_load(struct bank *b, const struct hal *hal, enum hal_region region,
                                 const uint8_t store_key[BANK_KEY_LEN]);
/* Durable when they return. Errors: ST_IO. */
MUST_CHECK enum status bank_write_header(const struct bank *b);
MUST_CHECK enum status bank_wipe_header(const struct hal *hal, enum hal_region region);
/* Is all of it, but for the header, as a new flash is? Errors: ST_IO; ST_NO_MEMORY. */
MUST_CHECK enum status bank_is_blank(const struct hal *hal, enum hal_region region, bool *blank);
/* Seal one commit and write it at the end of the log; not synced. *place: where it went. Errors: ST_NO_MEMORY,
 * ST_INTERNAL: nothing was written; ST_IO. */
MUST_CHECK enum status bank_append(struct bank *b, const struct flash_change *changes, unsigned count, uint32_t *place);
/* Read a record again. *value lies in *memory, for OPENSSL_clear_free(*memory, *len). Errors: ST_CORRUPT; ST_IO;
 * ST_NO_MEMORY. */
MUST_CHECK enum status bank_read_record(const struct bank *b, const struct record *r, uint8_t **memory, size_t *len,
                                        struct span *value);
static inline size_t bank_room(const struct bank *b)
{
    return b->size - b->end;
}

#endif
