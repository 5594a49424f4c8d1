#include "service/identity/issuer_keys.h"

#include "firmware/base/log.h"
#include "service/identity/authority.h"

struct issuer_keys {
    struct store *store;
    struct verifier *verifier;
    struct store_watch *watch;
};

static void use(struct issuer_keys *k, struct span jwks)
{
    enum status st = verifier_set_keys(k->verifier, jwks);

    if (st != ST_OK)
        log_error("the authority's published keys are not usable: %s", status_name(st));
}

static void on_change(const struct store_record *r, void *arg)
{
    if (r->value.p != NULL && span_is(r->key, AUTHORITY_KEYS_RECORD))
        use(arg, r->value);
}

enum status issuer_keys_watch(struct store *management, struct verifier *v, struct issuer_keys **out)
{
    struct issuer_keys *k = calloc(1, sizeof *k);
    struct bytes jwks = { 0 };
    uint64_t revision;
    enum status st;

    *out = NULL;
    if (k == NULL)
        return ST_NO_MEMORY;
    k->store = management;
    k->verifier = v;
    if ((st = store_watch(management, span_text(AUTHORITY_KEYS_RECORD), on_change, k, &k->watch)) != ST_OK) {
        free(k);
        return st;
    }
    *out = k;
    /* Read after watching: what changes in between is told by the watch. */
    if ((st = store_get(management, span_text(AUTHORITY_KEYS_RECORD), &jwks, &revision)) == ST_OK)
        use(k, bytes_span(&jwks));
    else if (st == ST_NOT_FOUND)
        st = ST_OK;
    bytes_clear(&jwks);
    return st;
}

void issuer_keys_unwatch(struct issuer_keys *k)
{
    if (k == NULL)
        return;
    store_unwatch(k->store, k->watch);
    free(k);
}
