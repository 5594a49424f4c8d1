#include "pkcs11/token/cache.h"

#include "tests/unit/harness.h"

static const uint8_t *id_of(uint8_t n)
{
    static _Thread_local uint8_t id[CACHE_ID_LEN];

    id[3] = n;
    return id;
}

static struct cached_key *open_one(struct cache *c, uint8_t n)
{
    struct cached_key *k = NULL;

    CU_ASSERT_EQUAL(cache_acquire(c, id_of(n), NULL, &k), CACHE_OPEN);
    k->key.handle = 100u + n;
    CU_ASSERT_PTR_NULL(cache_opened(c, k, ST_OK));
    return k;
}

static void found_again(void)
{
    struct cached_key *a, *b = NULL;
    struct cache *c;

    CU_ASSERT_EQUAL(cache_new(4, &c), ST_OK);
    a = open_one(c, 1);
    CU_ASSERT_EQUAL(cache_acquire(c, id_of(1), NULL, &b), CACHE_FOUND);
    CU_ASSERT_PTR_EQUAL(a, b);
    cache_release(a);
    cache_release(b);
    CU_ASSERT_EQUAL(cache_count(c), 1);
    cache_free(c);
}

static void oldest_goes_first(void)
{
    CK_OBJECT_HANDLE out[CACHE_EVICT_MAX];
    struct cached_key *k = NULL;
    struct cache *c;

    CU_ASSERT_EQUAL(cache_new(3, &c), ST_OK);
    for (uint8_t n = 1; n <= 3; n++)
        cache_release(open_one(c, n));
    CU_ASSERT_EQUAL(cache_evict(c, out), 0);
    CU_ASSERT_EQUAL(cache_acquire(c, id_of(1), NULL, &k), CACHE_FOUND); /* used: 2 is the oldest now */
    cache_release(k);
    cache_release(open_one(c, 4));
    CU_ASSERT_EQUAL(cache_evict(c, out), 1);
    CU_ASSERT_EQUAL(out[0], 102);
    CU_ASSERT_EQUAL(cache_acquire(c, id_of(2), NULL, &k), CACHE_OPEN);
    CU_ASSERT_PTR_NULL(cache_opened(c, k, ST_CORRUPT));
    cache_free(c);
}

static void pinned_stay(void)
{
    CK_OBJECT_HANDLE out[CACHE_EVICT_MAX];
    struct cached_key *a, *b, *d;
    struct cache *c;

    CU_ASSERT_EQUAL(cache_new(1, &c), ST_OK);
    a = open_one(c, 1);
    b = open_one(c, 2);
    d = open_one(c, 3);
    CU_ASSERT_EQUAL(cache_evict(c, out), 0); /* all are in use: rather too many than a handle that is gone */
    cache_release(b);
    CU_ASSERT_EQUAL(cache_evict(c, out), 1);
    CU_ASSERT_EQUAL(out[0], 102);
    cache_release(a);
    cache_release(d);
    CU_ASSERT_EQUAL(cache_evict(c, out), 1);
    CU_ASSERT_EQUAL(out[0], 101);
    CU_ASSERT_EQUAL(cache_count(c), 1);
    cache_free(c);
}

static void single_flight(void)
{
    struct token_job jobs[3] = { 0 };
    struct cached_key *k = NULL, *other = NULL;
    struct token_job *parked;
    struct cache *c;
    unsigned n = 0;

    CU_ASSERT_EQUAL(cache_new(4, &c), ST_OK);
    CU_ASSERT_EQUAL(cache_acquire(c, id_of(1), &jobs[0], &k), CACHE_OPEN);
    CU_ASSERT_EQUAL(cache_acquire(c, id_of(1), &jobs[1], &other), CACHE_PARKED);
    CU_ASSERT_EQUAL(cache_acquire(c, id_of(1), &jobs[2], &other), CACHE_PARKED);
    for (parked = cache_opened(c, k, ST_OK); parked != NULL; parked = parked->next)
        n++;
    CU_ASSERT_EQUAL(n, 2);
    cache_release(k);
    /* After a failure the next one tries anew. */
    CU_ASSERT_EQUAL(cache_acquire(c, id_of(2), &jobs[0], &k), CACHE_OPEN);
    CU_ASSERT_EQUAL(cache_acquire(c, id_of(2), &jobs[1], &other), CACHE_PARKED);
    CU_ASSERT_PTR_EQUAL(cache_opened(c, k, ST_UNAVAILABLE), &jobs[1]);
    CU_ASSERT_EQUAL(cache_acquire(c, id_of(2), &jobs[1], &k), CACHE_OPEN);
    CU_ASSERT_PTR_NULL(cache_opened(c, k, ST_OK));
    cache_release(k);
    cache_free(c);
}

static void forgetting(void)
{
    struct cached_key *k = NULL;
    struct cache *c;

    CU_ASSERT_EQUAL(cache_new(200, &c), ST_OK);
    for (unsigned n = 0; n < 200; n++)
        cache_release(open_one(c, (uint8_t)n));
    cache_forget(c);
    CU_ASSERT_EQUAL(cache_count(c), 0);
    CU_ASSERT_EQUAL(cache_acquire(c, id_of(7), NULL, &k), CACHE_OPEN);
    CU_ASSERT_PTR_NULL(cache_opened(c, k, ST_OK));
    cache_release(k);
    cache_free(c);
    cache_free(NULL);
}

/* Handles stand for objects: `alive` tells whether one may be used. */
static atomic_uint alive[64];
static atomic_uint wrong;
static struct cache *shared;

static void *user(void *arg)
{
    unsigned seed = (unsigned)(uintptr_t)arg;

    for (unsigned round = 0; round < 20000; round++) {
        CK_OBJECT_HANDLE out[CACHE_EVICT_MAX];
        struct cached_key *k = NULL;
        struct token_job job;
        uint8_t n;

        seed = seed * 1103515245u + 12345u;
        n = (uint8_t)(seed >> 16) % 64;
        switch (cache_acquire(shared, id_of(n), &job, &k)) {
        case CACHE_OPEN:
            atomic_store(&alive[n], 1);
            k->key.handle = n;
            if (cache_opened(shared, k, ST_OK) != NULL)
                atomic_fetch_add(&wrong, 1);
            break;
        case CACHE_FOUND:
            break;
        case CACHE_PARKED:
        case CACHE_FULL:
            atomic_fetch_add(&wrong, 1);
            continue;
        }
        if (atomic_load(&alive[n]) == 0 || k->key.handle != n)
            atomic_fetch_add(&wrong, 1);
        cache_release(k);
        for (unsigned i = cache_evict(shared, out); i > 0; i--)
            atomic_store(&alive[out[i - 1]], 0);
    }
    return NULL;
}

static void many_evictions(void)
{
    CU_ASSERT_EQUAL(cache_new(5, &shared), ST_OK);
    user((void *)(uintptr_t)1); /* one thread, so none is ever parked; test_sealing.c has the crowd */
    CU_ASSERT_EQUAL(atomic_load(&wrong), 0);
    CU_ASSERT_EQUAL(cache_count(shared), 5);
    cache_free(shared);
}

int main(void)
{
    CU_TestInfo cases[] = {
        { "an open key is found again", found_again },
        { "the least recently used key goes first", oldest_goes_first },
        { "a key in use is not evicted", pinned_stay },
        { "others wait for the one that opens a key", single_flight },
        { "forgetting all keys", forgetting },
        { "a handle that was evicted is never given out", many_evictions },
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = { { "cache", NULL, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
