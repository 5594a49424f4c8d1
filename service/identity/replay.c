#include "service/identity/replay.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>

#define PARTS    64
#define BUCKETS  1024 /* of a part */
#define PART_MAX 4096

struct used {
    struct used *chain;
    uint8_t name[REPLAY_DIGEST_LEN]; /* SHA-256 of client and jti */
    uint8_t text[REPLAY_DIGEST_LEN]; /* of the assertion */
    int64_t first_used, expires_at;
};
struct part {
    size_t count;
    int64_t swept_at;
    struct used **buckets; /* made with the first entry */
};
struct replay {
    pthread_mutex_t lock;
    bool single_use;
    uint8_t seed[16]; /* so that nobody can choose ids that share a part with another's */
    struct part parts[PARTS];
};

enum status replay_new(bool single_use, struct replay **out)
{
    struct replay *r = calloc(1, sizeof *r);

    *out = NULL;
    if (r == NULL || RAND_bytes(r->seed, sizeof r->seed) != 1) {
        free(r);
        return ST_NO_MEMORY;
    }
    pthread_mutex_init(&r->lock, NULL);
    r->single_use = single_use;
    *out = r;
    return ST_OK;
}

/* Free every entry of the bucket that ended at or before `now`. */
static size_t sweep_bucket(struct used **at, int64_t now)
{
    size_t freed = 0;

    while (*at != NULL) {
        struct used *u = *at;

        if (u->expires_at > now) {
            at = &u->chain;
            continue;
        }
        *at = u->chain;
        free(u);
        freed++;
    }
    return freed;
}

static void sweep(struct part *p, int64_t now)
{
    for (size_t i = 0; p->buckets != NULL && i < BUCKETS; i++)
        p->count -= sweep_bucket(&p->buckets[i], now);
    p->swept_at = now;
}

void replay_free(struct replay *r)
{
    if (r == NULL)
        return;
    for (size_t i = 0; i < PARTS; i++) {
        sweep(&r->parts[i], INT64_MAX);
        free(r->parts[i].buckets);
    }
    pthread_mutex_destroy(&r->lock);
    free(r);
}

static bool digest(const struct replay *r, struct span a, struct span b, uint8_t out[REPLAY_DIGEST_LEN])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ok = context != NULL && EVP_DigestInit_ex2(context, EVP_sha256(), NULL) == 1 &&
              EVP_DigestUpdate(context, r->seed, sizeof r->seed) == 1 && EVP_DigestUpdate(context, a.p, a.len) == 1 &&
              EVP_DigestUpdate(context, b.p, b.len) == 1 && EVP_DigestFinal_ex(context, out, NULL) == 1;

    EVP_MD_CTX_free(context);
    return ok;
}

static enum status use_again(const struct replay *r, const struct used *u, const uint8_t text[REPLAY_DIGEST_LEN],
                             int64_t now)
{
    if (r->single_use || memcmp(u->text, text, sizeof u->text) != 0 || now - u->first_used >= REPLAY_REUSE_S)
        return ST_UNAUTHENTICATED;
    return ST_OK;
}

static enum status use(const struct replay *r, struct part *p, const struct used *wanted, int64_t now)
{
    struct used **bucket, *u;

    if (p->buckets == NULL && (p->buckets = calloc(BUCKETS, sizeof p->buckets[0])) == NULL)
        return ST_NO_MEMORY;
    bucket = &p->buckets[((size_t)wanted->name[0] << 8 | wanted->name[1]) % BUCKETS];
    for (u = *bucket; u != NULL; u = u->chain)
        if (u->expires_at > now && memcmp(u->name, wanted->name, sizeof u->name) == 0)
            return use_again(r, u, wanted->text, now);
    if (p->count >= PART_MAX && p->swept_at != now) /* once a second, or a flood would have us do nothing else */
        sweep(p, now);
    if (p->count >= PART_MAX)
        return ST_BUSY;
    if ((u = malloc(sizeof *u)) == NULL)
        return ST_NO_MEMORY;
    *u = *wanted;
    u->chain = *bucket;
    *bucket = u;
    p->count++;
    return ST_OK;
}

enum status replay_use(struct replay *r, const struct guid *client, struct span jti, struct span text, int64_t now,
                       int64_t expires_at)
{
    struct used wanted = { .first_used = now, .expires_at = expires_at };
    uint8_t home[REPLAY_DIGEST_LEN];
    enum status st;

    /* The client's id has a fixed length, so id and jti cannot be shifted against each other. */
    if (!digest(r, span_of(client->text, GUID_LEN), jti, wanted.name) ||
        !digest(r, text, (struct span){ 0 }, wanted.text) ||
        !digest(r, span_of(client->text, GUID_LEN), (struct span){ 0 }, home))
        return ST_NO_MEMORY;
    pthread_mutex_lock(&r->lock);
    st = use(r, &r->parts[home[0] % PARTS], &wanted, now);
    pthread_mutex_unlock(&r->lock);
    return st;
}
