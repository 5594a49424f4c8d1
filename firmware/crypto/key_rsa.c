#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/rsa.h>

#include "firmware/base/secret.h"
#include "firmware/crypto/key_inside.h"

static const struct {
    CK_ATTRIBUTE_TYPE type;
    const char *name;
} numbers[] = {
    { CKA_MODULUS, OSSL_PKEY_PARAM_RSA_N },
    { CKA_PUBLIC_EXPONENT, OSSL_PKEY_PARAM_RSA_E },
    { CKA_PRIVATE_EXPONENT, OSSL_PKEY_PARAM_RSA_D }, /* from here on: private keys only */
    { CKA_PRIME_1, OSSL_PKEY_PARAM_RSA_FACTOR1 },
    { CKA_PRIME_2, OSSL_PKEY_PARAM_RSA_FACTOR2 },
    { CKA_EXPONENT_1, OSSL_PKEY_PARAM_RSA_EXPONENT1 },
    { CKA_EXPONENT_2, OSSL_PKEY_PARAM_RSA_EXPONENT2 },
    { CKA_COEFFICIENT, OSSL_PKEY_PARAM_RSA_COEFFICIENT1 },
};
#define PUBLIC_NUMBERS 2

CK_RV rsa_load(const struct attributes *a, struct key *k)
{
    bool private = k->class == CKO_PRIVATE_KEY;
    struct key_params params;

    k->bits = key_number_bits(attributes_get(a, CKA_MODULUS));
    key_params_begin(&params);
    for (unsigned i = 0; i < (private ? ARRAY_LEN(numbers) : PUBLIC_NUMBERS); i++)
        key_params_number(&params, numbers[i].name, attributes_get(a, numbers[i].type));
    return key_params_make(&params, "RSA", private, &k->pkey);
}

static CK_RV trim(struct attributes *a, CK_ATTRIBUTE_TYPE type)
{
    struct span given = attributes_get(a, type), n = key_number(a, type);
    uint8_t copy[RSA_LEN_MAX];
    CK_RV rv;

    if (n.len == given.len)
        return CKR_OK;
    if (n.len == 0) /* 0, where none of an RSA key's numbers is */
        return CKR_ATTRIBUTE_VALUE_INVALID;
    if (n.len > sizeof copy)
        return CKR_KEY_SIZE_RANGE;
    memcpy(copy, n.p, n.len);
    rv = attributes_set(a, type, span_of(copy, n.len));
    secret_wipe(copy, n.len);
    return rv;
}

CK_RV rsa_complete(struct attributes *a, bool private)
{
    CK_ULONG bits;
    CK_RV rv;

    if (!attributes_has(a, CKA_MODULUS) || !attributes_has(a, CKA_PUBLIC_EXPONENT) ||
        (private && !attributes_has(a, CKA_PRIVATE_EXPONENT)))
        return CKR_TEMPLATE_INCOMPLETE;
    for (unsigned i = 0; i < ARRAY_LEN(numbers); i++)
        if (attributes_has(a, numbers[i].type) && (rv = trim(a, numbers[i].type)) != CKR_OK)
            return rv;
    bits = key_number_bits(attributes_get(a, CKA_MODULUS));
    if ((rv = rsa_check_public(attributes_get(a, CKA_MODULUS), attributes_get(a, CKA_PUBLIC_EXPONENT))) != CKR_OK)
        return rv;
    if (private)
        return rsa_check_private(a);
    if (attributes_ulong(a, CKA_MODULUS_BITS, bits) != bits)
        return CKR_TEMPLATE_INCONSISTENT;
    return attributes_set_ulong(a, CKA_MODULUS_BITS, bits);
}

static CK_RV take_number(EVP_PKEY *pkey, unsigned which, struct attributes *a)
{
    uint8_t value[RSA_LEN_MAX];
    BIGNUM *n = NULL;
    int len = 0;
    CK_RV rv = CKR_DEVICE_ERROR;

    if (EVP_PKEY_get_bn_param(pkey, numbers[which].name, &n) == 1 && BN_num_bytes(n) <= (int)sizeof value) {
        len = BN_bn2bin(n, value);
        rv = attributes_set(a, numbers[which].type, span_of(value, (size_t)len));
    }
    secret_wipe(value, (size_t)len);
    BN_clear_free(n);
    return rv;
}

CK_RV rsa_generate(struct attributes *public, struct attributes *private)
{
    static const uint8_t f4[] = { 1, 0, 1 };
    size_t bits = attributes_ulong(public, CKA_MODULUS_BITS, 0);
    struct span e =
        attributes_has(public, CKA_PUBLIC_EXPONENT) ? key_number(public, CKA_PUBLIC_EXPONENT) : span_of(f4, sizeof f4);
    EVP_PKEY_CTX *context;
    EVP_PKEY *pkey = NULL;
    BIGNUM *exponent;
    CK_RV rv = CKR_DEVICE_ERROR;

    if (!attributes_has(public, CKA_MODULUS_BITS))
        return CKR_TEMPLATE_INCOMPLETE;
    if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX || bits % 8 != 0)
        return CKR_KEY_SIZE_RANGE;
    if (key_number_bits(e) < 17 || e.len > RSA_EXPONENT_MAX || (e.p[e.len - 1] & 1) == 0)
        return CKR_ATTRIBUTE_VALUE_INVALID;
    context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    exponent = BN_bin2bn(e.p, (int)e.len, NULL);
    if (context != NULL && exponent != NULL && EVP_PKEY_keygen_init(context) == 1 &&
        EVP_PKEY_CTX_set_rsa_keygen_bits(context, (int)bits) == 1 &&
        EVP_PKEY_CTX_set1_rsa_keygen_pubexp(context, exponent) == 1 && EVP_PKEY_generate(context, &pkey) == 1) {
        rv = CKR_OK;
        for (unsigned i = 0; i < ARRAY_LEN(numbers) && rv == CKR_OK; i++)
            rv = take_number(pkey, i, private);
        for (unsigned i = 0; i < PUBLIC_NUMBERS && rv == CKR_OK; i++)
            rv = take_number(pkey, i, public);
    }
    BN_free(exponent);
    EVP_PKEY_free(pkey);
    EVP_PKEY_CTX_free(context);
    return rv;
}
