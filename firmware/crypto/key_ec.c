#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>

#include "firmware/base/secret.h"
#include "firmware/crypto/key_inside.h"

CK_RV ec_load(const struct attributes *a, struct key *k)
{
    const struct curve *c = curve_by_params(CKK_EC, attributes_get(a, CKA_EC_PARAMS));
    struct key_params params;

    if (c == NULL)
        return CKR_ATTRIBUTE_VALUE_INVALID;
    k->curve = c;
    k->bits = c->bits;
    key_params_begin(&params);
    key_params_text(&params, OSSL_PKEY_PARAM_GROUP_NAME, c->name);
    key_params_octets(&params, OSSL_PKEY_PARAM_PUB_KEY, curve_point(c, attributes_get(a, CKA_EC_POINT)));
    if (k->class == CKO_PRIVATE_KEY)
        key_params_number(&params, OSSL_PKEY_PARAM_PRIV_KEY, attributes_get(a, CKA_VALUE));
    return key_params_make(&params, "EC", k->class == CKO_PRIVATE_KEY, &k->pkey);
}

/* On the curve and not at infinity: the order of all our groups is prime, so that is all (SP 800-56A, 5.6.2.3.4). */
static CK_RV check_point(const EC_GROUP *group, struct span point)
{
    EC_POINT *p = EC_POINT_new(group);
    CK_RV rv = CKR_ATTRIBUTE_VALUE_INVALID;

    if (p == NULL)
        return CKR_HOST_MEMORY;
    if (EC_POINT_oct2point(group, p, point.p, point.len, NULL) == 1 && EC_POINT_is_at_infinity(group, p) == 0 &&
        EC_POINT_is_on_curve(group, p, NULL) == 1)
        rv = CKR_OK;
    EC_POINT_free(p);
    return rv;
}

/* The scalar's range; its value in full length; the point that belongs to it, into `point`. */
static CK_RV check_scalar(const struct curve *c, const EC_GROUP *group, struct attributes *a, uint8_t *point)
{
    struct span given = key_number(a, CKA_VALUE);
    uint8_t scalar[CURVE_SCALAR_MAX];
    BIGNUM *d = given.len <= c->scalar_len ? BN_bin2bn(given.p, (int)given.len, BN_secure_new()) : NULL;
    EC_POINT *p = EC_POINT_new(group);
    CK_RV rv = CKR_ATTRIBUTE_VALUE_INVALID;

    if (d != NULL && p != NULL && !BN_is_zero(d) && BN_cmp(d, EC_GROUP_get0_order(group)) < 0) {
        BN_set_flags(d, BN_FLG_CONSTTIME);
        rv = CKR_DEVICE_ERROR;
        if (EC_POINT_mul(group, p, d, NULL, NULL, NULL) == 1 &&
            EC_POINT_point2oct(group, p, POINT_CONVERSION_UNCOMPRESSED, point, c->point_len, NULL) == c->point_len &&
            BN_bn2binpad(d, scalar, (int)c->scalar_len) == (int)c->scalar_len)
            rv = attributes_set(a, CKA_VALUE, span_of(scalar, c->scalar_len));
        secret_wipe(scalar, sizeof scalar);
    }
    EC_POINT_free(p);
    BN_clear_free(d);
    return rv;
}

CK_RV ec_complete(struct attributes *a, bool private)
{
    const struct curve *c = curve_by_params(CKK_EC, attributes_get(a, CKA_EC_PARAMS));
    struct span given = attributes_get(a, CKA_EC_POINT), point = { 0 };
    uint8_t made[CURVE_POINT_MAX];
    EC_GROUP *group;
    CK_RV rv = CKR_OK;

    if (!attributes_has(a, CKA_EC_PARAMS) || !attributes_has(a, private ? CKA_VALUE : CKA_EC_POINT))
        return CKR_TEMPLATE_INCOMPLETE;
    if (c == NULL)
        return CKR_CURVE_NOT_SUPPORTED;
    if (given.len > 0 && (point = curve_point(c, given)).p == NULL)
        return CKR_ATTRIBUTE_VALUE_INVALID;
    if ((group = EC_GROUP_new_by_curve_name(c->nid)) == NULL)
        return CKR_HOST_MEMORY;
    if (!private) {
        rv = CKR_ATTRIBUTE_VALUE_INVALID;
        if (point.p != NULL && (rv = check_point(group, point)) == CKR_OK)
            memcpy(made, point.p, point.len);
    } else if ((rv = check_scalar(c, group, a, made)) == CKR_OK && point.p != NULL &&
               memcmp(made, point.p, c->point_len) != 0) {
        rv = CKR_ATTRIBUTE_VALUE_INVALID;
    }
    EC_GROUP_free(group);
    ERR_clear_error();
    return rv == CKR_OK ? key_set_point(a, span_of(made, c->point_len)) : rv;
}

CK_RV ec_generate(struct attributes *public, struct attributes *private)
{
    struct span params = attributes_get(public, CKA_EC_PARAMS);
    const struct curve *c = curve_by_params(CKK_EC, params);
    uint8_t point[CURVE_POINT_MAX], scalar[CURVE_SCALAR_MAX];
    EVP_PKEY *pkey;
    BIGNUM *d = NULL;
    size_t len = 0;
    CK_RV rv = CKR_DEVICE_ERROR;

    if (params.p == NULL)
        return CKR_TEMPLATE_INCOMPLETE;
    if (c == NULL)
        return CKR_CURVE_NOT_SUPPORTED;
    if ((pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", c->name)) != NULL &&
        EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &len) == 1 &&
        len == c->point_len && EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_PRIV_KEY, &d) == 1 &&
        BN_bn2binpad(d, scalar, (int)c->scalar_len) == (int)c->scalar_len &&
        (rv = key_set_point(public, span_of(point, len))) == CKR_OK &&
        (rv = key_set_point(private, span_of(point, len))) == CKR_OK &&
        (rv = attributes_set(private, CKA_EC_PARAMS, params)) == CKR_OK)
        rv = attributes_set(private, CKA_VALUE, span_of(scalar, c->scalar_len));
    secret_wipe(scalar, sizeof scalar);
    BN_clear_free(d);
    EVP_PKEY_free(pkey);
    return rv;
}
