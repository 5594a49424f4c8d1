/* token_cache.h - verified tokens by the SHA-256 of their text. Internal to service/identity.
 * Bounded: the least recently used goes first. Only what was verified gets in, so strangers cannot fill it. In shards,
 * each with a lock of its own that is held for a few hundred bytes of copying. Thread-safe. */
#ifndef STRONGROOM_IDENTITY_TOKEN_CACHE_H
#define STRONGROOM_IDENTITY_TOKEN_CACHE_H

#include "service/identity/jwk.h"
#include "service/policy/principal.h"

#define TOKEN_DIGEST_LEN 32

struct token_cache;

/* `limit`: tokens, at least 1. Errors: ST_NO_MEMORY. */
MUST_CHECK enum status token_cache_new(size_t limit, struct token_cache **out);
void token_cache_free(struct token_cache *c);
/* Is there an entry that has not ended at `now`? One that has is dropped. The issuer of *out is left alone: it is the
 * same for all, and the cache's owner knows it. */
bool token_cache_find(struct token_cache *c, const uint8_t digest[TOKEN_DIGEST_LEN], int64_t now,
                      struct principal *out);
/* Which set of keys is in force. Read it before you take the keys that a token is verified with. */
uint64_t token_cache_generation(const struct token_cache *c);
/* Remember a token verified by key `key_id`, unless the keys were changed after `generation`. Out of memory it is not
 * remembered, which harms nobody. */
void token_cache_put(struct token_cache *c, const uint8_t digest[TOKEN_DIGEST_LEN], const uint8_t key_id[JWK_ID_LEN],
                     uint64_t generation, const struct principal *who);
/* The keys in force are now those of `keys`: drop each token whose key is not among them. */
void token_cache_keep(struct token_cache *c, const struct jwk_set *keys);

#endif
