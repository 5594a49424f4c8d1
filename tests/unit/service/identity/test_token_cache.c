#include "service/identity/token_cache.h"

#include "tests/unit/service/identity/signer.h"

static void digest_of(unsigned i, uint8_t out[TOKEN_DIGEST_LEN])
{
    struct bytes n = { 0 };
    unsigned len = 0;

    bytes_append_u32(&n, i);
    CU_ASSERT_EQUAL(EVP_Digest(n.p, n.len, out, &len, EVP_sha256(), NULL), 1);
    bytes_clear(&n);
}

static const uint8_t key_a[JWK_ID_LEN] = { 1 };

static struct principal somebody(int64_t expires_at)
{
    return (struct principal){ .object_id = guid_random(), .expires_at = expires_at, .group_count = 0 };
}

static void put(struct token_cache *c, unsigned i, int64_t expires_at)
{
    struct principal who = somebody(expires_at);
    uint8_t digest[TOKEN_DIGEST_LEN];

    digest_of(i, digest);
    token_cache_put(c, digest, key_a, token_cache_generation(c), &who);
}

static bool find(struct token_cache *c, unsigned i, int64_t now)
{
    struct principal who;
    uint8_t digest[TOKEN_DIGEST_LEN];

    digest_of(i, digest);
    return token_cache_find(c, digest, now, &who);
}

static void least_recently_used(void)
{
    struct token_cache *c = NULL;

    CU_ASSERT_EQUAL_FATAL(token_cache_new(3, &c), ST_OK);
    for (unsigned i = 0; i < 3; i++)
        put(c, i, 1000);
    CU_ASSERT_TRUE(find(c, 0, 1));
    put(c, 3, 1000); /* 1 was not used for longest */
    CU_ASSERT_TRUE(find(c, 0, 1));
    CU_ASSERT_FALSE(find(c, 1, 1));
    CU_ASSERT_TRUE(find(c, 2, 1));
    CU_ASSERT_TRUE(find(c, 3, 1));
    put(c, 4, 1000);
    CU_ASSERT_FALSE(find(c, 0, 1));
    token_cache_free(c);
    CU_ASSERT_EQUAL_FATAL(token_cache_new(1, &c), ST_OK);
    for (unsigned i = 0; i < 5; i++) {
        put(c, i, 1000);
        CU_ASSERT_TRUE(find(c, i, 1));
        CU_ASSERT_EQUAL(find(c, i - 1, 1), false);
    }
    token_cache_free(c);
    token_cache_free(NULL);
}

static void bound(void)
{
    struct token_cache *c = NULL;
    unsigned kept = 0;

    CU_ASSERT_EQUAL_FATAL(token_cache_new(2048, &c), ST_OK);
    for (unsigned i = 0; i < 10000; i++)
        put(c, i, 1000);
    for (unsigned i = 0; i < 10000; i++)
        kept += find(c, i, 1);
    CU_ASSERT(kept <= 2048);
    CU_ASSERT(kept > 2000);
    token_cache_free(c);
}

static void ends(void)
{
    struct token_cache *c = NULL;

    CU_ASSERT_EQUAL_FATAL(token_cache_new(10, &c), ST_OK);
    put(c, 1, 1000);
    CU_ASSERT_TRUE(find(c, 1, 999));
    CU_ASSERT_FALSE(find(c, 1, 1000));
    CU_ASSERT_FALSE(find(c, 1, 999)); /* dropped, not just hidden */
    put(c, 1, 1000);
    CU_ASSERT_TRUE(find(c, 1, 999));
    token_cache_free(c);
}

static void old_generation(void)
{
    struct token_cache *c = NULL;
    struct jwk_set *keys = NULL;
    struct bytes jwks = { 0 };
    struct principal who = somebody(1000), got;
    uint8_t digest[TOKEN_DIGEST_LEN];
    uint64_t before;

    CU_ASSERT_EQUAL_FATAL(token_cache_new(10, &c), ST_OK);
    signer_jwks(&jwks);
    CU_ASSERT_EQUAL_FATAL(jwk_set_parse(bytes_span(&jwks), &keys), ST_OK);
    digest_of(1, digest);
    before = token_cache_generation(c);
    token_cache_keep(c, keys); /* between the check of a token and its being remembered */
    token_cache_put(c, digest, keys->keys[0].id, before, &who);
    CU_ASSERT_FALSE(token_cache_find(c, digest, 1, &got));
    token_cache_put(c, digest, keys->keys[0].id, token_cache_generation(c), &who);
    CU_ASSERT_TRUE(token_cache_find(c, digest, 1, &got));
    put(c, 2, 1000); /* by a key that is not in the set */
    CU_ASSERT_TRUE(find(c, 2, 1));
    token_cache_keep(c, keys);
    CU_ASSERT_TRUE(token_cache_find(c, digest, 1, &got));
    CU_ASSERT_FALSE(find(c, 2, 1));
    jwk_set_unref(keys);
    token_cache_free(c);
    bytes_clear(&jwks);
}

static CU_TestInfo cases[] = {
    { "the least recently used goes first", least_recently_used },
    { "there are never more than the limit", bound },
    { "what has ended is dropped", ends },
    { "what was verified with older keys is not remembered, what is of a key that has gone is dropped",
      old_generation },
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = { { .pName = "cache of tokens", .pTests = cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
