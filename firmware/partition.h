/* partition.h - one PKCS#11 token inside the keystore: its label, PINs, quotas, identities, token objects, and the
 * applications that are attached to it at the moment.
 * Guarded by `lock`, which is held while its record or an object is written to the flash: acknowledged is durable.
 * Lock order: partition, then flash. `terms` change under the keystore's lock, too, so either is enough to read them.
 */
#ifndef STRONGROOM_PARTITION_H
#define STRONGROOM_PARTITION_H

#include <pthread.h>

#include "firmware/crypto/pin.h"
#include "firmware/security_domain.h"
#include "firmware/handle_table.h"
#include "firmware/object.h"
#include "firmware/template.h"

#define PARTITION_SEAL_ID_LEN 16

struct partition_identity {
    uint8_t fingerprint[LINK_FINGERPRINT_LEN];
    uint8_t role; /* PEER_CLIENT; firmware of before let the owner make an auditor here, too */
    char name[PARTITION_NAME_MAX + 1];
};

/* What the owner sets. */
struct partition_terms {
    char name[PARTITION_NAME_MAX + 1]; /* empty: there is no record of this partition */
    enum policy policy;
    uint32_t objects_max, session_objects_max;
    struct partition_identity identities[PARTITION_IDENTITIES_MAX];
    unsigned identity_count;
};

struct application;
struct sealed_object;
struct tombstones;

struct partition {
    pthread_mutex_t lock;
    uint32_t id;
    struct partition_terms terms;
    uint8_t seal_id[PARTITION_SEAL_ID_LEN]; /* random: sealed keys are bound to it. Another one with each C_InitToken */
    uint8_t family[PARTITION_SEAL_ID_LEN];  /* its first seal id: what tombstones.h knows it by, with */
    uint64_t generation;                    /* how often it has had another one */
    uint8_t serial[8];
    uint8_t label[LABEL_LEN]; /* padded with spaces */
    bool initialised;
    struct pin so_pin, user_pin;
    struct seal *seal; /* NULL while there is no domain key */

    struct handle_table objects;  /* by object.id: token and session objects */
    struct sealed_object *sealed; /* token objects that wait for partition_unlock(), as the flash has them */
    uint32_t token_objects, session_objects, sessions, rw_sessions;
    uint32_t operations; /* in parts */
    size_t bytes;        /* of all objects' attributes */
    struct application *applications;
    bool closed;  /* deleted, or the board is zeroised: nobody enters, nothing is kept, nothing is written */
    bool deleted; /* no longer in the table; waits for its peers and slow work to go */
    unsigned links;
    unsigned refs; /* of peers, applications and slow work */
};

/* Without a record, seal id and serial. NULL: out of memory. */
struct partition *partition_new(uint32_t id);
void partition_free(struct partition *p);
/* Give a reference back. Takes the lock. A deleted partition goes with the last one. */
void partition_unref(struct partition *p);
/* From its record. Errors: ST_CORRUPT; ST_NO_MEMORY. */
MUST_CHECK enum status partition_unpack(struct partition *p, struct span record);
/* And to it: *len bytes, which the caller wipes and frees. Errors: CKR_HOST_MEMORY. */
MUST_CHECK CK_RV partition_pack(const struct partition *p, uint8_t **record, size_t *len);
/* The record into the flash. Errors: those of storage_commit(); CKR_TOKEN_NOT_PRESENT it is closed. */
MUST_CHECK CK_RV partition_store(const struct partition *p, struct storage *s, bool irrevocable);
/* In one irrevocable commit with up to PARTITION_STORE_WITH_MAX further changes. Errors: likewise. */
#define PARTITION_STORE_WITH_MAX (FLASH_CHANGES_MAX - 1)
MUST_CHECK CK_RV partition_store_with(const struct partition *p, struct storage *s, const struct flash_change *more,
                                      unsigned count);

/* Objects. In the flash each is sealed by the partition's seal: seal.h, with the context "object", the partition's
 * number (4 bytes) and the record's (8). So a record opens in its own place alone, and only with the domain key.
 * The table holds a reference. Errors: CKR_DEVICE_MEMORY a quota; CKR_HOST_MEMORY; CKR_DEVICE_ERROR the flash;
 * CKR_TOKEN_NOT_PRESENT it is closed, or has no seal. */
#define PARTITION_ADD_MAX FLASH_CHANGES_MAX
/* All of them or none, whatever happens meanwhile: one commit. */
MUST_CHECK CK_RV partition_add_objects(struct partition *p, struct storage *s, struct object *const *objects,
                                       unsigned count);
MUST_CHECK CK_RV partition_remove_object(struct partition *p, struct storage *s, struct object *o);
/* Give the object all of `changes`, in memory and flash or in neither. Irrevocably, when a right is among them: with an
 * older flash, a key that was closed would open again. */
MUST_CHECK CK_RV partition_change_object(struct partition *p, struct storage *s, struct object *o,
                                         const struct attributes *changes);
/* A token object as the flash had it: kept as it is until partition_unlock(). Errors: ST_NO_MEMORY. */
MUST_CHECK enum status partition_load_object(struct partition *p, uint64_t flash_id, struct span record);

/* The domain key is there: token objects are opened, and sealed keys open from now on. Errors: ST_CORRUPT a token
 * object does not open; ST_NO_MEMORY: the rest waits, and a second call goes on with it. */
MUST_CHECK enum status partition_unlock(struct partition *p, const struct security_domain *d);
/* Remove all token objects, opened or not, from the flash too. The caller has made a commit that makes them worthless.
 */
MUST_CHECK CK_RV partition_drop_objects(struct partition *p, struct storage *s);
/* Forget all keys, in memory alone, and close: the board is being zeroised. */
void partition_forget(struct partition *p);
/* What waits for partition_unlock(), in memory alone. */
void partition_forget_sealed(struct partition *p);

/* C_InitToken: no user PIN, no token objects, this label and SO PIN. Three steps in the flash; after an interruption
 * the token is not initialised, and the next C_InitToken goes on. Where there has been a token before, it gets another
 * seal id and the old one a tombstone: neither what was sealed before nor a backup comes back under the new PINs. */
struct partition_start {
    const uint8_t *label; /* LABEL_LEN */
    const struct pin *so_pin;
    const struct security_domain *domain;
    struct tombstones *tombstones;
};
MUST_CHECK CK_RV partition_initialise(struct partition *p, struct storage *s, const struct partition_start *start);

/* PINs. The try is stored before the compare (THREATS.md C9, 5.7), irrevocably: partition_try_pin() first, then the
 * slow compare without the lock, then partition_pin_result(). Errors: CKR_PIN_LOCKED; CKR_DEVICE_ERROR. */
MUST_CHECK CK_RV partition_try_pin(struct partition *p, struct storage *s, struct pin *pin);
MUST_CHECK CK_RV partition_pin_result(struct partition *p, struct storage *s, struct pin *pin, bool right);

const struct partition_identity *partition_identity(const struct partition_terms *t,
                                                    const uint8_t fingerprint[LINK_FINGERPRINT_LEN]);

#endif
