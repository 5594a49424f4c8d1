#include "service/identity/throttle.h"

#include <openssl/rand.h>
#include <pthread.h>

#define SETS 1024
#define WAYS 4

struct counter {
    struct guid client; /* empty text: free */
    int64_t since;
    unsigned failures;
};
struct throttle {
    pthread_mutex_t lock;
    uint64_t seed; /* so that nobody can choose client ids that share a set with another's */
    struct counter counters[SETS][WAYS];
};

enum status throttle_new(struct throttle **out)
{
    struct throttle *t = calloc(1, sizeof *t);

    *out = NULL;
    if (t == NULL || RAND_bytes((unsigned char *)&t->seed, sizeof t->seed) != 1) {
        free(t);
        return ST_NO_MEMORY;
    }
    pthread_mutex_init(&t->lock, NULL);
    *out = t;
    return ST_OK;
}

void throttle_free(struct throttle *t)
{
    if (t == NULL)
        return;
    pthread_mutex_destroy(&t->lock);
    free(t);
}

static struct counter *set_of(struct throttle *t, const struct guid *client)
{
    uint64_t hash = t->seed;

    for (size_t i = 0; i < GUID_LEN; i++)
        hash = (hash ^ (uint8_t)client->text[i]) * 0x100000001b3u; /* FNV-1a, keyed */
    return t->counters[(hash ^ hash >> 32) % SETS];
}

/* The client's counter, or the one that is oldest, emptied for it. */
static struct counter *counter_of(struct throttle *t, const struct guid *client)
{
    struct counter *set = set_of(t, client), *oldest = &set[0];

    for (size_t i = 0; i < WAYS; i++) {
        if (guid_equal(&set[i].client, client))
            return &set[i];
        if (set[i].since < oldest->since)
            oldest = &set[i];
    }
    *oldest = (struct counter){ .client = *client };
    return oldest;
}

bool throttle_failed(struct throttle *t, const struct guid *client, int64_t now)
{
    struct counter *c;
    bool hot;

    pthread_mutex_lock(&t->lock);
    c = counter_of(t, client);
    if (c->failures == 0 || now - c->since >= THROTTLE_WINDOW_S || now < c->since) {
        c->since = now;
        c->failures = 0;
    }
    hot = c->failures >= THROTTLE_FAILURES;
    if (!hot)
        c->failures++;
    pthread_mutex_unlock(&t->lock);
    return hot;
}
