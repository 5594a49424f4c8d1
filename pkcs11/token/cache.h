/* cache.h - the sealed keys that are open in the token: their handles, found by the caller's cache_id, least recently
 * used ones first to go. Knows no PKCS#11 calls: who misses opens the key, who makes room destroys the objects.
 * A key is pinned while somebody uses it and never evicted meanwhile. Single flight: while one job opens a key, others
 * that want it are parked on its entry and come back from cache_opened(). Thread-safe. */
#ifndef STRONGROOM_PKCS11_CACHE_H
#define STRONGROOM_PKCS11_CACHE_H

#include <p11-kit/pkcs11.h>
#include <stdatomic.h>

#include "pkcs11/token/token.h"

#define CACHE_ID_LEN    16
#define BLOB_MAC_LEN    32
#define RSA_MODULUS_MAX 512
#define CACHE_EVICT_MAX 4 /* objects that one caller has to destroy at a time */

/* A key in the token, ready for use. */
struct token_key {
    CK_OBJECT_HANDLE handle;
    struct key_spec spec;
    unsigned uses;
    struct span modulus; /* RSA: big-endian, without leading zeros */
};

struct cached_key {
    struct token_key key;
    uint8_t id[CACHE_ID_LEN];
    uint8_t mac[BLOB_MAC_LEN]; /* of the blob that was opened */
    uint8_t modulus[RSA_MODULUS_MAX];
    /* The cache's: */
    atomic_uint pins;
    bool opening;
    struct token_job *parked;
    struct cached_key *chain;         /* in its bucket */
    struct cached_key *newer, *older; /* by last use; NULL both while opening */
};

struct cache;

/* Errors: ST_NO_MEMORY. */
MUST_CHECK enum status cache_new(unsigned limit, struct cache **out);
void cache_free(struct cache *c); /* forgets all keys first */

enum cache_answer {
    CACHE_FOUND,  /* *out is pinned: cache_release() it */
    CACHE_OPEN,   /* *out is new, pinned and empty: open the key, then cache_opened() */
    CACHE_PARKED, /* somebody is at it: the job is the cache's until that one calls cache_opened() */
    CACHE_FULL,   /* out of memory */
};
enum cache_answer cache_acquire(struct cache *c, const uint8_t id[CACHE_ID_LEN], struct token_job *job,
                                struct cached_key **out);
/* What became of opening `k`. ST_OK: it stays, still pinned. Otherwise it is gone, and so is the pointer.
 * Returns the parked jobs, linked by next. */
struct token_job *cache_opened(struct cache *c, struct cached_key *k, enum status st);
void cache_release(struct cached_key *k);
/* Take up to CACHE_EVICT_MAX unpinned keys beyond the limit out of the cache, and give their handles, which the caller
 * must destroy. Returns how many. */
unsigned cache_evict(struct cache *c, CK_OBJECT_HANDLE out[CACHE_EVICT_MAX]);
/* Forget all keys: their objects are gone. Nobody may hold one. */
void cache_forget(struct cache *c);
unsigned cache_count(struct cache *c);

#endif
