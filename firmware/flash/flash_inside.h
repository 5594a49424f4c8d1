/* flash_inside.h - the flash store as its own files see it. */
#ifndef STRONGROOM_FLASH_INSIDE_H
#define STRONGROOM_FLASH_INSIDE_H

#include "firmware/flash/bank.h"

struct flash {
    const struct hal *hal;
    uint8_t store_key[BANK_KEY_LEN];
    struct bank bank; /* the one in use */
    struct record_index index;
    uint64_t epoch; /* the highest one used or tried */
    bool was_empty;
    bool failed; /* what is durable is not known any more: nothing is written until the next start */
};

/* Move the counter to what the log has named already. Errors: ST_IO. */
MUST_CHECK enum status flash_move_counter(struct flash *f, uint64_t named);
/* compaction.c: write the live records, as they are after the changes, to the other bank and let it take over. Moves
 * the counter. The changes were checked, and fit. Errors: ST_NO_MEMORY, ST_CORRUPT no random bytes, or a record does
 * not authenticate: nothing has changed; ST_IO: f->failed is set. */
MUST_CHECK enum status flash_rewrite(struct flash *f, const struct flash_change *changes, unsigned count);

#endif
