#include "service/identity/assertion.h"

#include "firmware/base/base64url.h"
#include "service/identity/application_record.h"
#include "service/identity/authority_internal.h"
#include "service/identity/jws.h"

/* A thumbprint of `len` bytes in the header: base64url, and with padding too, as MSAL for Python writes it. */
static bool read_thumbprint(const json_t *header, const char *name, size_t len, uint8_t *out, bool *present)
{
    struct span text;
    enum status st = json_get_text(header, name, &text);
    size_t got = 0;

    *present = st == ST_OK;
    if (st != ST_OK)
        return st == ST_NOT_FOUND;
    if (text.len % 4 == 0)
        for (unsigned padding = 0; padding < 2 && text.len > 0 && text.p[text.len - 1] == '='; padding++)
            text.len--;
    return text.len == base64url_encoded_len(len) && base64url_decode_to(out, &got, text) == ST_OK && got == len;
}

/* The key the header names. With both thumbprints the stronger one counts; the certificate itself (`x5c`), where it is
 * sent along, is never looked at. */
static enum status find_key(struct store *store, const json_t *header, const struct guid *client_id, int64_t now,
                            struct application *app, struct jwk *key)
{
    uint8_t sha1[APPLICATION_SHA1_LEN], sha256[APPLICATION_DIGEST_LEN];
    bool has_sha1, has_sha256;

    if (!read_thumbprint(header, "x5t#S256", sizeof sha256, sha256, &has_sha256) ||
        !read_thumbprint(header, "x5t", sizeof sha1, sha1, &has_sha1) || (!has_sha1 && !has_sha256))
        return ST_UNAUTHENTICATED;
    return application_find_key(
        store, client_id, has_sha256 ? span_of(sha256, sizeof sha256) : span_of(sha1, sizeof sha1), now, app, key);
}

static bool is_client(const json_t *claims, const char *name, const struct guid *client_id)
{
    struct span text;
    struct guid id;

    return json_get_text(claims, name, &text) == ST_OK && guid_parse(&id, text) == ST_OK && guid_equal(&id, client_id);
}

/* Our token endpoint, as one text or a list of just that. */
static bool is_for_us(const json_t *claims, const struct authority *a)
{
    const json_t *aud = json_object_get(claims, "aud");

    if (json_is_array(aud) && json_array_size(aud) == 1)
        aud = json_array_get(aud, 0);
    return json_is_string(aud) &&
           authority_is_token_endpoint(a, span_of(json_string_value(aud), json_string_length(aud)));
}

/* Seconds, maybe with a fraction: MSAL for Python writes what time.time() gives it. */
static bool get_time(const json_t *claims, const char *name, double *out)
{
    const json_t *value = json_object_get(claims, name);

    *out = json_number_value(value);
    return json_is_number(value) && *out >= 0 && *out < 1e12;
}

static bool times_fit(const json_t *claims, int64_t now, int64_t *expires_at)
{
    static const char *const starts[] = { "nbf", "iat" };
    double at;

    if (!get_time(claims, "exp", &at) || at <= (double)now || at > (double)(now + ASSERTION_LIFETIME_MAX_S))
        return false;
    *expires_at = (int64_t)at + 1; /* rounded up: remembered for as long as it could be shown */
    for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
        if (json_object_get(claims, starts[i]) == NULL)
            continue;
        if (!get_time(claims, starts[i], &at) || at > (double)(now + ASSERTION_SKEW_S))
            return false;
    }
    return true;
}

static enum status check_claims(const struct authority *a, struct replay *replay, const struct jws *j,
                                const struct guid *client_id, int64_t now)
{
    json_t *claims = NULL;
    struct span jti;
    int64_t expires_at = 0;
    enum status st = jws_read_payload(j, &claims);

    if (st != ST_OK)
        return st;
    if (!is_client(claims, "iss", client_id) || !is_client(claims, "sub", client_id) || !is_for_us(claims, a) ||
        !times_fit(claims, now, &expires_at) || json_get_text(claims, "jti", &jti) != ST_OK || jti.len == 0 ||
        jti.len > ASSERTION_JTI_MAX)
        st = ST_UNAUTHENTICATED;
    else
        st = replay_use(replay, client_id, jti, j->text, now, expires_at);
    json_decref(claims);
    return st;
}

enum status assertion_check(const struct authority *a, struct store *store, struct replay *replay, struct span text,
                            const struct guid *client_id, int64_t now, struct application *out)
{
    struct jwk key = { 0 };
    struct jws j;
    enum status st;

    if ((st = jws_parse(&j, JWS_CLIENT_ASSERTION, text)) == ST_OK &&
        (st = find_key(store, j.header, client_id, now, out, &key)) == ST_OK && (st = jws_verify(&j, &key)) == ST_OK)
        st = check_claims(a, replay, &j, client_id, now);
    jwk_clear(&key);
    jws_clear(&j);
    return st;
}
