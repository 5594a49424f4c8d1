#include "service/vault/key_cache.h"

#include <pthread.h>

#define SHARDS 16

struct entry {
    struct entry *chain;         /* of its bucket */
    struct entry *newer, *older; /* of its shard */
    uint64_t hash;
    struct guid vault_id;
    const struct key_version *key;
    uint8_t name_len, version_len;
    uint8_t name[KEY_NAME_MAX]; /* lower case */
    uint8_t version[KEY_VERSION_LEN];
};

struct shard {
    pthread_mutex_t lock;
    struct entry **buckets;
    size_t bucket_count; /* a power of two */
    size_t count, limit;
    struct entry *newest, *oldest;
    uint64_t epoch; /* counts the drops */
};

struct key_cache {
    struct shard shards[SHARDS];
};

/* What an entry is found by, in one place: lower-case name, hash. */
struct place {
    const struct guid *vault_id;
    uint8_t name[KEY_NAME_MAX];
    size_t name_len;
    struct span version;
    uint64_t hash;
};

static uint64_t fnv(uint64_t h, const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        h = (h ^ p[i]) * 0x100000001b3u;
    return h;
}

static bool place_of(struct place *p, const struct guid *vault_id, struct span name, struct span version)
{
    if (name.len > KEY_NAME_MAX || version.len > KEY_VERSION_LEN)
        return false;
    for (size_t i = 0; i < name.len; i++)
        p->name[i] = name.p[i] >= 'A' && name.p[i] <= 'Z' ? name.p[i] | 0x20 : name.p[i];
    p->name_len = name.len;
    p->vault_id = vault_id;
    p->version = version;
    p->hash = fnv(0xcbf29ce484222325u, (const uint8_t *)vault_id->text, GUID_LEN);
    p->hash = fnv(p->hash, p->name, p->name_len);
    p->hash = fnv(p->hash * 31, version.p, version.len);
    return true;
}

static bool entry_is(const struct entry *e, const struct place *p)
{
    return e->hash == p->hash && e->name_len == p->name_len && e->version_len == p->version.len &&
           guid_equal(&e->vault_id, p->vault_id) && memcmp(e->name, p->name, p->name_len) == 0 &&
           (p->version.len == 0 || memcmp(e->version, p->version.p, p->version.len) == 0);
}

static struct shard *shard_of(struct key_cache *c, const struct place *p)
{
    return &c->shards[p->hash >> 60 & (SHARDS - 1)];
}

static struct entry **find(struct shard *s, const struct place *p)
{
    struct entry **at = &s->buckets[p->hash & (s->bucket_count - 1)];

    while (*at != NULL && !entry_is(*at, p))
        at = &(*at)->chain;
    return at;
}

static void unlink_age(struct shard *s, struct entry *e)
{
    *(e->newer != NULL ? &e->newer->older : &s->newest) = e->older;
    *(e->older != NULL ? &e->older->newer : &s->oldest) = e->newer;
}

static void link_newest(struct shard *s, struct entry *e)
{
    e->newer = NULL;
    e->older = s->newest;
    *(s->newest != NULL ? &s->newest->newer : &s->oldest) = e;
    s->newest = e;
}

static void remove_at(struct shard *s, struct entry **at)
{
    struct entry *e = *at;

    *at = e->chain;
    unlink_age(s, e);
    key_version_unref(e->key);
    free(e);
    s->count--;
}

static void evict_oldest(struct shard *s)
{
    struct entry **at = &s->buckets[s->oldest->hash & (s->bucket_count - 1)];

    while (*at != s->oldest)
        at = &(*at)->chain;
    remove_at(s, at);
}

enum status key_cache_new(size_t limit, struct key_cache **out)
{
    struct key_cache *c = calloc(1, sizeof *c);
    size_t buckets = 16;

    *out = NULL;
    if (c == NULL)
        return ST_NO_MEMORY;
    while (buckets < limit / SHARDS)
        buckets *= 2;
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *s = &c->shards[i];

        pthread_mutex_init(&s->lock, NULL);
        s->limit = limit / SHARDS + 1;
        s->bucket_count = buckets;
        if ((s->buckets = calloc(buckets, sizeof *s->buckets)) == NULL) {
            key_cache_free(c);
            return ST_NO_MEMORY;
        }
    }
    *out = c;
    return ST_OK;
}

void key_cache_free(struct key_cache *c)
{
    for (size_t i = 0; c != NULL && i < SHARDS; i++) {
        while (c->shards[i].oldest != NULL)
            evict_oldest(&c->shards[i]);
        free(c->shards[i].buckets);
        pthread_mutex_destroy(&c->shards[i].lock);
    }
    free(c);
}

const struct key_version *key_cache_get(struct key_cache *c, const struct guid *vault_id, struct span name,
                                        struct span version, uint64_t *epoch)
{
    const struct key_version *found = NULL;
    struct place p;
    struct shard *s;
    struct entry *e;

    *epoch = 0;
    if (!place_of(&p, vault_id, name, version))
        return NULL;
    s = shard_of(c, &p);
    pthread_mutex_lock(&s->lock);
    *epoch = s->epoch;
    if ((e = *find(s, &p)) != NULL) {
        if (e != s->newest) {
            unlink_age(s, e);
            link_newest(s, e);
        }
        found = e->key;
        key_version_ref(found);
    }
    pthread_mutex_unlock(&s->lock);
    return found;
}

void key_cache_put(struct key_cache *c, const struct guid *vault_id, struct span name, struct span version,
                   const struct key_version *v, uint64_t epoch)
{
    struct entry *e = calloc(1, sizeof *e);
    struct place p;
    struct shard *s;

    if (e == NULL || !place_of(&p, vault_id, name, version)) {
        free(e); /* not remembered: read again next time */
        return;
    }
    e->hash = p.hash;
    e->vault_id = *vault_id;
    e->key = v;
    e->name_len = (uint8_t)p.name_len;
    e->version_len = (uint8_t)version.len;
    memcpy(e->name, p.name, p.name_len);
    if (version.len > 0)
        memcpy(e->version, version.p, version.len);
    s = shard_of(c, &p);
    pthread_mutex_lock(&s->lock);
    if (s->epoch == epoch && *find(s, &p) == NULL) {
        struct entry **bucket = &s->buckets[e->hash & (s->bucket_count - 1)];

        if (s->count == s->limit)
            evict_oldest(s);
        key_version_ref(v);
        e->chain = *bucket;
        *bucket = e;
        link_newest(s, e);
        s->count++;
        e = NULL;
    }
    pthread_mutex_unlock(&s->lock);
    free(e);
}

void key_cache_drop(struct key_cache *c, const struct guid *vault_id, struct span name, struct span version)
{
    struct entry **at;
    struct place p;
    struct shard *s;

    if (!place_of(&p, vault_id, name, version))
        return;
    s = shard_of(c, &p);
    pthread_mutex_lock(&s->lock);
    s->epoch++;
    if (*(at = find(s, &p)) != NULL)
        remove_at(s, at);
    pthread_mutex_unlock(&s->lock);
}

void key_cache_clear(struct key_cache *c)
{
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *s = &c->shards[i];

        pthread_mutex_lock(&s->lock);
        s->epoch++;
        while (s->oldest != NULL)
            evict_oldest(s);
        pthread_mutex_unlock(&s->lock);
    }
}
