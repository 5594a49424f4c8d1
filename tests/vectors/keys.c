#include "tests/vectors/keys.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/x509.h>

#include "tests/vectors/der.h"

#define EC CKK_EC, CKM_EC_KEY_PAIR_GEN

static const struct curve curves[] = {
    { { "secp224r1", "P-224", "P-224" }, EC, { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x21 }, 7, 28 },
    { { "secp256r1", "P-256", "P-256" }, EC, { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 }, 10, 32 },
    { { "secp384r1", "P-384", "P-384" }, EC, { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22 }, 7, 48 },
    { { "secp521r1", "P-521", "P-521" }, EC, { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23 }, 7, 66 },
    { { "secp256k1", "P-256K", "secp256k1" }, EC, { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a }, 7, 32 },
    { { "edwards25519", "Ed25519", "ED-25519" },
      CKK_EC_EDWARDS,
      CKM_EC_EDWARDS_KEY_PAIR_GEN,
      { 0x06, 0x03, 0x2b, 0x65, 0x70 },
      5,
      32 },
    { { "edwards448", "Ed448", "ED-448" },
      CKK_EC_EDWARDS,
      CKM_EC_EDWARDS_KEY_PAIR_GEN,
      { 0x06, 0x03, 0x2b, 0x65, 0x71 },
      5,
      57 },
    { { "curve25519", "X25519", "X25519" },
      CKK_EC_MONTGOMERY,
      CKM_EC_MONTGOMERY_KEY_PAIR_GEN,
      { 0x06, 0x03, 0x2b, 0x65, 0x6e },
      5,
      32 },
    { { "curve448", "X448", "X448" },
      CKK_EC_MONTGOMERY,
      CKM_EC_MONTGOMERY_KEY_PAIR_GEN,
      { 0x06, 0x03, 0x2b, 0x65, 0x6f },
      5,
      56 },
};

const struct curve *curve_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(curves); i++)
        for (size_t j = 0; j < ARRAY_LEN(curves[i].names); j++)
            if (strcmp(curves[i].names[j], name) == 0)
                return &curves[i];
    return NULL;
}

static void template_class(struct template *tp, CK_OBJECT_CLASS class, CK_KEY_TYPE type)
{
    template_add_number(tp, CKA_CLASS, class);
    template_add_number(tp, CKA_KEY_TYPE, type);
    template_add_bool(tp, CKA_TOKEN, false);
}

/* Of a key that others follow from: what follows from a sensitive one may not be read, and we want to compare it. */
static void template_readable(struct template *tp)
{
    template_add_bool(tp, CKA_SENSITIVE, false);
    template_add_bool(tp, CKA_EXTRACTABLE, true);
}

static void template_uses(struct template *tp, unsigned use)
{
    static const CK_ATTRIBUTE_TYPE types[] = { CKA_ENCRYPT, CKA_DECRYPT, CKA_SIGN,   CKA_VERIFY,
                                               CKA_DERIVE,  CKA_WRAP,    CKA_UNWRAP, CKA_EXTRACTABLE };

    for (unsigned i = 0; i < ARRAY_LEN(types); i++)
        if ((use & BIT(i)) != 0)
            template_add_bool(tp, types[i], true);
    if ((use & USE_DERIVE) != 0)
        template_readable(tp);
}

bool curve_offered(struct token *t, const struct curve *c)
{
    static int known[ARRAY_LEN(curves)]; /* 1 yes, -1 no */
    int *answer = &known[c - curves];
    struct template public = { 0 }, private = { 0 };
    CK_OBJECT_HANDLE a, b;

    if (*answer == 0) {
        template_add(&public, CKA_EC_PARAMS, span_of(c->oid, c->oid_len));
        template_add_bool(&public, CKA_TOKEN, false);
        template_add_bool(&private, CKA_TOKEN, false);
        template_uses(&private, c->type == CKK_EC_MONTGOMERY ? USE_DERIVE : USE_SIGN);
        *answer = token_generate_pair(t, c->generation, &public, &private, &a, &b) == CKR_OK ? 1 : -1;
        token_destroy(t, a);
        token_destroy(t, b);
    }
    return *answer == 1;
}

CK_RV key_secret(struct token *t, CK_KEY_TYPE type, struct span value, unsigned use, CK_OBJECT_HANDLE *out)
{
    static const uint8_t none[1];
    struct template tp = { 0 };

    template_class(&tp, CKO_SECRET_KEY, type);
    template_uses(&tp, use);
    template_add(&tp, CKA_VALUE, value.len > 0 ? value : span_of(none, 0));
    return token_create(t, &tp, out);
}

CK_RV key_ec_public(struct token *t, const struct curve *c, struct span point, CK_OBJECT_HANDLE *out)
{
    struct template tp = { 0 };
    uint8_t octets[258];

    template_class(&tp, CKO_PUBLIC_KEY, c->type);
    template_uses(&tp, USE_VERIFY);
    template_add(&tp, CKA_EC_PARAMS, span_of(c->oid, c->oid_len));
    template_add(&tp, CKA_EC_POINT, der_octets(point, octets));
    return token_create(t, &tp, out);
}

CK_RV key_ec_private(struct token *t, const struct curve *c, struct span value, CK_OBJECT_HANDLE *out)
{
    struct template tp = { 0 };

    template_class(&tp, CKO_PRIVATE_KEY, c->type);
    template_uses(&tp, USE_DERIVE);
    template_add(&tp, CKA_EC_PARAMS, span_of(c->oid, c->oid_len));
    template_add(&tp, CKA_VALUE, value);
    return token_create(t, &tp, out);
}

CK_RV key_rsa_public(struct token *t, struct span modulus, struct span exponent, CK_OBJECT_HANDLE *out)
{
    struct template tp = { 0 };

    template_class(&tp, CKO_PUBLIC_KEY, CKK_RSA);
    template_uses(&tp, USE_VERIFY);
    template_add(&tp, CKA_MODULUS, modulus);
    template_add(&tp, CKA_PUBLIC_EXPONENT, exponent);
    return token_create(t, &tp, out);
}

CK_RV key_rsa_private(struct token *t, struct span pkcs8, unsigned use, CK_OBJECT_HANDLE *out)
{
    static const struct {
        CK_ATTRIBUTE_TYPE type;
        const char *name;
    } numbers[] = {
        { CKA_MODULUS, OSSL_PKEY_PARAM_RSA_N },
        { CKA_PUBLIC_EXPONENT, OSSL_PKEY_PARAM_RSA_E },
        { CKA_PRIVATE_EXPONENT, OSSL_PKEY_PARAM_RSA_D },
        { CKA_PRIME_1, OSSL_PKEY_PARAM_RSA_FACTOR1 },
        { CKA_PRIME_2, OSSL_PKEY_PARAM_RSA_FACTOR2 },
        { CKA_EXPONENT_1, OSSL_PKEY_PARAM_RSA_EXPONENT1 },
        { CKA_EXPONENT_2, OSSL_PKEY_PARAM_RSA_EXPONENT2 },
        { CKA_COEFFICIENT, OSSL_PKEY_PARAM_RSA_COEFFICIENT1 },
    };
    const unsigned char *p = pkcs8.p;
    EVP_PKEY *pkey = d2i_AutoPrivateKey(NULL, &p, (long)pkcs8.len);
    uint8_t value[ARRAY_LEN(numbers)][1024];
    struct template tp = { 0 };

    INVARIANT(pkey != NULL);
    template_class(&tp, CKO_PRIVATE_KEY, CKK_RSA);
    template_uses(&tp, use);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        BIGNUM *n = NULL;

        INVARIANT(EVP_PKEY_get_bn_param(pkey, numbers[i].name, &n) == 1 && BN_num_bytes(n) <= (int)sizeof value[i]);
        template_add(&tp, numbers[i].type, span_of(value[i], (size_t)BN_bn2bin(n, value[i])));
        BN_clear_free(n);
    }
    EVP_PKEY_free(pkey);
    return token_create(t, &tp, out);
}

CK_RV key_pqc_public(struct token *t, CK_KEY_TYPE type, CK_ULONG set, struct span value, CK_OBJECT_HANDLE *out)
{
    struct template tp = { 0 };

    template_class(&tp, CKO_PUBLIC_KEY, type);
    template_add_number(&tp, CKA_PARAMETER_SET, set);
    template_add_bool(&tp, type == CKK_ML_KEM ? CKA_ENCAPSULATE : CKA_VERIFY, true);
    template_add(&tp, CKA_VALUE, value);
    return token_create(t, &tp, out);
}

CK_RV key_pqc_private(struct token *t, CK_KEY_TYPE type, CK_ULONG set, struct span seed, struct span value,
                      CK_OBJECT_HANDLE *out)
{
    struct template tp = { 0 };

    template_class(&tp, CKO_PRIVATE_KEY, type);
    template_add_number(&tp, CKA_PARAMETER_SET, set);
    template_add_bool(&tp, type == CKK_ML_KEM ? CKA_DECAPSULATE : CKA_SIGN, true);
    if (type == CKK_ML_KEM)
        template_readable(&tp);
    if (seed.p != NULL)
        template_add(&tp, CKA_SEED, seed);
    if (value.p != NULL)
        template_add(&tp, CKA_VALUE, value);
    return token_create(t, &tp, out);
}
