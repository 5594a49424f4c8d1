#include "service/identity/verifier.h"

#include <openssl/evp.h>
#include <pthread.h>

#include "firmware/base/clock.h"
#include "service/identity/claims.h"
#include "service/identity/jws.h"
#include "service/identity/token_cache.h"

#define CACHE_LIMIT 65536

_Static_assert(ACCESS_TOKEN_MAX == JWS_TEXT_MAX, "one limit");

struct verifier {
    char issuer[PRINCIPAL_ISSUER_MAX + 1];
    size_t issuer_len;
    struct bytes audience; /* without a slash at its end */
    struct guid tenant_id;
    int64_t (*now)(void);
    EVP_MD *sha256; /* fetched once: looking it up for each token costs a tenth of hashing one */
    struct token_cache *cache;
    pthread_mutex_t lock; /* of `keys`: the pointer, not the set */
    struct jwk_set *keys;
};

/* ---- a digest context per thread, kept warm ---- */

static pthread_key_t context_key;
static pthread_once_t context_once = PTHREAD_ONCE_INIT;
static bool context_key_made;

static void free_context(void *context)
{
    EVP_MD_CTX_free(context);
}

static void make_context_key(void)
{
    context_key_made = pthread_key_create(&context_key, free_context) == 0;
}

static EVP_MD_CTX *thread_context(void)
{
    EVP_MD_CTX *context = pthread_getspecific(context_key);

    if (context == NULL && (context = EVP_MD_CTX_new()) != NULL && pthread_setspecific(context_key, context) != 0) {
        EVP_MD_CTX_free(context);
        context = NULL;
    }
    return context;
}

static enum status digest_token(const struct verifier *v, struct span token, uint8_t out[TOKEN_DIGEST_LEN])
{
    EVP_MD_CTX *context = thread_context();

    if (context == NULL || EVP_DigestInit_ex2(context, v->sha256, NULL) != 1 ||
        EVP_DigestUpdate(context, token.p, token.len) != 1 || EVP_DigestFinal_ex(context, out, NULL) != 1)
        return ST_NO_MEMORY;
    return ST_OK;
}

/* ---- the verifier ---- */

enum status verifier_new(const struct verifier_config *config, struct verifier **out)
{
    size_t issuer_len = strlen(config->issuer);
    struct verifier *v;
    enum status st = ST_NO_MEMORY;

    *out = NULL;
    if (issuer_len == 0 || issuer_len > PRINCIPAL_ISSUER_MAX || without_slash(span_text(config->audience)).len == 0)
        return ST_BAD_REQUEST; /* an issuer without audience would take everybody's tokens */
    if (pthread_once(&context_once, make_context_key) != 0 || !context_key_made || (v = calloc(1, sizeof *v)) == NULL)
        return ST_NO_MEMORY;
    pthread_mutex_init(&v->lock, NULL);
    memcpy(v->issuer, config->issuer, issuer_len + 1);
    v->issuer_len = issuer_len;
    v->tenant_id = config->tenant_id;
    v->now = config->now != NULL ? config->now : clock_unix_s;
    if (bytes_set(&v->audience, without_slash(span_text(config->audience))) != ST_OK ||
        (v->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL)) == NULL ||
        (v->keys = calloc(1, sizeof *v->keys)) == NULL) /* until there are keys, nobody is known */
        goto failed;
    atomic_init(&v->keys->references, 1);
    if ((st = token_cache_new(config->cache_limit > 0 ? config->cache_limit : CACHE_LIMIT, &v->cache)) != ST_OK)
        goto failed;
    *out = v;
    return ST_OK;
failed:
    verifier_free(v);
    return st;
}

void verifier_free(struct verifier *v)
{
    if (v == NULL)
        return;
    token_cache_free(v->cache);
    jwk_set_unref(v->keys);
    EVP_MD_free(v->sha256);
    bytes_clear(&v->audience);
    pthread_mutex_destroy(&v->lock);
    free(v);
}

enum status verifier_set_keys(struct verifier *v, struct span jwks)
{
    struct jwk_set *keys = NULL, *old;
    enum status st = jwk_set_parse(jwks, &keys);

    if (st != ST_OK)
        return st;
    pthread_mutex_lock(&v->lock);
    old = v->keys;
    v->keys = keys;
    token_cache_keep(v->cache, keys); /* under the lock: of two changes at once the later one has the last word */
    pthread_mutex_unlock(&v->lock);
    jwk_set_unref(old);
    return ST_OK;
}

static struct jwk_set *keys_in_force(struct verifier *v)
{
    struct jwk_set *keys;

    pthread_mutex_lock(&v->lock);
    keys = jwk_set_ref(v->keys);
    pthread_mutex_unlock(&v->lock);
    return keys;
}

/* The key the token names. It must name one: trying them all would let the token widen what is asked of us. */
static const struct jwk *find_key(const struct jwk_set *keys, const struct jws *j)
{
    struct span kid;

    return json_get_text(j->header, "kid", &kid) == ST_OK ? jwk_set_find(keys, kid) : NULL;
}

static enum status check_claims(const struct verifier *v, const struct jws *j, int64_t now, struct principal *out)
{
    struct claims_rules rules = { .issuer = span_of(v->issuer, v->issuer_len),
                                  .audience = bytes_span(&v->audience),
                                  .tenant_id = v->tenant_id,
                                  .now = now };
    json_t *claims = NULL;
    enum status st = jws_read_payload(j, &claims);

    if (st == ST_OK)
        st = claims_check(claims, &rules, out);
    json_decref(claims);
    return st;
}

static enum status check_fresh(struct verifier *v, struct span token, const uint8_t digest[TOKEN_DIGEST_LEN],
                               int64_t now, struct principal *out)
{
    uint64_t generation = token_cache_generation(v->cache);
    struct jwk_set *keys = keys_in_force(v);
    const struct jwk *key;
    struct jws j;
    enum status st;

    if ((st = jws_parse(&j, JWS_ACCESS_TOKEN, token)) != ST_OK)
        goto done;
    st = ST_UNAUTHENTICATED;
    if ((key = find_key(keys, &j)) != NULL && (st = jws_verify(&j, key)) == ST_OK &&
        (st = check_claims(v, &j, now, out)) == ST_OK)
        token_cache_put(v->cache, digest, key->id, generation, out);
done:
    jws_clear(&j);
    jwk_set_unref(keys);
    return st;
}

enum status verifier_check(struct verifier *v, struct span token, struct principal *out)
{
    uint8_t digest[TOKEN_DIGEST_LEN];
    int64_t now;
    enum status st;

    if (token.len == 0 || token.len > ACCESS_TOKEN_MAX)
        return ST_UNAUTHENTICATED;
    if ((st = digest_token(v, token, digest)) != ST_OK)
        return st;
    now = v->now();
    if (token_cache_find(v->cache, digest, now, out)) {
        memcpy(out->issuer, v->issuer, v->issuer_len + 1);
        return ST_OK;
    }
    return check_fresh(v, token, digest, now, out);
}
