/* inside.h - the inside of struct keystore, for the files of this folder alone.
 * Lock order: keystore, partition, storage. */
#ifndef STRONGROOM_INSIDE_H
#define STRONGROOM_INSIDE_H

#include "firmware/application.h"
#include "firmware/device.h"
#include "firmware/flash/audit.h"
#include "firmware/keystore.h"
#include "firmware/security_domain.h"
#include "firmware/slow.h"
#include "firmware/tombstones.h"
#include "firmware/transfer_key.h"

struct backup;
struct restore;

struct keystore {
    const struct hal *hal;
    const char *version;
    _Atomic(const char *) fault; /* state error: what failed */
    atomic_uint state;           /* enum keystore_state */
    uint8_t boot_id[LINK_BOOT_ID_LEN];
    struct link_identity *identity;
    struct audit *audit;
    struct storage storage;
    struct slow slow_keys, slow_pins;
    atomic_uint peers;
    atomic_uint_least64_t links; /* that there have ever been */
    atomic_llong clock_ms;       /* device.clock_ms, for those without the lock */
    bool has_factory;            /* never changes, nor do these: */
    uint8_t factory[LINK_FINGERPRINT_LEN];
    uint8_t origin[LINK_FINGERPRINT_LEN]; /* device.fingerprint, for those without the lock */

    pthread_mutex_t lock; /* for the rest */
    struct device device;
    struct security_domain domain;
    struct transfer_key transfer;
    struct unlocking unlocking;
    uint8_t pepper[32];    /* of PINs; follows from the domain key, so that PINs are the same on each box of a domain */
    uint64_t act_sequence; /* the number that the next dangerous act must have */
    uint8_t operator_pepper[START_PEPPER_LEN]; /* follows from the root key */
    struct partition *partitions[PARTITIONS_MAX];
    struct tombstones tombstones;
    struct backup *backup;                  /* under way; NULL: none */
    struct restore *restore;                /* likewise */
    uint64_t strangers_since_ms, strangers; /* refused within LINK_FAULTS_WINDOW_MS */
};

/* The state, and its audit record. A move that the table in keystore.c does not have is not made: a fault or a
 * zeroisation on another thread came first. */
void keystore_enter(struct keystore *ks, enum keystore_state next);
/* The board's time, as the owner corrected it; milliseconds since 1970. The keystore's lock is not needed. */
uint64_t keystore_time_ms(const struct keystore *ks);
void keystore_set_clock(struct keystore *ks, int64_t offset_ms);
/* The domain key is here: everything that waited for it opens. Under the keystore's lock. Errors: ST_CORRUPT what is in
 * the flash is not of this domain; ST_NO_MEMORY; ST_INTERNAL the domain is locked. */
MUST_CHECK enum status keystore_open_domain(struct keystore *ks);
/* Operators whose time is over: what they gave is wiped. Under the keystore's lock. */
void keystore_end_unlocking(struct keystore *ks);
/* Is this peer still what it was when its link was opened? */
bool keystore_knows(struct keystore *ks, enum peer_role role, const uint8_t fingerprint[LINK_FINGERPRINT_LEN]);
/* A mechanism failed its pairwise test or the generator is down: state error. */
void keystore_fail(struct keystore *ks, const char *what);
/* Who is this? Takes the keystore's lock. The partition gets a link and a reference. A stranger, too, is who has no
 * place any more: LINKS_PER_PARTITION_MAX. */
enum peer_role keystore_role_of(struct keystore *ks, const uint8_t fingerprint[LINK_FINGERPRINT_LEN],
                                struct partition **partition);
/* Is this key the owner's, an auditor's, or a client's of a partition other than `but`? A key is one role in one place.
 * Under the keystore's lock. */
bool keystore_identity_is_taken(const struct keystore *ks, const uint8_t fingerprint[LINK_FINGERPRINT_LEN],
                                const struct partition *but);
/* What is under way on this link ends: a backup, a restore. Takes the keystore's lock. */
void backup_link_gone(struct keystore *ks, uint64_t link);
/* The partition is deleted: so is what its backup holds of it. Under the keystore's lock, without the partition's. */
void backup_end_of(struct keystore *ks, uint32_t partition);
/* Whatever is under way ends, in memory alone. Under the keystore's lock. */
void backup_forget_all(struct keystore *ks);

#endif
