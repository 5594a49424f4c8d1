/* flash.h - the keystore's own store of records: power-loss safe, encrypted, authenticated, protected from being rolled
 * back.
 *
 * Two banks of the board's flash (HAL_REGION_STORE_A, _B); one is in use. A bank is a header and a log of commits. Each
 * commit is encrypted by AES-256-GCM under the store's key (HKDF of the root key) with a nonce that never repeats, and
 * its additional data holds the tag of the commit before it, so nothing can be cut out, doubled or exchanged. What is
 * current is what replaying the log gives; when a bank is full the live records are written to the other one, which
 * takes over by its header, written last. Every start, and every thing said below to be irrevocable, moves the board's
 * monotonic counter, which the log names: an older copy of the flash is refused. A power cut at any moment, in the
 * middle of any write, leaves the state before the commit or after it. One owner; not thread-safe: the caller locks. */
#ifndef STRONGROOM_FLASH_H
#define STRONGROOM_FLASH_H

#include "board/hal.h"
#include "firmware/base/secret.h"

#define FLASH_VALUE_MAX   (96u * 1024)
#define FLASH_CHANGES_MAX 8

struct flash_key {
    uint16_t kind; /* the caller's: 1 device, 2 partition, 3 token object, ... never renumbered */
    uint32_t partition;
    uint64_t id;
};

static inline bool flash_key_equal(const struct flash_key *a, const struct flash_key *b)
{
    return a->id == b->id && a->partition == b->partition && a->kind == b->kind;
}

struct flash_change {
    struct flash_key key;
    bool remove;
    struct span value; /* borrowed */
};

struct flash;

/* Open what is there, or format an empty flash. `visit` gets every live record, in no particular order, with the value
 * in memory that is wiped afterwards. Errors: ST_CORRUPT a bank does not authenticate, or is older than the counter
 * (*why says which, for the audit and the operator); ST_IO; ST_NO_MEMORY; what `visit` returns. */
typedef enum status flash_visit(void *arg, const struct flash_key *key, struct span value);
MUST_CHECK enum status flash_open(const struct hal *hal, const uint8_t root_key[HAL_ROOT_KEY_LEN], flash_visit *visit,
                                  void *arg, struct flash **out, const char **why);
void flash_close(struct flash *f);
bool flash_was_empty(const struct flash *f); /* nothing was ever committed: flash_open() formatted it, or did before */

/* All changes or none, durable when it returns. `irrevocable` moves the monotonic counter too, so that not even an
 * attacker with a copy of the flash of a second ago can undo it (a failed PIN try, a deletion, a PIN change).
 * Errors: ST_BAD_REQUEST no change, or two of one key; ST_TOO_LARGE beyond the limits or the flash is full even after
 * compaction: nothing changed; ST_IO: unknown until the next start; the caller stops writing; ST_NO_MEMORY. */
MUST_CHECK enum status flash_commit(struct flash *f, const struct flash_change *changes, unsigned count,
                                    bool irrevocable);
/* The same, irrevocable, and what the changes take the place of, or was replaced or removed at any time before, can be
 * read by nobody afterwards, not even with the root key: all that stays is written to the other bank under new keys,
 * and the salt of the old ones goes. `count` may be 0. For what is rare: it writes the whole store. Errors: as above.
 */
MUST_CHECK enum status flash_commit_forgetting(struct flash *f, const struct flash_change *changes, unsigned count);
size_t flash_free_bytes(const struct flash *f); /* after a compaction */
/* Overwrite both banks and wipe their keys. Nothing can be committed afterwards. Errors: ST_IO some of it could not be;
 * ST_NO_MEMORY. */
MUST_CHECK enum status flash_zeroise(struct flash *f);
/* The same for a flash that does not open. */
MUST_CHECK enum status flash_erase(const struct hal *hal);

#endif
