/* audit.h - the keystore's own record of every key use and every administrative act, chained by SHA-256.
 * A record is written to the audit region before the answer to its request leaves (THREATS.md C15); administrative
 * records and refusals are also synced then, key uses by the next sync, at the latest after AUDIT_SYNC_MS or
 * AUDIT_SYNC_RECORDS. The region is a ring: the oldest records go when it is full, and the chain says so by their
 * numbers. Thread-safe; cheap: one hash of at most two blocks, one copy into the ring's buffer, one write for all
 * records of a pass (audit_flush()).
 *
 *   record (128 bytes, big-endian)
 *     sequence     8
 *     time_ms      8   the keystore's clock: the board's, corrected by audit_set_clock()
 *     kind         2   message_kind, or AUDIT_EVENT_* from 0x100 on
 *     role         1
 *     partition    4
 *     result       4   CK_RV
 *     mechanism    8   0: none
 *     object      16   CKA_UNIQUE_ID of the key, binary; 0: none. Of ROLE_SET, AUDIT_SINK_SET and FIRMWARE_KEY_SET the
 *                      first bytes of whose fingerprint it is about
 *     peer         8   the first bytes of its fingerprint
 *     detail       8   of the kind: operation, user type, count; the first half of a second object's id (what was
 *                      made of the first one, what wrapped it)
 *     reserved    29   0
 *     hash        32   SHA-256 over the hash of the record before (32 bytes; zeros for the first record of a chain)
 *                      and the 67 bytes from sequence to detail as they lie here. The reserved ones are not hashed: a
 *                      reader checks that they are 0. With them the hash would take a third block.
 *
 * To verify records that were read: each one's number is one above the number before; its hash is as above; the last
 * one's number and hash are audit_head()'s. A chain that was found broken goes on as a new one: the numbers skip, and
 * the first record is AUDIT_EVENT_ROLLBACK (detail: the last number that is known of the old chain). What is detected
 * at a start, and what is not, is said in audit_ring.h. */
#ifndef STRONGROOM_AUDIT_H
#define STRONGROOM_AUDIT_H

#include "board/hal.h"

#define AUDIT_RECORD_LEN   128
#define AUDIT_HASH_LEN     32
#define AUDIT_SYNC_MS      1000
#define AUDIT_SYNC_RECORDS 4096

enum audit_event {
    AUDIT_EVENT_START = 0x100,
    AUDIT_EVENT_STATE = 0x101,        /* detail: the new state */
    AUDIT_EVENT_SELF_TEST = 0x102,    /* result: CKR_OK or CKR_DEVICE_ERROR */
    AUDIT_EVENT_REFUSED_PEER = 0x103, /* detail: how many more were refused before, beyond 100 in 10 s */
    AUDIT_EVENT_BROKEN_LINK = 0x104,
    AUDIT_EVENT_ROLLBACK = 0x105,
    AUDIT_EVENT_APPROVAL = 0x106, /* peer: the holder's id; detail: kind of the act (2 bytes), its number (6) */
};

struct audit_entry {
    uint16_t kind;
    uint8_t role;
    uint32_t partition;
    uint32_t result;
    uint64_t mechanism;
    uint8_t object[16];
    uint8_t peer[8];
    uint64_t detail;
};

struct audit;

/* Finds the end of the chain and verifies it from the oldest record on; a torn last write (power cut) is dropped.
 * `mac_key` (derived from the root key) authenticates the head that is written with each sync. Errors: ST_CORRUPT the
 * chain is broken in its middle (a new chain is then begun with an AUDIT_EVENT_ROLLBACK record, and *out is valid);
 * ST_IO; ST_NO_MEMORY. */
MUST_CHECK enum status audit_open(const struct hal *hal, const uint8_t mac_key[32], struct audit **out);
void audit_close(struct audit *a); /* syncs */
/* Chain one record. It reaches the flash with the next audit_flush(). Errors: ST_UNAVAILABLE the flash fails: the
 * request must be refused. */
MUST_CHECK enum status audit_append(struct audit *a, const struct audit_entry *e);
/* Write what was appended; with `sync`, durable when it returns. Before any answer of the records leaves. */
MUST_CHECK enum status audit_flush(struct audit *a, bool sync);
/* Up to `max` records from number `from` on (or from the oldest there is) into `out`. *next is the number to go on
 * with. */
MUST_CHECK enum status audit_read(struct audit *a, uint64_t from, unsigned max, struct bytes *out, uint64_t *next);
/* Records bear the board's time and this much more. */
void audit_set_clock(struct audit *a, int64_t offset_ms);
/* The newest record's number and hash. */
void audit_head(struct audit *a, uint64_t *sequence, uint8_t hash[AUDIT_HASH_LEN]);

#endif
