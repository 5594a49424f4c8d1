#include "tests/conformance/oracle.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

static EVP_PKEY *from_params(const char *type, OSSL_PARAM *params)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *key = NULL;

    if (ctx != NULL && EVP_PKEY_fromdata_init(ctx) > 0)
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static EVP_PKEY *rsa_public(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o)
{
    uint8_t n[1024], e[16];
    size_t n_len = client_attribute(s, o, CKA_MODULUS, n, sizeof n);
    size_t e_len = client_attribute(s, o, CKA_PUBLIC_EXPONENT, e, sizeof e);
    OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
    BIGNUM *bn_n = NULL, *bn_e = NULL;
    OSSL_PARAM *params = NULL;
    EVP_PKEY *key = NULL;

    if (n_len != (size_t)-1 && e_len != (size_t)-1 && (bn_n = BN_bin2bn(n, (int)n_len, NULL)) != NULL &&
        (bn_e = BN_bin2bn(e, (int)e_len, NULL)) != NULL &&
        OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_N, bn_n) == 1 &&
        OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_E, bn_e) == 1 && (params = OSSL_PARAM_BLD_to_param(b)) != NULL)
        key = from_params("RSA", params);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(b);
    BN_free(bn_n);
    BN_free(bn_e);
    return key;
}

size_t oracle_point(const uint8_t *value, size_t len, const uint8_t **point)
{
    *point = value;
    if (len > 2 && value[0] == 0x04 && value[1] < 0x80 && (size_t)value[1] + 2 == len)
        *point = value + 2;
    else if (len > 3 && value[0] == 0x04 && value[1] == 0x81 && (size_t)value[2] + 3 == len)
        *point = value + 3;
    return len - (size_t)(*point - value);
}

static const struct {
    const char *curve, *group;
} groups[] = {
    { "P-256", "P-256" },         { "P-384", "P-384" },     { "P-521", "P-521" },
    { "secp256k1", "secp256k1" }, { "Ed25519", "ED25519" }, { "X25519", "X25519" },
};

static const char *group_of(const uint8_t *der, size_t len)
{
    CK_ULONG want;

    for (size_t i = 0; i < COUNT_OF(groups); i++) {
        const CK_BYTE *d = client_curve(groups[i].curve, &want);

        if (want == len && memcmp(d, der, len) == 0)
            return groups[i].group;
    }
    if (len > 2 && der[0] == 0x13) /* PrintableString: SoftHSM and old tokens name the curve */
        return der[2] == 'e' ? "ED25519" : "X25519";
    return NULL;
}

static EVP_PKEY *ec_public(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o)
{
    uint8_t der[64], value[256];
    const uint8_t *point;
    size_t der_len = client_attribute(s, o, CKA_EC_PARAMS, der, sizeof der), len;
    size_t value_len = client_attribute(s, o, CKA_EC_POINT, value, sizeof value);
    const char *group = der_len != (size_t)-1 ? group_of(der, der_len) : NULL;
    OSSL_PARAM params[3] = { OSSL_PARAM_END, OSSL_PARAM_END, OSSL_PARAM_END };

    if (group == NULL || value_len == (size_t)-1)
        return NULL;
    len = oracle_point(value, value_len, &point);
    if (strstr(group, "25519") != NULL)
        return EVP_PKEY_new_raw_public_key_ex(NULL, group, NULL, point, len);
    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)(uintptr_t)group, 0);
    params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)point, len);
    return from_params("EC", params);
}

EVP_PKEY *oracle_public(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o)
{
    return client_number(s, o, CKA_KEY_TYPE) == CKK_RSA ? rsa_public(s, o) : ec_public(s, o);
}

/* r || s as PKCS#11 has it to the DER of libcrypto. */
static uint8_t *ecdsa_to_der(const uint8_t *sig, size_t len, int *der_len)
{
    ECDSA_SIG *pair = ECDSA_SIG_new();
    uint8_t *der = NULL;

    *der_len = 0;
    if (pair != NULL && len > 0 && len % 2 == 0 &&
        ECDSA_SIG_set0(pair, BN_bin2bn(sig, (int)len / 2, NULL), BN_bin2bn(sig + len / 2, (int)len / 2, NULL)) == 1)
        *der_len = i2d_ECDSA_SIG(pair, &der);
    ECDSA_SIG_free(pair);
    return der;
}

static bool set_padding(EVP_PKEY_CTX *ctx, const struct oracle_signature *how)
{
    static const int padding[] = { [SCHEME_PKCS1] = RSA_PKCS1_PADDING,
                                   [SCHEME_PKCS1_BARE] = RSA_PKCS1_PADDING,
                                   [SCHEME_PSS] = RSA_PKCS1_PSS_PADDING,
                                   [SCHEME_RAW] = RSA_NO_PADDING };

    if (how->scheme > SCHEME_RAW)
        return true;
    if (EVP_PKEY_CTX_set_rsa_padding(ctx, padding[how->scheme]) <= 0)
        return false;
    return how->scheme != SCHEME_PSS || (EVP_PKEY_CTX_set_rsa_mgf1_md_name(ctx, how->mgf, NULL) > 0 &&
                                         EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, how->salt_len) > 0);
}

static bool verify_whole(EVP_PKEY *key, const struct oracle_signature *how, const void *data, size_t len,
                         const uint8_t *sig, size_t sig_len)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    EVP_PKEY_CTX *ctx = NULL;
    bool good = md != NULL && EVP_DigestVerifyInit_ex(md, &ctx, how->hash, NULL, NULL, key, NULL) > 0 &&
                set_padding(ctx, how) && EVP_DigestVerify(md, sig, sig_len, data, len) == 1;

    EVP_MD_CTX_free(md);
    return good;
}

static bool verify_bare(EVP_PKEY *key, const struct oracle_signature *how, const void *data, size_t len,
                        const uint8_t *sig, size_t sig_len)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    const char *hash = how->scheme == SCHEME_PSS ? how->mgf : NULL; /* PSS of a digest wants to know which */
    bool good = ctx != NULL && EVP_PKEY_verify_init(ctx) > 0;

    if (good && how->scheme == SCHEME_PSS && how->hash == NULL)
        hash = len == 20 ? "SHA1" : len == 28 ? "SHA224" : len == 32 ? "SHA256" : len == 48 ? "SHA384" : "SHA512";
    good = good && (hash == NULL || EVP_PKEY_CTX_set_signature_md(ctx, EVP_get_digestbyname(hash)) > 0) &&
           set_padding(ctx, how) && EVP_PKEY_verify(ctx, sig, sig_len, data, len) == 1;
    EVP_PKEY_CTX_free(ctx);
    return good;
}

bool oracle_verify(EVP_PKEY *key, const struct oracle_signature *how, const void *data, size_t len, const uint8_t *sig,
                   size_t sig_len)
{
    uint8_t *der = NULL;
    int der_len = 0;
    bool good;

    if (key == NULL)
        return false;
    if (how->scheme == SCHEME_ECDSA) {
        der = ecdsa_to_der(sig, sig_len, &der_len);
        sig = der;
        sig_len = (size_t)der_len;
    }
    good = how->hash != NULL || how->scheme == SCHEME_EDDSA ? verify_whole(key, how, data, len, sig, sig_len)
                                                            : verify_bare(key, how, data, len, sig, sig_len);
    OPENSSL_free(der);
    return good;
}

size_t oracle_digest(const char *hash, const void *data, size_t len, uint8_t *out)
{
    size_t n = 0;

    return EVP_Q_digest(NULL, hash, NULL, data, len, out, &n) == 1 ? n : (size_t)-1;
}

size_t oracle_mac(const char *hash, const void *key, size_t key_len, const void *data, size_t len, uint8_t *out)
{
    const char *cipher = key_len == 16 ? "AES-128-CBC" : key_len == 24 ? "AES-192-CBC" : "AES-256-CBC";
    size_t n = 0;
    bool good = EVP_Q_mac(NULL, hash != NULL ? "HMAC" : "CMAC", NULL, hash != NULL ? hash : cipher, NULL, key, key_len,
                          data, len, out, 64, &n) != NULL;

    return good ? n : (size_t)-1;
}

size_t oracle_cipher(const char *name, bool encrypt, bool padding, const uint8_t *key, const uint8_t *iv, size_t iv_len,
                     const void *aad, size_t aad_len, const void *in, size_t in_len, uint8_t *out)
{
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, name, NULL);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool gcm = strstr(name, "GCM") != NULL, good;
    size_t total = 0;
    int n = 0, last = 0;

    EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    good = cipher != NULL && EVP_CipherInit_ex2(ctx, cipher, NULL, NULL, encrypt, NULL) == 1 &&
           (!gcm || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, (int)iv_len, NULL) == 1) &&
           EVP_CipherInit_ex2(ctx, NULL, key, iv, encrypt, NULL) == 1 && EVP_CIPHER_CTX_set_padding(ctx, padding) == 1;
    if (good && gcm && !encrypt) {
        in_len -= 16;
        good = EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, 16, (uint8_t *)(uintptr_t)in + in_len) == 1;
    }
    good = good && (aad_len == 0 || EVP_CipherUpdate(ctx, NULL, &n, aad, (int)aad_len) == 1);
    good = good && EVP_CipherUpdate(ctx, out, &n, in, (int)in_len) == 1 && EVP_CipherFinal_ex(ctx, out + n, &last) == 1;
    total = (size_t)n + (size_t)last;
    if (good && gcm && encrypt) {
        good = EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 16, out + total) == 1;
        total += 16;
    }
    EVP_CIPHER_CTX_free(ctx);
    EVP_CIPHER_free(cipher);
    return good ? total : (size_t)-1;
}

size_t oracle_rsa_encrypt(EVP_PKEY *key, const char *hash, const char *mgf, const char *label, const void *in,
                          size_t len, uint8_t *out, size_t room)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    bool good = ctx != NULL && EVP_PKEY_encrypt_init(ctx) > 0 &&
                EVP_PKEY_CTX_set_rsa_padding(ctx, hash != NULL ? RSA_PKCS1_OAEP_PADDING : RSA_PKCS1_PADDING) > 0;

    if (good && hash != NULL)
        good = EVP_PKEY_CTX_set_rsa_oaep_md_name(ctx, hash, NULL) > 0 &&
               EVP_PKEY_CTX_set_rsa_mgf1_md_name(ctx, mgf, NULL) > 0;
    if (good && hash != NULL && label != NULL)
        good = EVP_PKEY_CTX_set0_rsa_oaep_label(ctx, OPENSSL_strdup(label), (int)strlen(label)) > 0;
    good = good && EVP_PKEY_encrypt(ctx, out, &room, in, len) > 0;
    EVP_PKEY_CTX_free(ctx);
    return good ? room : (size_t)-1;
}

EVP_PKEY *oracle_generate_ec(const char *curve)
{
    return strcmp(curve, "X25519") == 0 ? EVP_PKEY_Q_keygen(NULL, NULL, "X25519")
                                        : EVP_PKEY_Q_keygen(NULL, NULL, "EC", curve);
}

EVP_PKEY *oracle_generate_rsa(unsigned bits, unsigned exponent)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    BIGNUM *e = BN_new();
    EVP_PKEY *key = NULL;

    BN_set_word(e, exponent);
    if (EVP_PKEY_keygen_init(ctx) > 0 && EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, (int)bits) > 0 &&
        EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, e) > 0)
        EVP_PKEY_generate(ctx, &key);
    BN_free(e);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

size_t oracle_public_point(EVP_PKEY *key, uint8_t *out, size_t room)
{
    size_t n = 0;

    if (EVP_PKEY_is_a(key, "EC"))
        return EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, out, room, &n) == 1 ? n : 0;
    n = room;
    return EVP_PKEY_get_raw_public_key(key, out, &n) == 1 ? n : 0;
}

size_t oracle_number(EVP_PKEY *key, const char *name, uint8_t *out, size_t room)
{
    BIGNUM *n = NULL;
    size_t len = 0;

    if (EVP_PKEY_get_bn_param(key, name, &n) == 1 && (size_t)BN_num_bytes(n) <= room)
        len = (size_t)BN_bn2bin(n, out);
    BN_clear_free(n);
    return len;
}

size_t oracle_ecdh(EVP_PKEY *ours, EVP_PKEY *theirs, uint8_t *out, size_t room)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, ours, NULL);
    bool good = ctx != NULL && EVP_PKEY_derive_init(ctx) > 0 && EVP_PKEY_derive_set_peer(ctx, theirs) > 0 &&
                EVP_PKEY_derive(ctx, out, &room) > 0;

    EVP_PKEY_CTX_free(ctx);
    return good ? room : 0;
}

size_t oracle_pkcs8(EVP_PKEY *key, uint8_t *out, size_t room)
{
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
    int len = info != NULL ? i2d_PKCS8_PRIV_KEY_INFO(info, NULL) : 0;

    if (len > 0 && (size_t)len <= room)
        i2d_PKCS8_PRIV_KEY_INFO(info, &out);
    else
        len = 0;
    PKCS8_PRIV_KEY_INFO_free(info);
    return (size_t)len;
}
