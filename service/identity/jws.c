#include "service/identity/jws.h"

#include <openssl/err.h>

#include "firmware/base/base64url.h"

/* The part up to the next dot, or all that is left. */
static struct span take_part(struct span *rest)
{
    const uint8_t *dot = rest->len > 0 ? memchr(rest->p, '.', rest->len) : NULL;
    struct span part = *rest;

    if (dot == NULL) {
        *rest = (struct span){ 0 };
        return part;
    }
    part.len = (size_t)(dot - rest->p);
    *rest = span_of(dot + 1, rest->len - part.len - 1);
    return part;
}

/* Exactly two dots, and something between and around them: JWE has four, a JSON serialisation none. */
static bool split(struct span text, struct span part[3])
{
    struct span rest = text;
    size_t dots = 0;

    for (size_t i = 0; i < text.len; i++)
        dots += text.p[i] == '.';
    if (dots != 2)
        return false;
    for (size_t i = 0; i < 3; i++) {
        part[i] = take_part(&rest);
        if (part[i].len == 0)
            return false;
    }
    return true;
}

/* What we would have to understand and do not (RFC 7515, 4.1.11; RFC 7797), what would make it a JWE or nested, and
 * keys or places of keys that the sender chose (RFC 8725, 3.10). */
static bool has_forbidden(const json_t *header, enum jws_kind kind)
{
    static const char *const names[] = { "jwk", "jku", "x5u", "crit", "b64", "enc", "zip", "epk", "cty" };

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (json_object_get(header, names[i]) != NULL)
            return true;
    return kind == JWS_ACCESS_TOKEN && json_object_get(header, "x5c") != NULL;
}

/* RFC 9068, 2.1 and RFC 7519, 5.1: the media type may lack "application/", and its case does not count. */
static bool type_fits(const json_t *header, enum jws_kind kind)
{
    struct span typ;
    enum status st = json_get_text(header, "typ", &typ);

    if (st == ST_NOT_FOUND)
        return json_object_get(header, "typ") == NULL;
    if (st != ST_OK)
        return false;
    if (span_is_nocase(typ, "JWT"))
        return true;
    if (kind == JWS_ACCESS_TOKEN)
        return span_is_nocase(typ, "at+jwt") || span_is_nocase(typ, "application/at+jwt");
    return span_is_nocase(typ, "client-authentication+jwt");
}

static enum status read_header(struct jws *j, enum jws_kind kind, struct span text)
{
    struct bytes json = { 0 };
    struct span alg, kid;
    enum status st = ST_UNAUTHENTICATED;

    if (text.len > JWS_HEADER_MAX || base64url_decode(&json, text) != ST_OK ||
        json_read_object(bytes_span(&json), JWS_HEADER_MAX, &j->header) != ST_OK)
        goto done;
    if (json_get_text(j->header, "alg", &alg) != ST_OK || (j->alg = jws_alg_by_name(alg)) == JWS_ALG_UNKNOWN)
        goto done;
    if (has_forbidden(j->header, kind) || !type_fits(j->header, kind))
        goto done;
    if (json_object_get(j->header, "kid") != NULL &&
        (json_get_text(j->header, "kid", &kid) != ST_OK || !jwk_kid_valid(kid)))
        goto done;
    st = ST_OK;
done:
    bytes_clear(&json);
    return st;
}

enum status jws_parse(struct jws *j, enum jws_kind kind, struct span text)
{
    uint8_t signature[JWK_SIGNATURE_MAX];
    struct span part[3];

    *j = (struct jws){ .text = text };
    if (text.len > JWS_TEXT_MAX || !split(text, part))
        return ST_UNAUTHENTICATED;
    if (base64url_decoded_len(part[2].len) > sizeof signature ||
        base64url_decode_to(signature, &j->signature_len, part[2]) != ST_OK)
        return ST_UNAUTHENTICATED;
    j->payload = part[1];
    if (read_header(j, kind, part[0]) != ST_OK) {
        jws_clear(j);
        return ST_UNAUTHENTICATED;
    }
    return ST_OK;
}

void jws_clear(struct jws *j)
{
    json_decref(j->header);
    *j = (struct jws){ 0 };
}

/* cjose takes the algorithm from the header, which we have read more strictly and held against the key. It takes ECDSA
 * signatures of any even length as r and s, so the length is ours to check; DER is then refused with it. Salt of PSS:
 * as long as the digest (it passes -1). */
enum status jws_verify(const struct jws *j, const struct jwk *key)
{
    cjose_jws_t *jws;
    bool ok;

    if ((key->algs & BIT(j->alg)) == 0 || j->signature_len != key->signature_len)
        return ST_UNAUTHENTICATED;
    jws = cjose_jws_import((const char *)j->text.p, j->text.len, NULL);
    ok = jws != NULL && cjose_jws_verify(jws, key->key, NULL);
    cjose_jws_release(jws);
    if (!ok)
        ERR_clear_error(); /* or the next TLS call of this thread would take libcrypto's complaint for its own */
    return ok ? ST_OK : ST_UNAUTHENTICATED;
}

enum status jws_read_payload(const struct jws *j, json_t **out)
{
    struct bytes json = { 0 };
    enum status st = base64url_decode(&json, j->payload);

    if (st == ST_OK)
        st = json_read_object(bytes_span(&json), JWS_TEXT_MAX, out);
    bytes_clear(&json);
    return st == ST_OK || st == ST_NO_MEMORY ? st : ST_UNAUTHENTICATED;
}
