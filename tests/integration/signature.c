#include "tests/integration/signature.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include "firmware/base/base64url.h"

static bool member(const json_t *jwk, const char *name, struct bytes *out)
{
    const char *text = json_string_value(json_object_get(jwk, name));

    return text != NULL && base64url_decode(out, span_text(text)) == ST_OK;
}

static EVP_PKEY *from_params(const char *type, OSSL_PARAM_BLD *build)
{
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *key = NULL;

    if (params == NULL || c == NULL || EVP_PKEY_fromdata_init(c) != 1 ||
        EVP_PKEY_fromdata(c, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(c);
    OSSL_PARAM_free(params);
    return key;
}

static EVP_PKEY *rsa_key(const struct bytes *n, const struct bytes *e)
{
    BIGNUM *modulus = BN_bin2bn(n->p, (int)n->len, NULL), *exponent = BN_bin2bn(e->p, (int)e->len, NULL);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY *key = NULL;

    if (OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, exponent) == 1)
        key = from_params("RSA", build);
    OSSL_PARAM_BLD_free(build);
    BN_free(modulus);
    BN_free(exponent);
    return key;
}

static EVP_PKEY *ec_key(const char *curve, const struct bytes *x, const struct bytes *y)
{
    static const char *const names[][2] = {
        { "P-256", "P-256" }, { "P-384", "P-384" }, { "P-521", "P-521" }, { "P-256K", "secp256k1" }
    };
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    struct bytes point = { 0 };
    EVP_PKEY *key = NULL;

    bytes_append_char(&point, 4); /* uncompressed (SEC 1, 2.3.3) */
    bytes_append(&point, x->p, x->len);
    bytes_append(&point, y->p, y->len);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(names[i][0], curve) == 0 &&
            OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, names[i][1], 0) == 1 &&
            OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point.p, point.len) == 1)
            key = from_params("EC", build);
    OSSL_PARAM_BLD_free(build);
    bytes_clear(&point);
    return key;
}

EVP_PKEY *jwk_public_key(const json_t *jwk)
{
    const char *curve = json_string_value(json_object_get(jwk, "crv"));
    struct bytes a = { 0 }, b = { 0 };
    EVP_PKEY *key = NULL;

    if (curve != NULL && member(jwk, "x", &a) && member(jwk, "y", &b))
        key = ec_key(curve, &a, &b);
    else if (curve == NULL && member(jwk, "n", &a) && member(jwk, "e", &b))
        key = rsa_key(&a, &b);
    bytes_clear(&a);
    bytes_clear(&b);
    return key;
}

/* r || s to DER. */
static bool ecdsa_der(const struct bytes *raw, struct bytes *der)
{
    ECDSA_SIG *sig = ECDSA_SIG_new();
    int half = (int)raw->len / 2, len;
    unsigned char *out = NULL;
    bool ok = false;

    if (raw->len % 2 == 0 && half > 0 &&
        ECDSA_SIG_set0(sig, BN_bin2bn(raw->p, half, NULL), BN_bin2bn(raw->p + half, half, NULL)) == 1 &&
        (len = i2d_ECDSA_SIG(sig, &out)) > 0)
        ok = bytes_set(der, span_of(out, (size_t)len)) == ST_OK;
    OPENSSL_free(out);
    ECDSA_SIG_free(sig);
    return ok;
}

bool signature_good(EVP_PKEY *key, const char *hash, bool pss, struct span digest, const char *signature)
{
    bool rsa = EVP_PKEY_is_a(key, "RSA") == 1, ok = false;
    struct bytes raw = { 0 }, der = { 0 };
    const struct bytes *checked = rsa ? &raw : &der;
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(key, NULL);

    if (base64url_decode(&raw, span_text(signature)) == ST_OK && (rsa || ecdsa_der(&raw, &der)) &&
        EVP_PKEY_verify_init(c) == 1 && EVP_PKEY_CTX_set_signature_md(c, EVP_get_digestbyname(hash)) == 1 &&
        (!rsa || EVP_PKEY_CTX_set_rsa_padding(c, pss ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING) == 1) &&
        (!rsa || !pss || EVP_PKEY_CTX_set_rsa_pss_saltlen(c, RSA_PSS_SALTLEN_DIGEST) == 1))
        ok = EVP_PKEY_verify(c, checked->p, checked->len, digest.p, digest.len) == 1;
    EVP_PKEY_CTX_free(c);
    bytes_clear(&raw);
    bytes_clear(&der);
    return ok;
}

char *sha256_base64url(const char *text, uint8_t digest[32])
{
    struct bytes out = { 0 };
    unsigned len = 32;

    INVARIANT(EVP_Digest(text, strlen(text), digest, &len, EVP_sha256(), NULL) == 1);
    base64url_append(&out, span_of(digest, len));
    INVARIANT(bytes_status(&out) == ST_OK);
    return (char *)out.p;
}
