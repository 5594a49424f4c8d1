#include "service/identity/token_cache.h"

#include <openssl/crypto.h>
#include <pthread.h>

#define SHARDS       32
#define SHARDED_FROM 1024 /* below, one shard keeps the bound exact */
#define CACHE_LINE   64

/* Kept small: a principal has room for 16 groups, an entry for those it has. */
struct entry {
    struct entry *chain;         /* of its bucket */
    struct entry *newer, *older; /* of the shard, by last use */
    uint8_t digest[TOKEN_DIGEST_LEN];
    uint8_t key_id[JWK_ID_LEN];
    int64_t expires_at;
    enum principal_kind kind;
    struct guid tenant_id, object_id, application_id;
    size_t group_count;
    struct guid groups[];
};

struct shard {
    _Alignas(CACHE_LINE) pthread_mutex_t lock;
    struct entry **buckets;
    size_t bucket_mask;
    size_t count, limit;
    struct entry *newest, *oldest;
};

struct token_cache {
    atomic_uint_fast64_t generation;
    size_t shard_count;
    struct shard shards[];
};

static enum status shard_init(struct shard *s, size_t limit)
{
    size_t buckets = 1;

    while (buckets < limit)
        buckets *= 2;
    if ((s->buckets = calloc(buckets, sizeof s->buckets[0])) == NULL)
        return ST_NO_MEMORY;
    s->bucket_mask = buckets - 1;
    s->limit = limit;
    pthread_mutex_init(&s->lock, NULL);
    return ST_OK;
}

enum status token_cache_new(size_t limit, struct token_cache **out)
{
    size_t shards = limit < SHARDED_FROM ? 1 : SHARDS;
    struct token_cache *c;

    *out = NULL;
    INVARIANT(limit > 0);
    if ((c = aligned_alloc(CACHE_LINE, (sizeof *c + shards * sizeof c->shards[0] + CACHE_LINE - 1) / CACHE_LINE *
                                           CACHE_LINE)) == NULL)
        return ST_NO_MEMORY;
    atomic_init(&c->generation, 1);
    c->shard_count = 0;
    for (size_t i = 0; i < shards; i++) {
        c->shards[i] = (struct shard){ 0 };
        if (shard_init(&c->shards[i], limit / shards) != ST_OK) {
            token_cache_free(c);
            return ST_NO_MEMORY;
        }
        c->shard_count = i + 1;
    }
    *out = c;
    return ST_OK;
}

void token_cache_free(struct token_cache *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < c->shard_count; i++) {
        struct shard *s = &c->shards[i];

        for (struct entry *e = s->newest, *older; e != NULL; e = older) {
            older = e->older;
            free(e);
        }
        free(s->buckets);
        pthread_mutex_destroy(&s->lock);
    }
    free(c);
}

/* A SHA-256 is as good as random: other bytes of it choose the shard than the bucket. */
static struct shard *shard_of(struct token_cache *c, const uint8_t digest[TOKEN_DIGEST_LEN])
{
    return &c->shards[digest[0] % c->shard_count];
}

static struct entry **bucket_of(const struct shard *s, const uint8_t digest[TOKEN_DIGEST_LEN])
{
    uint64_t n;

    memcpy(&n, digest + 8, sizeof n);
    return &s->buckets[n & s->bucket_mask];
}

static struct entry **find(const struct shard *s, const uint8_t digest[TOKEN_DIGEST_LEN])
{
    struct entry **at = bucket_of(s, digest);

    while (*at != NULL && CRYPTO_memcmp((*at)->digest, digest, TOKEN_DIGEST_LEN) != 0)
        at = &(*at)->chain;
    return at;
}

static void link_newest(struct shard *s, struct entry *e)
{
    e->newer = NULL;
    e->older = s->newest;
    if (s->newest != NULL)
        s->newest->newer = e;
    s->newest = e;
    if (s->oldest == NULL)
        s->oldest = e;
}

static void unlink_used(struct shard *s, struct entry *e)
{
    if (e->newer != NULL)
        e->newer->older = e->older;
    else
        s->newest = e->older;
    if (e->older != NULL)
        e->older->newer = e->newer;
    else
        s->oldest = e->newer;
}

static void drop(struct shard *s, struct entry **at)
{
    struct entry *e = *at;

    *at = e->chain;
    unlink_used(s, e);
    s->count--;
    free(e);
}

static void copy_out(const struct entry *e, struct principal *out)
{
    out->kind = e->kind;
    out->tenant_id = e->tenant_id;
    out->object_id = e->object_id;
    out->application_id = e->application_id;
    out->group_count = e->group_count;
    memcpy(out->groups, e->groups, e->group_count * sizeof e->groups[0]);
    out->expires_at = e->expires_at;
}

bool token_cache_find(struct token_cache *c, const uint8_t digest[TOKEN_DIGEST_LEN], int64_t now, struct principal *out)
{
    struct shard *s = shard_of(c, digest);
    struct entry **at;
    bool found = false;

    pthread_mutex_lock(&s->lock);
    at = find(s, digest);
    if (*at != NULL && (*at)->expires_at <= now) {
        drop(s, at);
    } else if (*at != NULL) {
        found = true;
        copy_out(*at, out);
        if (s->newest != *at) {
            unlink_used(s, *at);
            link_newest(s, *at);
        }
    }
    pthread_mutex_unlock(&s->lock);
    return found;
}

uint64_t token_cache_generation(const struct token_cache *c)
{
    return atomic_load(&c->generation);
}

static struct entry *entry_new(const uint8_t digest[TOKEN_DIGEST_LEN], const uint8_t key_id[JWK_ID_LEN],
                               const struct principal *who)
{
    struct entry *e = calloc(1, sizeof *e + who->group_count * sizeof e->groups[0]);

    if (e == NULL)
        return NULL;
    memcpy(e->digest, digest, TOKEN_DIGEST_LEN);
    memcpy(e->key_id, key_id, JWK_ID_LEN);
    e->expires_at = who->expires_at;
    e->kind = who->kind;
    e->tenant_id = who->tenant_id;
    e->object_id = who->object_id;
    e->application_id = who->application_id;
    e->group_count = who->group_count;
    memcpy(e->groups, who->groups, who->group_count * sizeof e->groups[0]);
    return e;
}

void token_cache_put(struct token_cache *c, const uint8_t digest[TOKEN_DIGEST_LEN], const uint8_t key_id[JWK_ID_LEN],
                     uint64_t generation, const struct principal *who)
{
    struct shard *s = shard_of(c, digest);
    struct entry *e = entry_new(digest, key_id, who), **at;

    if (e == NULL)
        return;
    pthread_mutex_lock(&s->lock);
    at = find(s, digest);
    /* token_cache_keep() raises the generation before it visits any shard, so what passes here it will still see. */
    if (*at != NULL || token_cache_generation(c) != generation) {
        pthread_mutex_unlock(&s->lock);
        free(e);
        return;
    }
    if (s->count == s->limit) {
        drop(s, find(s, s->oldest->digest));
        at = find(s, digest); /* the dropped one may have been what `at` was part of */
    }
    e->chain = NULL;
    *at = e;
    link_newest(s, e);
    s->count++;
    pthread_mutex_unlock(&s->lock);
}

static void keep_in_shard(struct shard *s, const struct jwk_set *keys)
{
    struct entry *older;

    pthread_mutex_lock(&s->lock);
    for (struct entry *e = s->newest; e != NULL; e = older) {
        older = e->older;
        if (!jwk_set_has_id(keys, e->key_id))
            drop(s, find(s, e->digest));
    }
    pthread_mutex_unlock(&s->lock);
}

void token_cache_keep(struct token_cache *c, const struct jwk_set *keys)
{
    atomic_fetch_add(&c->generation, 1);
    for (size_t i = 0; i < c->shard_count; i++)
        keep_in_shard(&c->shards[i], keys);
}
