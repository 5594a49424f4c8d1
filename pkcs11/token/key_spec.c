#include "pkcs11/token/key_spec.h"

#define RSA_SIGNATURE(n, d, len)                                                                                       \
    {                                                                                                                  \
        .name = n, .kind = ALG_KIND_SIGNATURE, .type = KEY_TYPE_RSA, .digest = d, .digest_len = len                    \
    }
#define EC_SIGNATURE(n, c, d, len)                                                                                     \
    {                                                                                                                  \
        .name = n, .kind = ALG_KIND_SIGNATURE, .type = KEY_TYPE_EC, .curve = c, .digest = d, .digest_len = len         \
    }
#define RSA_ENCRYPTION(n, d)                                                                                           \
    {                                                                                                                  \
        .name = n, .kind = ALG_KIND_RSA_ENCRYPTION, .type = KEY_TYPE_RSA, .digest = d                                  \
    }
#define MAC(n, d, bits, len)                                                                                           \
    {                                                                                                                  \
        .name = n, .kind = ALG_KIND_MAC, .type = KEY_TYPE_OCT, .key_bits = bits, .digest = d, .digest_len = len        \
    }
#define CIPHER(n, k, bits)                                                                                             \
    {                                                                                                                  \
        .name = n, .kind = k, .type = KEY_TYPE_OCT, .key_bits = bits                                                   \
    }

static const struct alg_info algs[TOKEN_ALG_COUNT_] = {
    [TOKEN_ALG_NONE] = { .name = "" },
    [TOKEN_RS256] = RSA_SIGNATURE("RS256", "SHA256", 32),
    [TOKEN_RS384] = RSA_SIGNATURE("RS384", "SHA384", 48),
    [TOKEN_RS512] = RSA_SIGNATURE("RS512", "SHA512", 64),
    [TOKEN_PS256] = RSA_SIGNATURE("PS256", "SHA256", 32),
    [TOKEN_PS384] = RSA_SIGNATURE("PS384", "SHA384", 48),
    [TOKEN_PS512] = RSA_SIGNATURE("PS512", "SHA512", 64),
    [TOKEN_RSNULL] = RSA_SIGNATURE("RSNULL", NULL, 0),
    [TOKEN_ES256] = EC_SIGNATURE("ES256", KEY_CURVE_P256, "SHA256", 32),
    [TOKEN_ES384] = EC_SIGNATURE("ES384", KEY_CURVE_P384, "SHA384", 48),
    [TOKEN_ES512] = EC_SIGNATURE("ES512", KEY_CURVE_P521, "SHA512", 64),
    [TOKEN_ES256K] = EC_SIGNATURE("ES256K", KEY_CURVE_P256K, "SHA256", 32),
    /* RFC 7518, 3.2: a key of the hash's size or larger. SoftHSM insists on it as well. */
    [TOKEN_HS256] = MAC("HS256", "SHA256", 256, 32),
    [TOKEN_HS384] = MAC("HS384", "SHA384", 384, 48),
    [TOKEN_HS512] = MAC("HS512", "SHA512", 512, 64),
    [TOKEN_RSA1_5] = RSA_ENCRYPTION("RSA1_5", NULL),
    [TOKEN_RSA_OAEP] = RSA_ENCRYPTION("RSA-OAEP", "SHA1"),
    [TOKEN_RSA_OAEP_256] = RSA_ENCRYPTION("RSA-OAEP-256", "SHA256"),
    [TOKEN_A128GCM] = CIPHER("A128GCM", ALG_KIND_GCM, 128),
    [TOKEN_A192GCM] = CIPHER("A192GCM", ALG_KIND_GCM, 192),
    [TOKEN_A256GCM] = CIPHER("A256GCM", ALG_KIND_GCM, 256),
    [TOKEN_A128CBC] = CIPHER("A128CBC", ALG_KIND_CBC, 128),
    [TOKEN_A192CBC] = CIPHER("A192CBC", ALG_KIND_CBC, 192),
    [TOKEN_A256CBC] = CIPHER("A256CBC", ALG_KIND_CBC, 256),
    [TOKEN_A128CBCPAD] = CIPHER("A128CBCPAD", ALG_KIND_CBC_PAD, 128),
    [TOKEN_A192CBCPAD] = CIPHER("A192CBCPAD", ALG_KIND_CBC_PAD, 192),
    [TOKEN_A256CBCPAD] = CIPHER("A256CBCPAD", ALG_KIND_CBC_PAD, 256),
    [TOKEN_A128KW] = CIPHER("A128KW", ALG_KIND_KEY_WRAP, 128),
    [TOKEN_A192KW] = CIPHER("A192KW", ALG_KIND_KEY_WRAP, 192),
    [TOKEN_A256KW] = CIPHER("A256KW", ALG_KIND_KEY_WRAP, 256),
};

static const struct {
    const char *name;
    unsigned bits;
    size_t signature_len; /* r || s, each as long as the field */
} curves[] = {
    [KEY_CURVE_NONE] = { "", 0, 0 },           [KEY_CURVE_P256] = { "P-256", 256, 64 },
    [KEY_CURVE_P384] = { "P-384", 384, 96 },   [KEY_CURVE_P521] = { "P-521", 521, 132 },
    [KEY_CURVE_P256K] = { "P-256K", 256, 64 },
};

const struct alg_info *alg_info(enum token_alg alg)
{
    INVARIANT((unsigned)alg < TOKEN_ALG_COUNT_);
    return &algs[alg];
}

enum token_alg alg_by_name(struct span name)
{
    for (unsigned alg = TOKEN_ALG_NONE + 1; alg < TOKEN_ALG_COUNT_; alg++)
        if (span_is(name, algs[alg].name))
            return (enum token_alg)alg;
    return TOKEN_ALG_NONE;
}

bool alg_fits(enum token_alg alg, const struct key_spec *spec)
{
    const struct alg_info *info = alg_info(alg);

    if (alg == TOKEN_ALG_NONE || info->type != spec->type || !key_spec_valid(spec))
        return false;
    switch (info->type) {
    case KEY_TYPE_RSA:
        return true;
    case KEY_TYPE_EC:
        return info->curve == spec->curve;
    case KEY_TYPE_OCT:
        return info->kind == ALG_KIND_MAC ? spec->bits >= info->key_bits : spec->bits == info->key_bits;
    case KEY_TYPE_NONE:
        break;
    }
    return false;
}

bool key_spec_valid(const struct key_spec *spec)
{
    switch (spec->type) {
    case KEY_TYPE_RSA:
        return spec->curve == KEY_CURVE_NONE && (spec->bits == 2048 || spec->bits == 3072 || spec->bits == 4096);
    case KEY_TYPE_EC:
        return spec->curve != KEY_CURVE_NONE && (unsigned)spec->curve < ARRAY_LEN(curves) &&
               spec->bits == curves[spec->curve].bits;
    case KEY_TYPE_OCT:
        return spec->curve == KEY_CURVE_NONE &&
               (spec->bits == 128 || spec->bits == 192 || spec->bits == 256 || spec->bits == 384 || spec->bits == 512);
    case KEY_TYPE_NONE:
        break;
    }
    return false;
}

bool key_uses_valid(const struct key_spec *spec, unsigned uses)
{
    const unsigned cipher = KEY_USE_DECRYPT | KEY_USE_WRAP;

    if (!key_spec_valid(spec) || uses == 0)
        return false;
    switch (spec->type) {
    case KEY_TYPE_RSA:
        return (uses & ~(unsigned)(KEY_USE_SIGN | KEY_USE_DECRYPT)) == 0;
    case KEY_TYPE_EC:
        return uses == KEY_USE_SIGN;
    case KEY_TYPE_OCT:
        return uses == KEY_USE_SIGN || ((uses & ~cipher) == 0 && spec->bits <= 256);
    case KEY_TYPE_NONE:
        break;
    }
    return false;
}

unsigned key_curve_bits(enum key_curve curve)
{
    INVARIANT((unsigned)curve < ARRAY_LEN(curves));
    return curves[curve].bits;
}

const char *key_curve_name(enum key_curve curve)
{
    INVARIANT((unsigned)curve < ARRAY_LEN(curves));
    return curves[curve].name;
}

enum key_curve key_curve_by_name(struct span name)
{
    for (unsigned c = KEY_CURVE_NONE + 1; c < ARRAY_LEN(curves); c++)
        if (span_is(name, curves[c].name))
            return (enum key_curve)c;
    return span_is(name, "SECP256K1") ? KEY_CURVE_P256K : KEY_CURVE_NONE;
}

size_t key_signature_len(const struct key_spec *spec)
{
    if (spec->type == KEY_TYPE_RSA)
        return spec->bits / 8;
    return spec->type == KEY_TYPE_EC ? curves[spec->curve].signature_len : 0;
}
