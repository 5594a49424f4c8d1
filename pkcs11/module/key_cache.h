/* key_cache.h - what the module remembers of keys, so that C_SignInit and its kin need not ask each time: class, type,
 * size and rights. A convenience for the caller's error codes and for lengths; the keystore checks everything again.
 * One table per slot, one lock. An entry goes when its object is destroyed or changed; all go when the login changes
 * or a session closes. */
#ifndef STRONGROOM_PKCS11_MODULE_KEY_CACHE_H
#define STRONGROOM_PKCS11_MODULE_KEY_CACHE_H

#include <pthread.h>
#include <stdint.h>

#include "firmware/base/status.h"
#include "firmware/wire/message.h"
#include "firmware/wire/pkcs11.h"

#define KEY_CACHE_ENTRIES      512
#define KEY_MECHANISMS_CACHED  16
#define KEY_MECHANISMS_UNKNOWN ((unsigned)-1)

struct key_summary {
    CK_OBJECT_HANDLE handle;
    uint64_t generation;
    CK_OBJECT_CLASS class;
    CK_KEY_TYPE type;
    unsigned uses; /* BIT(enum operation_kind) */
    unsigned bits; /* RSA: of the modulus; curves: of the order; ML-DSA, SLH-DSA: the parameter set */
    bool always_authenticate;
    unsigned mechanism_count; /* CKA_ALLOWED_MECHANISMS; KEY_MECHANISMS_UNKNOWN: any, or too many to keep */
    CK_MECHANISM_TYPE mechanisms[KEY_MECHANISMS_CACHED];
};

struct key_cache {
    pthread_mutex_t lock;
    uint64_t epoch; /* rises with every clearing: an answer that was under way then is not stored */
    struct key_summary entries[KEY_CACHE_ENTRIES];
};

MUST_CHECK CK_RV key_cache_init(struct key_cache *c);
void key_cache_destroy(struct key_cache *c);
bool key_cache_get(struct key_cache *c, uint64_t generation, CK_OBJECT_HANDLE handle, struct key_summary *out,
                   uint64_t *epoch);
void key_cache_put(struct key_cache *c, const struct key_summary *k, uint64_t epoch);
void key_cache_drop(struct key_cache *c, CK_OBJECT_HANDLE handle);
void key_cache_clear(struct key_cache *c);

#endif
