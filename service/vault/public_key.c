#include "service/vault/public_key.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

/* Set up padding for `alg`. */
static bool set_padding(EVP_PKEY_CTX *ctx, enum token_alg alg)
{
    const EVP_MD *md = alg_info(alg)->digest != NULL ? EVP_get_digestbyname(alg_info(alg)->digest) : NULL;

    switch (alg) {
    case TOKEN_RSA1_5:
    case TOKEN_RSNULL:
        return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0;
    case TOKEN_RSA_OAEP:
        return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) > 0;
    case TOKEN_RSA_OAEP_256:
        return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) > 0 &&
               EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) > 0 &&
               EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) > 0;
    case TOKEN_RS256:
    case TOKEN_RS384:
    case TOKEN_RS512:
        return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0 && EVP_PKEY_CTX_set_signature_md(ctx, md) > 0;
    case TOKEN_PS256:
    case TOKEN_PS384:
    case TOKEN_PS512:
        return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) > 0 &&
               EVP_PKEY_CTX_set_signature_md(ctx, md) > 0 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) > 0;
    default: /* ECDSA has none */
        return true;
    }
}

/* ECDSA's r || s of fixed width as the DER that libcrypto wants. false: not a signature. */
static bool to_der(struct span raw, struct bytes *der)
{
    size_t half = raw.len / 2;
    ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(raw.p, (int)half, NULL), *s = BN_bin2bn(raw.p + half, (int)half, NULL);
    uint8_t *p = NULL;
    int len = -1;

    if (sig != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(sig, r, s) == 1) {
        r = s = NULL; /* the signature's now */
        len = i2d_ECDSA_SIG(sig, &p);
    }
    if (len > 0)
        bytes_append(der, p, (size_t)len);
    OPENSSL_free(p);
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(sig);
    return len > 0 && bytes_status(der) == ST_OK;
}

enum status public_key_verify(const struct key_version *v, enum token_alg alg, struct span digest,
                              struct span signature, bool *ok)
{
    struct bytes der = { 0 };
    EVP_PKEY_CTX *ctx = NULL;
    EVP_PKEY *key = NULL;
    enum status st;

    *ok = false;
    if (signature.len != key_signature_len(&v->spec))
        return ST_OK;
    if ((st = key_version_public(v, &key)) != ST_OK)
        return st;
    st = ST_NO_MEMORY;
    if (v->spec.type == KEY_TYPE_EC) {
        if (!to_der(signature, &der))
            goto done;
        signature = bytes_span(&der);
    }
    if ((ctx = EVP_PKEY_CTX_new(key, NULL)) == NULL)
        goto done;
    st = ST_INTERNAL;
    if (EVP_PKEY_verify_init(ctx) <= 0 || !set_padding(ctx, alg))
        goto done;
    *ok = EVP_PKEY_verify(ctx, signature.p, signature.len, digest.p, digest.len) == 1;
    st = ST_OK;
done:
    EVP_PKEY_CTX_free(ctx);
    bytes_clear(&der);
    ERR_clear_error(); /* or the next TLS call of this thread would take libcrypto's complaint for its own */
    return st;
}

enum status public_key_encrypt(const struct key_version *v, enum token_alg alg, struct span plaintext,
                               struct bytes *out)
{
    size_t k = v->spec.bits / 8, len = k;
    size_t overhead = alg == TOKEN_RSA1_5 ? 11 : alg == TOKEN_RSA_OAEP ? 42 : 66; /* RFC 8017, 7.1.1 and 7.2.1 */
    EVP_PKEY_CTX *ctx = NULL;
    EVP_PKEY *key = NULL;
    enum status st;

    if (plaintext.len > k - overhead)
        return ST_BAD_REQUEST;
    if ((st = key_version_public(v, &key)) != ST_OK || (st = bytes_reserve(out, k)) != ST_OK)
        return st;
    if ((ctx = EVP_PKEY_CTX_new(key, NULL)) == NULL)
        return ST_NO_MEMORY;
    st = EVP_PKEY_encrypt_init(ctx) > 0 && set_padding(ctx, alg) &&
                 EVP_PKEY_encrypt(ctx, out->p, &len, plaintext.p, plaintext.len) > 0
             ? ST_OK
             : ST_INTERNAL;
    if (st == ST_OK)
        out->len = len;
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return st;
}

static bool append_number(EVP_PKEY *key, const char *name, size_t width, struct bytes *out)
{
    BIGNUM *n = NULL;
    size_t len;
    bool ok = EVP_PKEY_get_bn_param(key, name, &n) == 1;

    if (ok) {
        len = width > 0 ? width : (size_t)BN_num_bytes(n);
        ok = bytes_reserve(out, len) == ST_OK && BN_bn2binpad(n, out->p, (int)len) >= 0;
        out->len = ok ? len : 0;
    }
    BN_free(n);
    return ok;
}

enum status public_key_jwk(const struct key_version *v, struct public_jwk *out)
{
    bool rsa = v->spec.type == KEY_TYPE_RSA;
    size_t width = rsa ? 0 : (v->spec.bits + 7) / 8;
    EVP_PKEY *key = NULL;
    enum status st = key_version_public(v, &key);

    if (st != ST_OK)
        return st;
    if (append_number(key, rsa ? OSSL_PKEY_PARAM_RSA_N : OSSL_PKEY_PARAM_EC_PUB_X, width, &out->first) &&
        append_number(key, rsa ? OSSL_PKEY_PARAM_RSA_E : OSSL_PKEY_PARAM_EC_PUB_Y, width, &out->second))
        return ST_OK;
    public_jwk_clear(out);
    return ST_INTERNAL;
}

void public_jwk_clear(struct public_jwk *j)
{
    bytes_clear(&j->first);
    bytes_clear(&j->second);
}
