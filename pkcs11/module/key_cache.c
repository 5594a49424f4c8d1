#include "pkcs11/module/key_cache.h"

#include <string.h>

CK_RV key_cache_init(struct key_cache *c)
{
    memset(c->entries, 0, sizeof c->entries);
    c->epoch = 0;
    return pthread_mutex_init(&c->lock, NULL) == 0 ? CKR_OK : CKR_HOST_MEMORY;
}

void key_cache_destroy(struct key_cache *c)
{
    pthread_mutex_destroy(&c->lock);
}

/* Handles are random or counted: either way a multiplication spreads them (Knuth, 6.4). */
static struct key_summary *entry_of(struct key_cache *c, CK_OBJECT_HANDLE handle)
{
    return &c->entries[(handle * 0x9E3779B97F4A7C15u >> 32) % KEY_CACHE_ENTRIES];
}

bool key_cache_get(struct key_cache *c, uint64_t generation, CK_OBJECT_HANDLE handle, struct key_summary *out,
                   uint64_t *epoch)
{
    struct key_summary *e = entry_of(c, handle);
    bool found;

    pthread_mutex_lock(&c->lock);
    found = handle != CK_INVALID_HANDLE && e->handle == handle && e->generation == generation;
    if (found)
        *out = *e;
    *epoch = c->epoch;
    pthread_mutex_unlock(&c->lock);
    return found;
}

void key_cache_put(struct key_cache *c, const struct key_summary *k, uint64_t epoch)
{
    pthread_mutex_lock(&c->lock);
    if (c->epoch == epoch)
        *entry_of(c, k->handle) = *k;
    pthread_mutex_unlock(&c->lock);
}

void key_cache_drop(struct key_cache *c, CK_OBJECT_HANDLE handle)
{
    struct key_summary *e = entry_of(c, handle);

    pthread_mutex_lock(&c->lock);
    c->epoch++;
    if (e->handle == handle)
        e->handle = CK_INVALID_HANDLE;
    pthread_mutex_unlock(&c->lock);
}

void key_cache_clear(struct key_cache *c)
{
    pthread_mutex_lock(&c->lock);
    c->epoch++;
    for (unsigned i = 0; i < KEY_CACHE_ENTRIES; i++)
        c->entries[i].handle = CK_INVALID_HANDLE;
    pthread_mutex_unlock(&c->lock);
}
