#include <pthread.h>
#include <stdio.h>

#include "service/vault/key_cache.h"
#include "tests/unit/harness.h"

static struct guid vault_a, vault_b;

static int set_up(void)
{
    vault_a = guid_random();
    vault_b = guid_random();
    return 0;
}

static const struct key_version *put(struct key_cache *c, const struct guid *vault, const char *name,
                                     const char *version)
{
    struct key_version *v = key_version_new();
    const struct key_version *found;
    uint64_t epoch;

    CU_ASSERT_FATAL(v != NULL);
    found = key_cache_get(c, vault, span_text(name), span_text(version), &epoch);
    CU_ASSERT_PTR_NULL(found);
    key_cache_put(c, vault, span_text(name), span_text(version), v, epoch);
    key_version_unref(v); /* the cache has its own reference */
    return v;
}

static const struct key_version *get(struct key_cache *c, const struct guid *vault, const char *name,
                                     const char *version)
{
    uint64_t epoch;
    const struct key_version *v = key_cache_get(c, vault, span_text(name), span_text(version), &epoch);

    key_version_unref(v);
    return v;
}

static void finds(void)
{
    struct key_cache *c;
    const struct key_version *v;

    CU_ASSERT_EQUAL_FATAL(key_cache_new(100, &c), ST_OK);
    v = put(c, &vault_a, "Name", "");
    CU_ASSERT_PTR_EQUAL(get(c, &vault_a, "nAME", ""), v);
    CU_ASSERT_PTR_NULL(get(c, &vault_b, "name", ""));
    CU_ASSERT_PTR_NULL(get(c, &vault_a, "name", "00112233445566778899aabbccddeeff"));
    CU_ASSERT_PTR_NULL(get(c, &vault_a, "names", ""));
    key_cache_drop(c, &vault_a, span_text("NAME"), (struct span){ 0 });
    CU_ASSERT_PTR_NULL(get(c, &vault_a, "name", ""));
    key_cache_free(c);
}

static void bounded(void)
{
    struct key_cache *c;
    char name[32];
    size_t kept = 0;

    CU_ASSERT_EQUAL_FATAL(key_cache_new(64, &c), ST_OK);
    for (int i = 0; i < 2000; i++) {
        snprintf(name, sizeof name, "key-%d", i);
        put(c, &vault_a, name, "");
    }
    for (int i = 0; i < 2000; i++) {
        snprintf(name, sizeof name, "key-%d", i);
        kept += get(c, &vault_a, name, "") != NULL;
    }
    CU_ASSERT_TRUE(kept > 0 && kept <= 64 + 16);
    CU_ASSERT_PTR_NOT_NULL(get(c, &vault_a, "key-1999", "")); /* the newest is there */
    CU_ASSERT_PTR_NULL(get(c, &vault_a, "key-0", ""));        /* the oldest is not */
    key_cache_free(c);
}

static void stale_snapshots(void)
{
    struct key_version *old = key_version_new();
    struct key_cache *c;
    uint64_t epoch;

    CU_ASSERT_EQUAL_FATAL(key_cache_new(64, &c), ST_OK);
    CU_ASSERT_PTR_NULL(key_cache_get(c, &vault_a, span_text("k"), (struct span){ 0 }, &epoch));
    key_cache_drop(c, &vault_a, span_text("k"), (struct span){ 0 }); /* changed while it was being read */
    key_cache_put(c, &vault_a, span_text("k"), (struct span){ 0 }, old, epoch);
    CU_ASSERT_PTR_NULL(get(c, &vault_a, "k", ""));
    key_version_unref(old);
    key_cache_free(c);
}

struct racer {
    struct key_cache *cache;
    unsigned seed;
};

static void *race(void *arg)
{
    struct racer *r = arg;
    char name[16];

    for (int i = 0; i < 20000; i++) {
        const struct key_version *v;
        struct key_version *made;
        uint64_t epoch;

        r->seed = r->seed * 1103515245u + 12345u;
        snprintf(name, sizeof name, "k%u", r->seed >> 16 & 127);
        if ((v = key_cache_get(r->cache, &vault_a, span_text(name), (struct span){ 0 }, &epoch)) != NULL) {
            CU_ASSERT_TRUE(atomic_load(&((struct key_version *)v)->refs) >= 1);
            key_version_unref(v);
        } else if ((made = key_version_new()) != NULL) {
            key_cache_put(r->cache, &vault_a, span_text(name), (struct span){ 0 }, made, epoch);
            key_version_unref(made);
        }
        if (i % 7 == 0)
            key_cache_drop(r->cache, &vault_a, span_text(name), (struct span){ 0 });
    }
    return NULL;
}

static void many_threads(void)
{
    struct racer racers[8];
    pthread_t threads[8];
    struct key_cache *c;

    CU_ASSERT_EQUAL_FATAL(key_cache_new(32, &c), ST_OK);
    for (unsigned i = 0; i < 8; i++) {
        racers[i] = (struct racer){ c, i * 7919 };
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
    }
    for (unsigned i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    key_cache_free(c); /* the address sanitizer sees what is left or freed twice */
}

int main(void)
{
    static CU_TestInfo cases[] = {
        { "an entry is found by vault, name of any case and version, until it is dropped", finds },
        { "the oldest go first, and there are never more than the limit", bounded },
        { "a snapshot read before a change is not put in after it", stale_snapshots },
        { "eight threads get, put and drop", many_threads },
        CU_TEST_INFO_NULL,
    };
    static CU_SuiteInfo suites[] = { { "key cache", set_up, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
