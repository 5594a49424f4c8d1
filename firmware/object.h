/* object.h - one object: its attributes, and what the hot path wants to know of them without searching.
 * Counted. Everything but the count is guarded by its partition's lock; the key inside may be used without it. */
#ifndef STRONGROOM_OBJECT_H
#define STRONGROOM_OBJECT_H

#include <stdatomic.h>

#include "firmware/crypto/key.h"
#include "firmware/wire/message.h"

#define OBJECT_UNIQUE_LEN 16

/* The rights of a key, a bit each (CKA_ENCRYPT and so on). */
enum key_right {
    RIGHT_ENCRYPT = 1 << 0,
    RIGHT_DECRYPT = 1 << 1,
    RIGHT_SIGN = 1 << 2,
    RIGHT_VERIFY = 1 << 3,
    RIGHT_SIGN_RECOVER = 1 << 4,
    RIGHT_VERIFY_RECOVER = 1 << 5,
    RIGHT_WRAP = 1 << 6,
    RIGHT_UNWRAP = 1 << 7,
    RIGHT_DERIVE = 1 << 8,
    RIGHT_ENCAPSULATE = 1 << 9,
    RIGHT_DECAPSULATE = 1 << 10,
};
#define RIGHTS_OF_DATA                                                                                                 \
    (RIGHT_ENCRYPT | RIGHT_DECRYPT | RIGHT_SIGN | RIGHT_VERIFY | RIGHT_SIGN_RECOVER | RIGHT_VERIFY_RECOVER)

CK_ATTRIBUTE_TYPE right_attribute(unsigned bit_number); /* of BIT(bit_number); 0 beyond the last */
unsigned rights_of(const struct attributes *a);

struct session;

struct object {
    atomic_uint refs;
    uint64_t id; /* random; what handles are made of */
    struct attributes attributes;
    struct session *session;        /* session objects: the one that made it; NULL: a token object */
    struct object *next, *previous; /* of the same session */
    uint64_t flash_id;              /* token objects: the record */
    struct key *key;                /* once used */

    /* Follow from the attributes: object_refresh(). */
    CK_OBJECT_CLASS class;
    CK_KEY_TYPE key_type;
    unsigned rights;
    size_t size; /* packed; what quotas count */
    bool private;
    bool always_authenticate;
    uint8_t unique[OBJECT_UNIQUE_LEN]; /* CKA_UNIQUE_ID, binary */
};

/* Takes the attributes, which must have class and so on. Gives it a random id and, unless it has one, a CKA_UNIQUE_ID.
 * Errors: CKR_HOST_MEMORY; CKR_DEVICE_ERROR no random bytes. */
MUST_CHECK CK_RV object_new(struct attributes *a, struct object **out);
struct object *object_ref(struct object *o);
void object_unref(struct object *o); /* NULL is fine */
void object_refresh(struct object *o);
/* Its key, loaded at the first call; the caller unrefs it. Errors: of key_load(); CKR_KEY_HANDLE_INVALID it is no key.
 */
MUST_CHECK CK_RV object_key(struct object *o, struct key **out);
/* Is the value of a secret or private key closed to reading? */
bool object_is_sealed_off(const struct object *o);

#endif
