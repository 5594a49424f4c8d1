/* ECDH on all curves, X25519, HKDF. */
#include "tests/vectors/cases.h"
#include "tests/vectors/der.h"
#include "tests/vectors/pkcs11_32.h"

static const char no_point[] = "public key is no SubjectPublicKeyInfo on a named curve: a token takes points";

void check_ecdh(struct work *w, const struct curve *c, struct span private, struct span point, struct span shared,
                struct outcome *o)
{
    CK_ECDH1_DERIVE_PARAMS params = { .kdf = CKD_NULL,
                                      .ulPublicDataLen = point.len,
                                      .pPublicData = (CK_BYTE *)(uintptr_t)point.p };
    CK_MECHANISM m = mechanism_of(CKM_ECDH1_DERIVE, &params, sizeof params);
    CK_OBJECT_HANDLE key, secret = CK_INVALID_HANDLE;
    CK_RV rv;

    if (!token_offers(w->token, CKM_ECDH1_DERIVE, CKF_DERIVE)) {
        outcome_left_out(o, not_offered("ECDH1_DERIVE"));
        return;
    }
    if (!curve_offered(w->token, c)) {
        outcome_left_out(o, curve_not_offered(c->names[0]));
        return;
    }
    rv = key_ec_private(w->token, c, private, &key);
    if (rv == CKR_OK)
        rv = token_derive(w->token, &m, key, c->len, &secret);
    outcome_rv(o, rv);
    o->right = rv == CKR_OK && token_secret_is(w->token, secret, shared);
    token_destroy(w->token, secret);
    token_destroy(w->token, key);
}

static const struct curve *group_curve(struct work *w, struct outcome *o)
{
    const struct curve *c = curve_find(json_text(w->group, "curve"));

    if (c == NULL)
        outcome_left_out(o, curve_not_offered(json_text(w->group, "curve")));
    return c;
}

static void ecdh_point_run(struct work *w, struct outcome *o)
{
    const struct curve *c = group_curve(w, o);

    if (c != NULL)
        check_ecdh(w, c, work_number(w, w->test, "private", c->len), work_hex(w, w->test, "public"),
                   work_hex(w, w->test, "shared"), o);
}

static void ecdh_spki_run(struct work *w, struct outcome *o)
{
    const struct curve *c = group_curve(w, o);
    struct span oid, point;

    if (c == NULL)
        return;
    if (!der_ec_public(work_hex(w, w->test, "public"), &oid, &point))
        outcome_left_out(o, no_point);
    else if (!span_equal(oid, span_of(c->oid, c->oid_len)))
        outcome_left_out(o, "public key names another curve: a token is not told");
    else
        check_ecdh(w, c, work_number(w, w->test, "private", c->len), point, work_hex(w, w->test, "shared"), o);
}

static void ecdh_jwk_run(struct work *w, struct outcome *o)
{
    const struct curve *c = group_curve(w, o), *named;
    const json_t *public = json_object_get(w->test, "public"), *private = json_object_get(w->test, "private");
    struct bytes *point = work_bytes(w);

    if (c == NULL)
        return;
    if ((named = curve_find(json_text(public, "crv"))) == NULL)
        named = c;
    bytes_append_char(point, 4);
    bytes_append_span(point, work_base64url(w, public, "x", named->len));
    bytes_append_span(point, work_base64url(w, public, "y", named->len));
    check_ecdh(w, c, work_base64url(w, private, "d", c->len), bytes_span(point), work_hex(w, w->test, "shared"), o);
}

static void xdh_run(struct work *w, struct outcome *o)
{
    const struct curve *c = group_curve(w, o);

    if (c != NULL)
        check_ecdh(w, c, work_hex(w, w->test, "private"), work_hex(w, w->test, "public"),
                   work_hex(w, w->test, "shared"), o);
}

static void xdh_jwk_run(struct work *w, struct outcome *o)
{
    const struct curve *c = group_curve(w, o);
    const json_t *public = json_object_get(w->test, "public"), *private = json_object_get(w->test, "private");

    if (c == NULL)
        return;
    if (strcmp(json_text(public, "kty"), "OKP") != 0 || curve_find(json_text(public, "crv")) != c ||
        json_object_get(public, "x") == NULL)
        outcome_left_out(o, "JWK of another kind: a token is not told");
    else
        check_ecdh(w, c, work_base64url(w, private, "d", c->len), work_base64url(w, public, "x", c->len),
                   work_hex(w, w->test, "shared"), o);
}

const struct family ecdh_point_family = { NULL, ecdh_point_run };
const struct family ecdh_spki_family = { NULL, ecdh_spki_run };
const struct family ecdh_jwk_family = { NULL, ecdh_jwk_run };
const struct family xdh_family = { NULL, xdh_run };
const struct family xdh_jwk_family = { NULL, xdh_jwk_run };

void check_hkdf(struct work *w, const struct hash *h, struct span ikm, struct span salt, struct span info, size_t len,
                struct span okm, struct outcome *o)
{
    struct hkdf_parameter params = { .extract = CK_TRUE,
                                     .expand = CK_TRUE,
                                     .prf = h->digest,
                                     .salt_type = salt.len > 0 ? CKF_HKDF_SALT_DATA : CKF_HKDF_SALT_NULL,
                                     .salt = salt.len > 0 ? (CK_BYTE *)(uintptr_t)salt.p : NULL,
                                     .salt_len = salt.len,
                                     .info = info.len > 0 ? (CK_BYTE *)(uintptr_t)info.p : NULL,
                                     .info_len = info.len };
    CK_MECHANISM m = mechanism_of(CKM_HKDF_DERIVE, &params, sizeof params);
    CK_OBJECT_HANDLE key, secret = CK_INVALID_HANDLE;
    CK_RV rv;

    if (!token_offers(w->token, CKM_HKDF_DERIVE, CKF_DERIVE)) {
        outcome_left_out(o, not_offered("HKDF_DERIVE"));
        return;
    }
    rv = key_secret(w->token, CKK_GENERIC_SECRET, ikm, USE_DERIVE, &key);
    if (rv == CKR_OK)
        rv = token_derive(w->token, &m, key, len, &secret);
    outcome_rv(o, rv);
    o->right = rv == CKR_OK && token_secret_is(w->token, secret, okm);
    token_destroy(w->token, secret);
    token_destroy(w->token, key);
}

static void hkdf_run(struct work *w, struct outcome *o)
{
    check_hkdf(w, hash_find(w->argument), work_hex(w, w->test, "ikm"), work_hex(w, w->test, "salt"),
               work_hex(w, w->test, "info"), (size_t)json_number(w->test, "size"), work_hex(w, w->test, "okm"), o);
}

const struct family hkdf_family = { NULL, hkdf_run };
