#include "service/vault/scope.h"

#define OBJECT_NAME_MAX 127

/* Take "/<segment>" from the front. false: there is none. */
static bool next_segment(struct span *rest, struct span *segment)
{
    const uint8_t *end;

    if (rest->len < 2 || rest->p[0] != '/')
        return false;
    end = memchr(rest->p + 1, '/', rest->len - 1);
    *segment = span_of(rest->p + 1, end != NULL ? (size_t)(end - rest->p) - 1 : rest->len - 1);
    *rest = span_of(rest->p + 1 + segment->len, rest->len - 1 - segment->len);
    return segment->len > 0;
}

static bool next_word(struct span *rest, const char *word)
{
    struct span segment;

    return next_segment(rest, &segment) && span_is_nocase(segment, word);
}

static bool object_name_valid(struct span name)
{
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.p[i] | 0x20;

        if (!((c >= 'a' && c <= 'z') || (name.p[i] >= '0' && name.p[i] <= '9') || name.p[i] == '-'))
            return false;
    }
    return name.len >= 1 && name.len <= OBJECT_NAME_MAX;
}

static const char *collection_of(struct span word)
{
    static const char *const collections[] = { "keys", "secrets", "certificates" };

    for (size_t i = 0; i < ARRAY_LEN(collections); i++)
        if (span_is_nocase(word, collections[i]))
            return collections[i];
    return NULL;
}

bool scope_parse(struct scope *s, const char *text)
{
    struct span rest = span_text(text), segment;

    *s = (struct scope){ .kind = SCOPE_ROOT };
    if (span_is(rest, "/"))
        return true;
    s->kind = SCOPE_SUBSCRIPTION;
    if (!next_word(&rest, "subscriptions") || !next_segment(&rest, &segment) ||
        guid_parse(&s->subscription_id, segment) != ST_OK)
        return false;
    if (rest.len == 0)
        return true;
    s->kind = SCOPE_GROUP;
    if (!next_word(&rest, "resourceGroups") || !next_segment(&rest, &s->group))
        return false;
    if (rest.len == 0)
        return true;
    s->kind = SCOPE_VAULT;
    if (!next_word(&rest, "providers") || !next_word(&rest, "Microsoft.KeyVault") || !next_word(&rest, "vaults") ||
        !next_segment(&rest, &s->vault))
        return false;
    if (rest.len == 0)
        return true;
    s->kind = SCOPE_OBJECT;
    return next_segment(&rest, &segment) && (s->collection = collection_of(segment)) != NULL &&
           next_segment(&rest, &s->object) && object_name_valid(s->object) && rest.len == 0;
}
