#include "pkcs11/token/cache.h"

#include <pthread.h>

struct cache {
    pthread_mutex_t lock;
    struct cached_key **buckets;
    size_t mask; /* buckets, a power of two, less one */
    struct cached_key *newest, *oldest;
    unsigned count, limit;
};

enum status cache_new(unsigned limit, struct cache **out)
{
    struct cache *c = calloc(1, sizeof *c);
    size_t buckets = 16;

    while (buckets < (size_t)limit * 2)
        buckets *= 2;
    if (c == NULL || (c->buckets = calloc(buckets, sizeof(struct cached_key *))) == NULL) {
        free(c);
        return ST_NO_MEMORY;
    }
    pthread_mutex_init(&c->lock, NULL);
    c->mask = buckets - 1;
    c->limit = limit;
    *out = c;
    return ST_OK;
}

void cache_free(struct cache *c)
{
    if (c == NULL)
        return;
    cache_forget(c);
    pthread_mutex_destroy(&c->lock);
    free(c->buckets);
    free(c);
}

static struct cached_key **bucket_of(struct cache *c, const uint8_t id[CACHE_ID_LEN])
{
    uint64_t a, b;

    memcpy(&a, id, sizeof a);
    memcpy(&b, id + sizeof a, sizeof b);
    a = (a ^ (b >> 31) ^ b) * UINT64_C(0x9E3779B97F4A7C15); /* ids may be counters as well as digests */
    return &c->buckets[(a >> 32) & c->mask];
}

static void unlink_use(struct cache *c, struct cached_key *k)
{
    *(k->newer != NULL ? &k->newer->older : &c->newest) = k->older;
    *(k->older != NULL ? &k->older->newer : &c->oldest) = k->newer;
    k->newer = k->older = NULL;
}

static void link_newest(struct cache *c, struct cached_key *k)
{
    k->newer = NULL;
    k->older = c->newest;
    *(c->newest != NULL ? &c->newest->newer : &c->oldest) = k;
    c->newest = k;
}

static void unlink_bucket(struct cache *c, struct cached_key *k)
{
    struct cached_key **at = bucket_of(c, k->id);

    while (*at != k)
        at = &(*at)->chain;
    *at = k->chain;
    c->count--;
}

static enum cache_answer found(struct cache *c, struct cached_key *k, struct token_job *job, struct cached_key **out)
{
    if (k->opening) {
        job->next = k->parked;
        k->parked = job;
        return CACHE_PARKED;
    }
    atomic_fetch_add_explicit(&k->pins, 1, memory_order_relaxed); /* under the lock: no eviction runs */
    if (c->newest != k) {
        unlink_use(c, k);
        link_newest(c, k);
    }
    *out = k;
    return CACHE_FOUND;
}

static enum cache_answer insert(struct cache *c, const uint8_t id[CACHE_ID_LEN], struct cached_key **out)
{
    struct cached_key *k = calloc(1, sizeof *k), **bucket = bucket_of(c, id);

    if (k == NULL)
        return CACHE_FULL;
    memcpy(k->id, id, CACHE_ID_LEN);
    atomic_init(&k->pins, 1);
    k->opening = true;
    k->chain = *bucket;
    *bucket = k;
    c->count++;
    *out = k;
    return CACHE_OPEN;
}

enum cache_answer cache_acquire(struct cache *c, const uint8_t id[CACHE_ID_LEN], struct token_job *job,
                                struct cached_key **out)
{
    enum cache_answer answer;
    struct cached_key *k;

    pthread_mutex_lock(&c->lock);
    for (k = *bucket_of(c, id); k != NULL && memcmp(k->id, id, CACHE_ID_LEN) != 0; k = k->chain)
        ;
    answer = k != NULL ? found(c, k, job, out) : insert(c, id, out);
    pthread_mutex_unlock(&c->lock);
    return answer;
}

struct token_job *cache_opened(struct cache *c, struct cached_key *k, enum status st)
{
    struct token_job *parked;

    pthread_mutex_lock(&c->lock);
    parked = k->parked;
    k->parked = NULL;
    k->opening = false;
    if (st == ST_OK) {
        link_newest(c, k);
    } else {
        unlink_bucket(c, k);
        free(k);
    }
    pthread_mutex_unlock(&c->lock);
    return parked;
}

void cache_release(struct cached_key *k)
{
    atomic_fetch_sub_explicit(&k->pins, 1, memory_order_release);
}

unsigned cache_evict(struct cache *c, CK_OBJECT_HANDLE out[CACHE_EVICT_MAX])
{
    struct cached_key *k, *newer;
    unsigned n = 0;

    pthread_mutex_lock(&c->lock);
    for (k = c->oldest; k != NULL && c->count > c->limit && n < CACHE_EVICT_MAX; k = newer) {
        newer = k->newer;
        /* Pins rise only under the lock, so one that is seen at zero stays there. */
        if (atomic_load_explicit(&k->pins, memory_order_acquire) > 0)
            continue;
        out[n++] = k->key.handle;
        unlink_use(c, k);
        unlink_bucket(c, k);
        free(k);
    }
    pthread_mutex_unlock(&c->lock);
    return n;
}

void cache_forget(struct cache *c)
{
    struct cached_key *k, *older;

    pthread_mutex_lock(&c->lock);
    for (k = c->newest; k != NULL; k = older) {
        older = k->older;
        INVARIANT(atomic_load_explicit(&k->pins, memory_order_acquire) == 0);
        unlink_bucket(c, k);
        free(k);
    }
    INVARIANT(c->count == 0); /* nobody is opening one */
    c->newest = c->oldest = NULL;
    pthread_mutex_unlock(&c->lock);
}

unsigned cache_count(struct cache *c)
{
    unsigned n;

    pthread_mutex_lock(&c->lock);
    n = c->count;
    pthread_mutex_unlock(&c->lock);
    return n;
}
