#include "service/identity/authority_internal.h"

#include <openssl/sha.h>

#include "firmware/base/base64url.h"
#include "firmware/base/clock.h"
#include "service/identity/jwk.h"

#define LIFETIME_S    3600
#define TENANT_ADFS   "adfs" /* the alias for which MSAL asks nobody else first (spec: clients.md 13.1) */
#define TOKEN_PATH_V1 "/oauth2/token"
#define TOKEN_PATH_V2 "/oauth2/v2.0/token"

/* ---- keys ---- */

/* `canonical` with the members that a verifier needs besides: what stands behind its opening brace follows ours. */
static enum status write_jwks(struct authority *a, const struct bytes *canonical)
{
    struct span members = span_of(canonical->p + 1, canonical->len - 1);

    bytes_printf(&a->jwks, "{\"keys\":[{\"kid\":\"%s\",\"use\":\"sig\",\"alg\":\"RS256\",", a->kid);
    bytes_append_span(&a->jwks, members);
    bytes_append_text(&a->jwks, "]}");
    return bytes_status(&a->jwks);
}

/* The kid is the key's own thumbprint (RFC 7638): the same after every restart, another for another key. */
static enum status read_key(struct authority *a)
{
    struct bytes canonical = { 0 }, kid = { 0 };
    struct jwk_set *set = NULL;
    uint8_t digest[SHA256_DIGEST_LENGTH];
    enum status st;

    if ((st = token_public_key(a->token, TOKEN_LABEL_AUTHORITY, &a->public_key)) != ST_OK ||
        (st = jwk_canonical(a->public_key, &canonical)) != ST_OK)
        goto done;
    st = ST_UNSUPPORTED;
    if (!EVP_PKEY_is_a(a->public_key, "RSA") || SHA256(canonical.p, canonical.len, digest) == NULL)
        goto done;
    base64url_append(&kid, span_of(digest, sizeof digest));
    if ((st = bytes_status(&kid)) != ST_OK)
        goto done;
    memcpy(a->kid, kid.p, AUTHORITY_KID_LEN);
    if ((st = write_jwks(a, &canonical)) != ST_OK)
        goto done;
    if ((st = jwk_set_parse(bytes_span(&a->jwks), &set)) ==
        ST_BAD_REQUEST) /* a key that our own verifier would refuse */
        st = ST_UNSUPPORTED;
done:
    jwk_set_unref(set);
    bytes_clear(&canonical);
    bytes_clear(&kid);
    return st;
}

static enum status publish(struct authority *a)
{
    struct store_write write = { .key = span_text(AUTHORITY_KEYS_RECORD),
                                 .value = bytes_span(&a->jwks),
                                 .expected = STORE_ANY };
    struct store_commit commit = { .writes = &write, .count = 1 };
    struct bytes there = { 0 };
    enum status st = store_get(a->store, write.key, &there, NULL);

    if (st == ST_OK && span_equal(bytes_span(&there), write.value)) /* nothing new to tell the verifiers */
        st = ST_OK;
    else if (st == ST_OK || st == ST_NOT_FOUND)
        st = store_commit(a->store, &commit);
    bytes_clear(&there);
    return st;
}

/* ---- life ---- */

static enum status copy_config(struct authority *a, const struct authority_config *config)
{
    struct bytes issuer = { 0 };
    size_t count = 0;

    while (config->resources[count] != NULL)
        count++;
    bytes_printf(&issuer, "%s/%s/v2.0", config->base_url, config->tenant_id.text);
    a->base_url = span_dup_text(span_text(config->base_url));
    a->issuer = span_dup_text(bytes_span(&issuer));
    a->resources = calloc(count + 1, sizeof a->resources[0]);
    bytes_clear(&issuer);
    if (a->base_url == NULL || a->issuer == NULL || a->issuer[0] == '\0' || a->resources == NULL)
        return ST_NO_MEMORY;
    for (size_t i = 0; i < count; i++)
        if ((a->resources[i] = span_dup_text(span_text(config->resources[i]))) == NULL)
            return ST_NO_MEMORY;
    a->tenant_id = config->tenant_id;
    a->lifetime_s = config->lifetime_s > 0 ? config->lifetime_s : LIFETIME_S;
    a->store = config->store;
    a->token = config->token;
    a->now = config->now != NULL ? config->now : clock_unix_s;
    return ST_OK;
}

enum status authority_new(const struct authority_config *config, struct authority **out)
{
    struct authority *a = calloc(1, sizeof *a);
    enum status st;

    *out = NULL;
    if (a == NULL)
        return ST_NO_MEMORY;
    if ((st = copy_config(a, config)) != ST_OK || (st = throttle_new(&a->throttle)) != ST_OK ||
        (st = replay_new(config->single_use_assertions, &a->replay)) != ST_OK || (st = read_key(a)) != ST_OK ||
        (st = publish(a)) != ST_OK) {
        authority_free(a);
        return st;
    }
    *out = a;
    return ST_OK;
}

void authority_free(struct authority *a)
{
    if (a == NULL)
        return;
    for (size_t i = 0; a->resources != NULL && a->resources[i] != NULL; i++)
        free(a->resources[i]);
    free(a->resources);
    free(a->base_url);
    free(a->issuer);
    EVP_PKEY_free(a->public_key);
    bytes_clear(&a->jwks);
    throttle_free(a->throttle);
    replay_free(a->replay);
    free(a);
}

/* ---- names ---- */

const char *authority_issuer(const struct authority *a)
{
    return a->issuer;
}

bool authority_is_tenant(const struct authority *a, struct span segment)
{
    return span_is_nocase(segment, a->tenant_id.text) || span_is_nocase(segment, TENANT_ADFS);
}

bool authority_is_token_endpoint(const struct authority *a, struct span url)
{
    struct span base = span_text(a->base_url), path;
    const uint8_t *query = url.len > 0 ? memchr(url.p, '?', url.len) : NULL, *slash;

    if (query != NULL) /* JavaScript appends ?client-request-id=.. */
        url.len = (size_t)(query - url.p);
    if (!span_starts_with(url, base) || url.len <= base.len || url.p[base.len] != '/')
        return false;
    url = span_of(url.p + base.len + 1, url.len - base.len - 1);
    if ((slash = url.len > 0 ? memchr(url.p, '/', url.len) : NULL) == NULL)
        return false;
    path = span_of(slash, url.len - (size_t)(slash - url.p));
    return authority_is_tenant(a, span_of(url.p, (size_t)(slash - url.p))) &&
           (span_is(path, TOKEN_PATH_V1) || span_is(path, TOKEN_PATH_V2));
}

/* ---- documents ---- */

static void put_texts(struct json_writer *w, const char *name, const char *const *texts)
{
    json_open_array(w, name);
    for (; *texts != NULL; texts++)
        json_put_text(w, NULL, span_text(*texts));
    json_close_array(w);
}

static void put_endpoint(struct json_writer *w, const struct authority *a, const char *name, struct span segment,
                         const char *path)
{
    struct bytes url = { 0 };

    bytes_printf(&url, "%s/", a->base_url);
    bytes_append_span(&url, segment);
    bytes_append_text(&url, path);
    if (bytes_status(&url) != ST_OK)
        w->out->failed = true;
    json_put_text(w, name, bytes_span(&url));
    bytes_clear(&url);
}

enum status authority_discovery(const struct authority *a, struct span segment, struct bytes *out)
{
    static const char *const methods[] = { "client_secret_post", "private_key_jwt", "client_secret_basic", NULL };
    static const char *const assertion_algs[] = { "RS256", "PS256", "ES256", NULL };
    static const char *const grants[] = { "client_credentials", NULL };
    static const char *const algs[] = { "RS256", NULL };
    static const char *const subjects[] = { "pairwise", NULL };
    static const char *const scopes[] = { "openid", "profile", "email", "offline_access", NULL };
    static const char *const responses[] = { "code", NULL };
    static const char *const modes[] = { "query", NULL };
    static const char *const claims[] = { "aud",   "iss", "iat", "nbf", "exp", "appid", "azp",
                                          "idtyp", "oid", "sub", "tid", "uti", "ver",   NULL };
    struct json_writer w;

    if (!authority_is_tenant(a, segment))
        return ST_NOT_FOUND;
    bytes_reset(out);
    json_begin(&w, out);
    json_open_object(&w, NULL);
    put_endpoint(&w, a, "token_endpoint", segment, TOKEN_PATH_V2);
    put_endpoint(&w, a, "authorization_endpoint", segment, "/oauth2/v2.0/authorize");
    put_endpoint(&w, a, "jwks_uri", segment, "/discovery/v2.0/keys");
    json_put_text(&w, "issuer", span_text(a->issuer));
    put_texts(&w, "token_endpoint_auth_methods_supported", methods);
    put_texts(&w, "token_endpoint_auth_signing_alg_values_supported", assertion_algs);
    put_texts(&w, "grant_types_supported", grants);
    put_texts(&w, "response_types_supported", responses);
    put_texts(&w, "response_modes_supported", modes);
    put_texts(&w, "subject_types_supported", subjects);
    put_texts(&w, "id_token_signing_alg_values_supported", algs);
    put_texts(&w, "scopes_supported", scopes);
    put_texts(&w, "claims_supported", claims);
    json_put_null(&w, "tenant_region_scope");
    json_close_object(&w);
    return bytes_status(out);
}

enum status authority_jwks(const struct authority *a, struct bytes *out)
{
    return bytes_set(out, bytes_span(&a->jwks));
}
