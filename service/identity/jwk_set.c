#include "service/identity/jwk.h"

/* Take the usable keys of the array into `set`, which has room for all of them. */
static enum status fill(struct jwk_set *set, const json_t *keys)
{
    const json_t *object;
    size_t i;
    enum status st;

    json_array_foreach(keys, i, object)
    {
        struct jwk *k = &set->keys[set->count];

        if ((st = jwk_from_json(object, true, k)) == ST_UNSUPPORTED)
            continue;
        if (st != ST_OK)
            return st;
        if (jwk_set_find(set, span_text(k->kid)) != NULL) { /* which of the two is meant? */
            jwk_clear(k);
            return ST_BAD_REQUEST;
        }
        set->count++;
    }
    return ST_OK;
}

enum status jwk_set_parse(struct span text, struct jwk_set **out)
{
    json_t *root = NULL, *keys = NULL;
    struct jwk_set *set = NULL;
    enum status st;

    *out = NULL;
    if ((st = json_read_object(text, JWK_SET_TEXT_MAX, &root)) != ST_OK)
        return st == ST_NO_MEMORY ? st : ST_BAD_REQUEST;
    st = ST_BAD_REQUEST;
    if (json_get_array(root, "keys", &keys) != ST_OK || json_array_size(keys) > JWK_SET_MAX)
        goto done;
    if ((set = calloc(1, sizeof *set + json_array_size(keys) * sizeof set->keys[0])) == NULL) {
        st = ST_NO_MEMORY;
        goto done;
    }
    atomic_init(&set->references, 1);
    if ((st = fill(set, keys)) != ST_OK)
        goto done;
    *out = set;
    set = NULL;
done:
    jwk_set_unref(set);
    json_decref(root);
    return st;
}

struct jwk_set *jwk_set_ref(struct jwk_set *s)
{
    atomic_fetch_add_explicit(&s->references, 1, memory_order_relaxed);
    return s;
}

void jwk_set_unref(struct jwk_set *s)
{
    if (s == NULL || atomic_fetch_sub_explicit(&s->references, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < s->count; i++)
        jwk_clear(&s->keys[i]);
    free(s);
}

const struct jwk *jwk_set_find(const struct jwk_set *s, struct span kid)
{
    for (size_t i = 0; i < s->count; i++)
        if (span_is(kid, s->keys[i].kid))
            return &s->keys[i];
    return NULL;
}

bool jwk_set_has_id(const struct jwk_set *s, const uint8_t id[JWK_ID_LEN])
{
    for (size_t i = 0; i < s->count; i++)
        if (memcmp(s->keys[i].id, id, JWK_ID_LEN) == 0)
            return true;
    return false;
}
