#include "tests/bench/jwk.h"

#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include "firmware/base/base64url.h"

static EVP_PKEY *key_from_params(const char *type, OSSL_PARAM_BLD *build)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY *key = NULL;

    if (ctx == NULL || params == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    OSSL_PARAM_free(params);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

bool jwk_member(const json_t *object, const char *name, struct bytes *out)
{
    struct span text = { 0 };

    return json_get_text(object, name, &text) == ST_OK && base64url_decode(out, text) == ST_OK;
}

static EVP_PKEY *ec_key(struct span x, struct span y)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    uint8_t point[65] = { 4 };
    EVP_PKEY *key = NULL;

    if (build != NULL && x.len == 32 && y.len == 32) {
        memcpy(point + 1, x.p, 32);
        memcpy(point + 33, y.p, 32);
        if (OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) == 1 &&
            OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point) == 1)
            key = key_from_params("EC", build);
    }
    OSSL_PARAM_BLD_free(build);
    return key;
}

static EVP_PKEY *rsa_key(struct span n, struct span e)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BIGNUM *modulus = BN_bin2bn(n.p, (int)n.len, NULL), *exponent = BN_bin2bn(e.p, (int)e.len, NULL);
    EVP_PKEY *key = NULL;

    if (build != NULL && modulus != NULL && exponent != NULL &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, exponent) == 1)
        key = key_from_params("RSA", build);
    OSSL_PARAM_BLD_free(build);
    BN_free(modulus);
    BN_free(exponent);
    return key;
}

EVP_PKEY *jwk_public_key(const json_t *jwk)
{
    struct bytes a = { 0 }, b = { 0 };
    EVP_PKEY *key = NULL;

    if (jwk_member(jwk, "n", &a) && jwk_member(jwk, "e", &b))
        key = rsa_key(bytes_span(&a), bytes_span(&b));
    else if (jwk_member(jwk, "x", &a) && jwk_member(jwk, "y", &b))
        key = ec_key(bytes_span(&a), bytes_span(&b));
    bytes_clear(&a);
    bytes_clear(&b);
    return key;
}
