#include "service/identity/issuer_keys.h"

#include <pthread.h>

#include "firmware/base/log.h"
#include "service/identity/authority.h"

struct issuer_keys {
    struct store *store;
    struct verifier *verifier;
    struct store_watch *watch;
    pthread_mutex_t lock;
    uint64_t revision; /* of the keys in use */
};

/* What is older than what is in use is not taken: the first read and the watch may overtake each other. */
static void use(struct issuer_keys *k, struct span jwks, uint64_t revision)
{
    enum status st = ST_OK;

    pthread_mutex_lock(&k->lock);
    if (revision > k->revision) {
        k->revision = revision;
        st = verifier_set_keys(k->verifier, jwks);
    }
    pthread_mutex_unlock(&k->lock);
    if (st != ST_OK)
        log_error("the authority's published keys are not usable: %s", status_name(st));
}

static void on_change(const struct store_record *r, void *arg)
{
    if (r->value.p != NULL && span_is(r->key, AUTHORITY_KEYS_RECORD))
        use(arg, r->value, r->revision);
}

enum status issuer_keys_watch(struct store *management, struct verifier *v, struct issuer_keys **out)
{
    struct issuer_keys *k = calloc(1, sizeof *k);
    struct bytes jwks = { 0 };
    uint64_t revision = 0;
    enum status st;

    *out = NULL;
    if (k == NULL)
        return ST_NO_MEMORY;
    k->store = management;
    k->verifier = v;
    pthread_mutex_init(&k->lock, NULL);
    if ((st = store_watch(management, span_text(AUTHORITY_KEYS_RECORD), on_change, k, &k->watch)) != ST_OK) {
        pthread_mutex_destroy(&k->lock);
        free(k);
        return st;
    }
    /* Read after watching: what changes in between is told by the watch. */
    if ((st = store_get(management, span_text(AUTHORITY_KEYS_RECORD), &jwks, &revision)) == ST_OK)
        use(k, bytes_span(&jwks), revision);
    bytes_clear(&jwks);
    if (st == ST_OK || st == ST_NOT_FOUND) {
        *out = k;
        return ST_OK;
    }
    issuer_keys_unwatch(k);
    return st;
}

void issuer_keys_unwatch(struct issuer_keys *k)
{
    if (k == NULL)
        return;
    store_unwatch(k->store, k->watch);
    pthread_mutex_destroy(&k->lock);
    free(k);
}
