/* key_cache.h - key versions kept in memory, bounded, least recently used out first. Sharded; thread-safe.
 * An entry is found by vault, name (any case) and version; the empty version stands for the newest. */
#ifndef STRONGROOM_VAULT_KEY_CACHE_H
#define STRONGROOM_VAULT_KEY_CACHE_H

#include "service/vault/key.h"

struct key_cache;

MUST_CHECK enum status key_cache_new(size_t limit, struct key_cache **out);
void key_cache_free(struct key_cache *c);

/* A referenced snapshot, or NULL. On a miss *epoch is what key_cache_put() wants to hear: it keeps a snapshot that was
 * read before a change from being put in after it. */
const struct key_version *key_cache_get(struct key_cache *c, const struct guid *vault_id, struct span name,
                                        struct span version, uint64_t *epoch);
void key_cache_put(struct key_cache *c, const struct guid *vault_id, struct span name, struct span version,
                   const struct key_version *v, uint64_t epoch);
/* Forget the entry. */
void key_cache_drop(struct key_cache *c, const struct guid *vault_id, struct span name, struct span version);

/* Forget everything: what changed meanwhile is not known. */
void key_cache_clear(struct key_cache *c);

#endif
