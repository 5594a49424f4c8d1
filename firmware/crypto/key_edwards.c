#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>

#include "firmware/base/secret.h"
#include "firmware/crypto/key_inside.h"

/* Ed25519 (RFC 8032) and X25519 (RFC 7748): for a key, both are 32 bytes. */
#define LEN 32

CK_RV edwards_load(const struct attributes *a, struct key *k)
{
    const struct curve *c = curve_by_params(k->type, attributes_get(a, CKA_EC_PARAMS));
    struct key_params params;

    if (c == NULL)
        return CKR_ATTRIBUTE_VALUE_INVALID;
    k->curve = c;
    k->bits = c->bits;
    key_params_begin(&params);
    key_params_octets(&params, OSSL_PKEY_PARAM_PUB_KEY, curve_point(c, attributes_get(a, CKA_EC_POINT)));
    if (k->class == CKO_PRIVATE_KEY)
        key_params_octets(&params, OSSL_PKEY_PARAM_PRIV_KEY, attributes_get(a, CKA_VALUE));
    return key_params_make(&params, c->name, k->class == CKO_PRIVATE_KEY, &k->pkey);
}

/* Points of an order that divides the cofactor, little-endian, without the sign bit: y of edwards25519, u of
 * curve25519. Beside them 0 and 1, and p - 1, which both have. */
static const uint8_t order_8[][LEN] = {
    { 0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
      0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05 },
    { 0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
      0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a },
    { 0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a,
      0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00 },
    { 0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b,
      0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57 },
};

static bool is_low_order(struct span point)
{
    uint8_t n[LEN];
    bool middle_ff = true, middle_0 = true;

    memcpy(n, point.p, LEN);
    n[LEN - 1] &= 0x7f;
    for (unsigned i = 0; i < ARRAY_LEN(order_8); i++)
        if (memcmp(n, order_8[i], LEN) == 0)
            return true;
    for (unsigned i = 1; i < LEN - 1; i++) {
        middle_ff = middle_ff && n[i] == 0xff;
        middle_0 = middle_0 && n[i] == 0;
    }
    /* 0 and 1; p - 1 (p = 2^255 - 19), and all that is not below p and so is written in another way than it should */
    return (middle_0 && n[LEN - 1] == 0 && n[0] <= 1) || (middle_ff && n[LEN - 1] == 0x7f && n[0] >= 0xec);
}

/* Not every y has an x: (y^2 - 1) / (d y^2 + 1) must be a square (RFC 8032, 5.1.3). A fraction is one where the product
 * is. libcrypto would find out only when it verifies. */
static bool is_on_edwards25519(struct span point)
{
    static const char p_hex[] = "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed";
    static const char d_hex[] = "52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3";
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *y, *p = NULL, *d = NULL;
    uint8_t unsigned_y[LEN];
    bool found;

    memcpy(unsigned_y, point.p, LEN);
    unsigned_y[LEN - 1] &= 0x7f;
    y = BN_lebin2bn(unsigned_y, LEN, NULL);
    found = ctx != NULL && y != NULL && BN_hex2bn(&p, p_hex) > 0 && BN_hex2bn(&d, d_hex) > 0 &&
            BN_mod_sqr(y, y, p, ctx) && BN_mod_mul(d, d, y, p, ctx) && BN_add_word(d, 1) && BN_sub_word(y, 1) &&
            BN_mod_mul(y, y, d, p, ctx) && BN_kronecker(y, p, ctx) >= 0;

    BN_free(d);
    BN_free(p);
    BN_free(y);
    BN_CTX_free(ctx);
    return found;
}

static CK_RV make_public(const struct curve *c, struct span seed, uint8_t public[LEN])
{
    EVP_PKEY *pkey = NULL;
    size_t len = LEN;
    CK_RV rv = CKR_ATTRIBUTE_VALUE_INVALID;

    if (seed.len == LEN && (pkey = EVP_PKEY_new_raw_private_key_ex(NULL, c->name, NULL, seed.p, seed.len)) != NULL &&
        EVP_PKEY_get_raw_public_key(pkey, public, &len) == 1)
        rv = CKR_OK;
    EVP_PKEY_free(pkey);
    ERR_clear_error();
    return rv;
}

CK_RV edwards_complete(struct attributes *a, bool private)
{
    CK_KEY_TYPE type = attributes_ulong(a, CKA_KEY_TYPE, CKK_VENDOR_DEFINED);
    const struct curve *c = curve_by_params(type, attributes_get(a, CKA_EC_PARAMS));
    struct span given = attributes_get(a, CKA_EC_POINT), point = { 0 };
    uint8_t public[LEN];
    CK_RV rv;

    if (!attributes_has(a, CKA_EC_PARAMS) || !attributes_has(a, private ? CKA_VALUE : CKA_EC_POINT))
        return CKR_TEMPLATE_INCOMPLETE;
    if (c == NULL)
        return CKR_CURVE_NOT_SUPPORTED;
    if ((given.len > 0 || !private) && (point = curve_point(c, given)).p == NULL)
        return CKR_ATTRIBUTE_VALUE_INVALID;
    if (!private) {
        memcpy(public, point.p, LEN);
        rv = is_low_order(point) || (type == CKK_EC_EDWARDS && !is_on_edwards25519(point)) ? CKR_ATTRIBUTE_VALUE_INVALID
                                                                                           : CKR_OK;
    } else if ((rv = make_public(c, attributes_get(a, CKA_VALUE), public)) == CKR_OK && point.p != NULL &&
               memcmp(public, point.p, LEN) != 0) {
        /* A signature with another's public key in it gives the private one away. */
        rv = CKR_ATTRIBUTE_VALUE_INVALID;
    }
    return rv == CKR_OK ? key_set_point(a, span_of(public, LEN)) : rv;
}

CK_RV edwards_generate(struct attributes *public, struct attributes *private)
{
    struct span params = attributes_get(public, CKA_EC_PARAMS);
    const struct curve *c = curve_by_params(attributes_ulong(public, CKA_KEY_TYPE, CKK_VENDOR_DEFINED), params);
    uint8_t seed[LEN], point[LEN];
    size_t seed_len = LEN, point_len = LEN;
    EVP_PKEY *pkey;
    CK_RV rv = CKR_DEVICE_ERROR;

    if (params.p == NULL)
        return CKR_TEMPLATE_INCOMPLETE;
    if (c == NULL)
        return CKR_CURVE_NOT_SUPPORTED;
    if ((pkey = EVP_PKEY_Q_keygen(NULL, NULL, c->name)) != NULL &&
        EVP_PKEY_get_raw_private_key(pkey, seed, &seed_len) == 1 &&
        EVP_PKEY_get_raw_public_key(pkey, point, &point_len) == 1 &&
        (rv = key_set_point(public, span_of(point, LEN))) == CKR_OK &&
        (rv = key_set_point(private, span_of(point, LEN))) == CKR_OK &&
        (rv = attributes_set(private, CKA_EC_PARAMS, params)) == CKR_OK)
        rv = attributes_set(private, CKA_VALUE, span_of(seed, LEN));
    secret_wipe(seed, LEN);
    EVP_PKEY_free(pkey);
    return rv;
}
