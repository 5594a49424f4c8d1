#include "tests/unit/service/identity/signer.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include "firmware/base/base64url.h"

int64_t test_now = NOW;

int64_t test_clock(void)
{
    return __atomic_load_n(&test_now, __ATOMIC_RELAXED);
}

EVP_PKEY *signer_key(enum signing_key key)
{
    static EVP_PKEY *keys[SIGNING_KEY_COUNT];
    static const char *const curves[SIGNING_KEY_COUNT] = {
        [P256_A] = "P-256", [P256_B] = "P-256", [P384_A] = "P-384", [P521_A] = "P-521"
    };

    if (keys[key] == NULL)
        keys[key] = curves[key] != NULL ? EVP_PKEY_Q_keygen(NULL, NULL, "EC", curves[key])
                                        : EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)(key == RSA_1024 ? 1024 : 2048));
    INVARIANT(keys[key] != NULL);
    return keys[key];
}

static void append_number(struct bytes *out, EVP_PKEY *key, const char *parameter, int len)
{
    uint8_t number[512];
    BIGNUM *bn = NULL;

    INVARIANT(EVP_PKEY_get_bn_param(key, parameter, &bn) == 1);
    len = len > 0 ? len : BN_num_bytes(bn);
    INVARIANT(BN_bn2binpad(bn, number, len) == len);
    base64url_append(out, span_of(number, (size_t)len));
    BN_free(bn);
}

void signer_jwk(struct bytes *out, enum signing_key key, const char *kid, const char *extra)
{
    EVP_PKEY *pkey = signer_key(key);
    int bits = EVP_PKEY_get_bits(pkey), len = (bits + 7) / 8;

    if (EVP_PKEY_is_a(pkey, "RSA")) {
        bytes_append_text(out, "{\"kty\":\"RSA\",\"n\":\"");
        append_number(out, pkey, OSSL_PKEY_PARAM_RSA_N, 0);
        bytes_append_text(out, "\",\"e\":\"");
        append_number(out, pkey, OSSL_PKEY_PARAM_RSA_E, 0);
    } else {
        bytes_printf(out, "{\"kty\":\"EC\",\"crv\":\"P-%d\",\"x\":\"", bits);
        append_number(out, pkey, OSSL_PKEY_PARAM_EC_PUB_X, len);
        bytes_append_text(out, "\",\"y\":\"");
        append_number(out, pkey, OSSL_PKEY_PARAM_EC_PUB_Y, len);
    }
    bytes_append_text(out, "\"");
    if (kid != NULL)
        bytes_printf(out, ",\"kid\":\"%s\"", kid);
    if (extra != NULL)
        bytes_printf(out, ",%s", extra);
    bytes_append_text(out, "}");
}

void signer_jwks(struct bytes *out)
{
    static const struct {
        enum signing_key key;
        const char *kid;
    } keys[] = { { RSA_A, "rsa" }, { P256_A, "p256" }, { P384_A, "p384" }, { P521_A, "p521" } };

    bytes_reset(out);
    bytes_append_text(out, "{\"keys\":[");
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        bytes_append_text(out, i > 0 ? "," : "");
        signer_jwk(out, keys[i].key, keys[i].kid, "\"use\":\"sig\"");
    }
    bytes_append_text(out, "]}");
}

/* DER to r || s (RFC 7518, 3.4). */
static void append_raw(struct bytes *out, const uint8_t *der, size_t der_len, int field_len)
{
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)der_len);
    uint8_t raw[2 * 66];

    INVARIANT(sig != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, field_len) == field_len &&
              BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + field_len, field_len) == field_len);
    bytes_append(out, raw, (size_t)(2 * field_len));
    ECDSA_SIG_free(sig);
}

void signer_sign(struct bytes *out, enum signing_key key, const char *alg, int salt, struct span input)
{
    const char *digest = strcmp(alg + 2, "256") == 0 ? "SHA256" : strcmp(alg + 2, "384") == 0 ? "SHA384" : "SHA512";
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *parameters = NULL;
    uint8_t sig[512];
    size_t len = sizeof sig;

    INVARIANT(EVP_DigestSignInit_ex(context, &parameters, digest, NULL, NULL, signer_key(key), NULL) == 1);
    if (alg[0] == 'P') {
        INVARIANT(EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1);
        INVARIANT(EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, salt) == 1);
    }
    INVARIANT(EVP_DigestSign(context, sig, &len, input.p, input.len) == 1);
    if (alg[0] == 'E')
        append_raw(out, sig, len, (EVP_PKEY_get_bits(signer_key(key)) + 7) / 8);
    else
        bytes_append(out, sig, len);
    EVP_MD_CTX_free(context);
}

void signer_input(struct bytes *out, const char *header, const char *claims)
{
    bytes_reset(out);
    base64url_append(out, span_text(header));
    bytes_append_char(out, '.');
    base64url_append(out, span_text(claims));
}

void signer_token(struct bytes *out, enum signing_key key, const char *alg, const char *header, const char *claims)
{
    struct bytes sig = { 0 };

    signer_input(out, header, claims);
    signer_sign(&sig, key, alg, -1, bytes_span(out));
    bytes_append_char(out, '.');
    base64url_append(out, bytes_span(&sig));
    bytes_clear(&sig);
}

const char *claims_with_two(const char *name, const char *value, const char *name2, const char *value2)
{
    static struct bytes out;
    static const char *const claims[][2] = {
        { "aud", "\"" AUDIENCE "\"" }, { "iss", "\"" ISSUER "\"" }, { "iat", "1700000000" },
        { "nbf", "1700000000" },       { "exp", "1700003600" },     { "appid", "\"" CLIENT "\"" },
        { "appidacr", "\"1\"" },       { "idtyp", "\"app\"" },      { "oid", "\"" OBJECT "\"" },
        { "sub", "\"" OBJECT "\"" },   { "tid", "\"" TENANT "\"" }, { "ver", "\"2.0\"" },
    };
    const char *names[2] = { name, name2 }, *values[2] = { value, value2 };
    bool used[2] = { false, false }, first = true;

    bytes_reset(&out);
    bytes_append_char(&out, '{');
    for (size_t i = 0; i < ARRAY_LEN(claims); i++) {
        const char *v = claims[i][1];

        for (size_t k = 0; k < 2; k++)
            if (names[k] != NULL && strcmp(names[k], claims[i][0]) == 0) {
                v = values[k];
                used[k] = true;
            }
        if (v == NULL)
            continue;
        bytes_printf(&out, "%s\"%s\":%s", first ? "" : ",", claims[i][0], v);
        first = false;
    }
    for (size_t k = 0; k < 2; k++)
        if (names[k] != NULL && !used[k] && values[k] != NULL)
            bytes_printf(&out, ",\"%s\":%s", names[k], values[k]);
    bytes_append_char(&out, '}');
    return bytes_text(&out);
}

const char *claims_with(const char *name, const char *value)
{
    return claims_with_two(name, value, NULL, NULL);
}

struct span good_token(const char *claims)
{
    static struct bytes out;

    signer_token(&out, RSA_A, "RS256", "{\"typ\":\"JWT\",\"alg\":\"RS256\",\"kid\":\"rsa\"}", claims);
    return bytes_span(&out);
}
