/* keys_internal.h - what the files behind keys.h share. */
#ifndef STRONGROOM_VAULT_KEYS_INTERNAL_H
#define STRONGROOM_VAULT_KEYS_INTERNAL_H

#include <pthread.h>

#include "service/vault/key_cache.h"
#include "service/vault/keys.h"

struct keys {
    struct store *store;
    struct token *token;
    struct store *management;
    struct key_cache *cache;
    struct store_watch *watch_heads, *watch_versions, *watch_purged;
    struct key_reaper *reaper;
    pthread_mutex_t lock;
    pthread_cond_t idle;
    unsigned busy; /* changes and operations under way */
};

/* Read records past the cache: what a change starts from. Errors: ST_NOT_FOUND; ST_CORRUPT; ST_IO; ST_NO_MEMORY. */
MUST_CHECK enum status keys_read_head(struct keys *k, const struct guid *vault_id, struct span name,
                                      struct key_head *out);
MUST_CHECK enum status keys_read_version(struct keys *k, const struct guid *vault_id, struct span name,
                                         struct span version, struct key_version **out);

/* Whatever is under way stands between these two, so that keys_close() can wait for it. */
void keys_enter(struct keys *k);
void keys_leave(struct keys *k);

/* Every change begins here and ends in change_finish(). */
void change_begin(struct keys *k, struct key_change *c);

/* A change. Writes are collected with change_write(), which copies both spans (value.p == NULL: delete) and is false
 * when out of memory; then change_commit(). When another writer was faster, `step` runs again, a few times; when the
 * commit is durable, change_finish() has been called. */
MUST_CHECK bool change_write(struct key_change *c, struct span path, struct span value, uint64_t expected);
void change_commit(struct key_change *c);
/* Give the caller its result, or its fault. */
void change_finish(struct key_change *c);
/* A fault for what keys_read_*() said. Always false. */
bool change_missing(struct key_change *c, enum status st, bool deleted);
/* The writes of a head with its new state. */
MUST_CHECK bool change_write_head(struct key_change *c, const struct key_head *head, uint64_t expected);
/* Deletes of all a key's records. */
MUST_CHECK bool change_write_purge(struct key_change *c, const struct guid *vault_id, const struct key_head *head);

/* The thread that purges what is due and what belonged to purged vaults. */
struct key_reaper;
MUST_CHECK enum status key_reaper_start(struct keys *k, struct key_reaper **out);
void key_reaper_stop(struct key_reaper *r);
/* Look now, not within the minute. */
void key_reaper_wake(struct key_reaper *r);

#endif
