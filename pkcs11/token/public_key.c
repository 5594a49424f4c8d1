#include "pkcs11/token/public_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#define POINT_MAX    (2 + 1 + 1 + 2 * 66) /* OCTET STRING, 04, two coordinates of P-521 */
#define EXPONENT_MAX 8

static const uint8_t oid_p256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
static const uint8_t oid_p384[] = { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22 };
static const uint8_t oid_p521[] = { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23 };
static const uint8_t oid_p256k[] = { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a };

static const struct {
    const uint8_t *oid;
    size_t oid_len;
    const char *group; /* libcrypto's name */
} curves[] = {
    [KEY_CURVE_P256] = { oid_p256, sizeof oid_p256, "P-256" },
    [KEY_CURVE_P384] = { oid_p384, sizeof oid_p384, "P-384" },
    [KEY_CURVE_P521] = { oid_p521, sizeof oid_p521, "P-521" },
    [KEY_CURVE_P256K] = { oid_p256k, sizeof oid_p256k, "secp256k1" },
};

struct span public_key_ec_params(enum key_curve curve)
{
    INVARIANT(curve != KEY_CURVE_NONE && (unsigned)curve < ARRAY_LEN(curves));
    return span_of(curves[curve].oid, curves[curve].oid_len);
}

static enum status from_data(const char *type, OSSL_PARAM_BLD *build, EVP_PKEY **out)
{
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL), *check = NULL;
    enum status st = ST_INTERNAL;

    *out = NULL;
    if (params == NULL || ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, out, EVP_PKEY_PUBLIC_KEY, params) != 1)
        goto done;
    if ((check = EVP_PKEY_CTX_new_from_pkey(NULL, *out, NULL)) != NULL && EVP_PKEY_public_check_quick(check) == 1)
        st = ST_OK;
done:
    ERR_clear_error();
    if (st != ST_OK) {
        EVP_PKEY_free(*out);
        *out = NULL;
    }
    EVP_PKEY_CTX_free(check);
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    return st;
}

static enum status rsa_from(struct span modulus, struct span exponent, EVP_PKEY **out)
{
    BIGNUM *n = BN_bin2bn(modulus.p, (int)modulus.len, NULL), *e = BN_bin2bn(exponent.p, (int)exponent.len, NULL);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    enum status st = ST_NO_MEMORY;

    if (n != NULL && e != NULL && build != NULL && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1)
        st = from_data("RSA", build, out);
    OSSL_PARAM_BLD_free(build);
    BN_free(n);
    BN_free(e);
    return st;
}

static enum status ec_from(enum key_curve curve, struct span point, EVP_PKEY **out)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    enum status st = ST_NO_MEMORY;

    if (build != NULL &&
        OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, curves[curve].group, 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point.p, point.len) == 1)
        st = from_data("EC", build, out);
    OSSL_PARAM_BLD_free(build);
    return st;
}

static enum status read_rsa(struct worker *w, CK_OBJECT_HANDLE object, const struct key_spec *spec, EVP_PKEY **out)
{
    uint8_t modulus[RSA_MODULUS_MAX], exponent[EXPONENT_MAX];
    size_t n_len, e_len;
    enum status st;

    if ((st = call_attribute(w, object, CKA_MODULUS, modulus, sizeof modulus, &n_len)) != ST_OK ||
        (st = call_attribute(w, object, CKA_PUBLIC_EXPONENT, exponent, sizeof exponent, &e_len)) != ST_OK)
        return st == ST_NOT_FOUND ? ST_INTERNAL : st;
    if ((st = rsa_from(span_of(modulus, n_len), span_of(exponent, e_len), out)) != ST_OK)
        return st;
    if ((unsigned)EVP_PKEY_get_bits(*out) == spec->bits)
        return ST_OK;
    EVP_PKEY_free(*out);
    *out = NULL;
    return ST_INTERNAL;
}

/* CKA_EC_POINT is an OCTET STRING in DER (PKCS#11 2.40, 2.3.3); all of ours are uncompressed. */
static struct span bare_point(struct span der, size_t want)
{
    size_t header = want < 128 ? 2 : 3;

    if (der.len == header + want && der.p[0] == 0x04 && der.p[header - 1] == want &&
        (header == 2 || der.p[1] == 0x81) && der.p[header] == 0x04)
        return span_of(der.p + header, want);
    return span_of(NULL, 0);
}

static enum status read_ec(struct worker *w, CK_OBJECT_HANDLE object, const struct key_spec *spec, EVP_PKEY **out)
{
    uint8_t der[POINT_MAX + 8];
    struct span point;
    size_t len;
    enum status st = call_attribute(w, object, CKA_EC_POINT, der, sizeof der, &len);

    if (st != ST_OK)
        return st == ST_NOT_FOUND ? ST_INTERNAL : st;
    point = bare_point(span_of(der, len), 1 + key_signature_len(spec));
    return point.len == 0 ? ST_INTERNAL : ec_from(spec->curve, point, out);
}

enum status public_key_read(struct worker *w, CK_OBJECT_HANDLE object, const struct key_spec *spec, EVP_PKEY **out)
{
    *out = NULL;
    return spec->type == KEY_TYPE_RSA ? read_rsa(w, object, spec, out) : read_ec(w, object, spec, out);
}

enum status public_key_der(EVP_PKEY *key, struct bytes *out)
{
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(key, &der);
    enum status st = len > 0 ? bytes_set(out, span_of(der, (size_t)len)) : ST_NO_MEMORY;

    ERR_clear_error();
    OPENSSL_free(der);
    return st;
}

static enum status ec_spec(struct worker *w, CK_OBJECT_HANDLE object, struct key_spec *out)
{
    uint8_t params[32];
    size_t len;
    enum status st = call_attribute(w, object, CKA_EC_PARAMS, params, sizeof params, &len);

    if (st != ST_OK)
        return st == ST_NOT_FOUND ? ST_UNSUPPORTED : st;
    for (unsigned c = KEY_CURVE_P256; c < ARRAY_LEN(curves); c++)
        if (span_equal(span_of(params, len), public_key_ec_params((enum key_curve)c))) {
            *out = (struct key_spec){ KEY_TYPE_EC, (enum key_curve)c, key_curve_bits((enum key_curve)c) };
            return ST_OK;
        }
    return ST_UNSUPPORTED;
}

enum status public_key_spec(struct worker *w, CK_OBJECT_HANDLE object, struct key_spec *out)
{
    uint8_t modulus[RSA_MODULUS_MAX];
    CK_KEY_TYPE type = 0;
    size_t len;
    enum status st = call_attribute(w, object, CKA_KEY_TYPE, &type, sizeof type, &len);

    if (st == ST_OK && type == CKK_EC)
        return ec_spec(w, object, out);
    if (st == ST_OK && type == CKK_RSA)
        st = call_attribute(w, object, CKA_MODULUS, modulus, sizeof modulus, &len);
    if (st != ST_OK)
        return st == ST_NOT_FOUND ? ST_UNSUPPORTED : st;
    *out = (struct key_spec){ KEY_TYPE_RSA, KEY_CURVE_NONE, (unsigned)len * 8 };
    return type == CKK_RSA && key_spec_valid(out) ? ST_OK : ST_UNSUPPORTED;
}
