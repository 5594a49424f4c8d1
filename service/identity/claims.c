#include "service/identity/claims.h"

struct span without_slash(struct span text)
{
    if (text.len > 0 && text.p[text.len - 1] == '/')
        text.len--;
    return text;
}

static bool is_our_audience(const json_t *value, const struct claims_rules *rules)
{
    return json_is_string(value) &&
           span_equal(without_slash(span_of(json_string_value(value), json_string_length(value))), rules->audience);
}

/* `aud` is a text or a list of texts (RFC 7519, 4.1.3); one of them is ours, whole. */
static bool audience_fits(const json_t *claims, const struct claims_rules *rules)
{
    const json_t *aud = json_object_get(claims, "aud"), *one;
    bool found = false;
    size_t i;

    if (!json_is_array(aud))
        return is_our_audience(aud, rules);
    if (json_array_size(aud) > CLAIMS_AUDIENCES_MAX)
        return false;
    json_array_foreach(aud, i, one)
    {
        if (!json_is_string(one))
            return false;
        found = found || is_our_audience(one, rules);
    }
    return found;
}

/* Whole seconds. There is no tolerance for `exp`: a token that has ended has ended. */
static bool times_fit(const json_t *claims, int64_t now, int64_t *expires_at)
{
    static const char *const starts[] = { "nbf", "iat" };
    int64_t at;

    if (json_get_int(claims, "exp", 0, INT64_MAX, expires_at) != ST_OK || *expires_at <= now ||
        *expires_at > now + CLAIMS_LIFETIME_MAX_S)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
        if (json_object_get(claims, starts[i]) == NULL)
            continue;
        if (json_get_int(claims, starts[i], 0, INT64_MAX, &at) != ST_OK || at > now + CLAIMS_SKEW_S)
            return false;
    }
    return true;
}

static enum status get_guid(const json_t *claims, const char *name, struct guid *out)
{
    struct span text;
    enum status st = json_get_text(claims, name, &text);

    return st == ST_OK ? guid_parse(out, text) : st;
}

/* `appid` in tokens of version 1, `azp` in those of version 2; both may be there, and then agree. */
static bool read_application(const json_t *claims, struct guid *out)
{
    struct guid azp;
    enum status v1 = get_guid(claims, "appid", out), v2 = get_guid(claims, "azp", &azp);

    if ((v1 != ST_OK && v1 != ST_NOT_FOUND) || (v2 != ST_OK && v2 != ST_NOT_FOUND) || (v1 != ST_OK && v2 != ST_OK))
        return false;
    if (v1 == ST_OK && v2 == ST_OK)
        return guid_equal(out, &azp);
    if (v2 == ST_OK)
        *out = azp;
    return true;
}

static bool read_groups(const json_t *claims, struct principal *out)
{
    json_t *groups = NULL, *group;
    enum status st = json_get_array(claims, "groups", &groups);
    size_t i;

    out->group_count = 0;
    if (st != ST_OK)
        return st == ST_NOT_FOUND;
    if (json_array_size(groups) > PRINCIPAL_GROUPS_MAX)
        return false;
    json_array_foreach(groups, i, group)
    {
        if (!json_is_string(group) ||
            guid_parse(&out->groups[i], span_of(json_string_value(group), json_string_length(group))) != ST_OK)
            return false;
        out->group_count = i + 1;
    }
    return true;
}

/* How did the user's client prove itself? "0": not at all, a public client. Where the token does not say, it is taken
 * for a confidential one: the compound identity that follows has fewer rights. */
static bool client_is_public(const json_t *claims, bool *is_public)
{
    static const char *const names[] = { "appidacr", "azpacr" };
    struct span how;
    enum status st = ST_NOT_FOUND;

    *is_public = false;
    for (size_t i = 0; i < ARRAY_LEN(names) && st == ST_NOT_FOUND; i++)
        st = json_get_text(claims, names[i], &how);
    if (st == ST_OK)
        *is_public = span_is(how, "0");
    return st == ST_OK || st == ST_NOT_FOUND;
}

/* `idtyp` says it where it is there; without it a delegated scope means a user. */
static bool read_kind(const json_t *claims, enum principal_kind *out)
{
    struct span idtyp, scp;
    enum status typed = json_get_text(claims, "idtyp", &idtyp), scoped = json_get_text(claims, "scp", &scp);
    bool user, is_public;

    if ((typed != ST_OK && typed != ST_NOT_FOUND) || (scoped != ST_OK && scoped != ST_NOT_FOUND))
        return false;
    user = typed == ST_OK ? span_is(idtyp, "user") : scoped == ST_OK;
    if (!user) {
        *out = PRINCIPAL_APPLICATION;
        return scoped == ST_NOT_FOUND && (typed == ST_NOT_FOUND || span_is(idtyp, "app"));
    }
    if (!client_is_public(claims, &is_public))
        return false;
    *out = is_public ? PRINCIPAL_USER : PRINCIPAL_APPLICATION_USER;
    return true;
}

enum status claims_check(const json_t *claims, const struct claims_rules *rules, struct principal *out)
{
    struct span issuer;

    if (json_get_text(claims, "iss", &issuer) != ST_OK || !span_equal(issuer, rules->issuer) ||
        issuer.len > PRINCIPAL_ISSUER_MAX)
        return ST_UNAUTHENTICATED;
    if (!audience_fits(claims, rules) || !times_fit(claims, rules->now, &out->expires_at))
        return ST_UNAUTHENTICATED;
    if (get_guid(claims, "tid", &out->tenant_id) != ST_OK || !guid_equal(&out->tenant_id, &rules->tenant_id) ||
        get_guid(claims, "oid", &out->object_id) != ST_OK || !read_application(claims, &out->application_id))
        return ST_UNAUTHENTICATED;
    if (!read_groups(claims, out) || !read_kind(claims, &out->kind))
        return ST_UNAUTHENTICATED;
    /* The token is bound to a key (RFC 7800), so whoever merely bears it is not who it was made for. */
    if (json_object_get(claims, "cnf") != NULL)
        return ST_UNAUTHENTICATED;
    memcpy(out->issuer, issuer.p, issuer.len);
    out->issuer[issuer.len] = '\0';
    return ST_OK;
}
