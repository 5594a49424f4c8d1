/* partition.h - one PKCS#11 token inside the keystore: its label, PINs, quotas, identities, token objects, and the
 * applications that are attached to it at the moment.
 * Guarded by `lock`, which is held while its record or an object is written to the flash: acknowledged is durable.
 * Lock order: partition, then flash. */
#ifndef STRONGROOM_PARTITION_H
#define STRONGROOM_PARTITION_H

#include <pthread.h>

#include "firmware/crypto/pin.h"
#include "firmware/device.h"
#include "firmware/handle_table.h"
#include "firmware/object.h"
#include "firmware/template.h"

#define PARTITION_SEAL_ID_LEN 16

struct partition_identity {
    uint8_t fingerprint[LINK_FINGERPRINT_LEN];
    uint8_t role; /* PEER_CLIENT, PEER_AUDITOR */
    char name[PARTITION_NAME_MAX + 1];
};

struct application;

struct partition {
    pthread_mutex_t lock;
    uint32_t id;
    char name[PARTITION_NAME_MAX + 1];
    enum policy policy;
    uint32_t objects_max, session_objects_max;
    struct partition_identity identities[PARTITION_IDENTITIES_MAX];
    unsigned identity_count;
    uint8_t seal_id[PARTITION_SEAL_ID_LEN]; /* random: sealed keys are bound to it */
    uint8_t serial[8];
    uint8_t label[LABEL_LEN]; /* padded with spaces */
    bool initialised;
    struct pin so_pin, user_pin;
    struct seal *seal; /* NULL while there is no domain key */

    struct handle_table objects; /* by object.id: token and session objects */
    uint32_t token_objects, session_objects, sessions, rw_sessions;
    struct application *applications;
    bool login_tried; /* since the start of the keystore */
    bool deleted;     /* no longer in the table; waits for its applications to go */
    unsigned refs;    /* of peers and slow work; guarded by `lock` */
};

/* A new one, with random seal id and serial. Not yet stored. Errors: ST_NO_MEMORY; ST_CORRUPT no random bytes. */
MUST_CHECK enum status partition_new(uint32_t id, struct partition **out);
void partition_free(struct partition *p);
/* From its record, and to it. Errors: ST_CORRUPT; ST_IO. */
MUST_CHECK enum status partition_unpack(struct partition *p, struct span record);
MUST_CHECK enum status partition_store(struct partition *p, struct storage *s, bool irrevocable);

/* Objects. The table holds a reference. Errors: CKR_DEVICE_MEMORY a quota; CKR_HOST_MEMORY; CKR_DEVICE_ERROR the flash.
 */
#define PARTITION_ADD_MAX 2 /* a key pair */
/* All of them or none, whatever happens meanwhile: one commit. */
MUST_CHECK CK_RV partition_add_objects(struct partition *p, struct storage *s, struct object *const *objects,
                                       unsigned count);
MUST_CHECK CK_RV partition_remove_object(struct partition *p, struct storage *s, struct object *o);
/* The object's attributes have changed: to the flash with them. On failure the caller restores them. */
MUST_CHECK CK_RV partition_store_object(struct partition *p, struct storage *s, struct object *o);
/* A token object as the flash had it. */
MUST_CHECK enum status partition_load_object(struct partition *p, uint64_t flash_id, struct span record);

/* Sealed keys open from now on. Errors: ST_NO_MEMORY. */
MUST_CHECK enum status partition_unlock(struct partition *p, const struct device *d);
/* Remove all token objects, from the flash too. */
MUST_CHECK CK_RV partition_drop_objects(struct partition *p, struct storage *s);
/* Forget all keys, in memory alone: the board is being zeroised. */
void partition_forget(struct partition *p);

/* Wipe all token objects and the user PIN: C_InitToken. One commit for the record, then the objects. */
MUST_CHECK CK_RV partition_reset(struct partition *p, struct storage *s);

/* PINs. The try is stored before the compare (THREATS.md C9, 5.7): partition_try_pin() first, then the slow compare
 * without the lock, then partition_pin_result(). Errors: CKR_PIN_LOCKED; CKR_DEVICE_ERROR. */
MUST_CHECK CK_RV partition_try_pin(struct partition *p, struct storage *s, struct pin *pin);
MUST_CHECK CK_RV partition_pin_result(struct partition *p, struct storage *s, struct pin *pin, bool right);

const struct partition_identity *partition_identity(const struct partition *p,
                                                    const uint8_t fingerprint[LINK_FINGERPRINT_LEN]);

#endif
