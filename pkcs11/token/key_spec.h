/* key_spec.h - which keys and algorithms there are: types, curves, sizes, uses, JOSE names (RFC 7518; the `alg`
 * values of the Azure Key Vault REST API). Pure tables, no token. */
#ifndef STRONGROOM_PKCS11_KEY_SPEC_H
#define STRONGROOM_PKCS11_KEY_SPEC_H

#include "firmware/base/bytes.h"

enum key_type { KEY_TYPE_NONE = 0, KEY_TYPE_RSA = 1, KEY_TYPE_EC = 2, KEY_TYPE_OCT = 3 }; /* stored: never renumber */
enum key_curve { KEY_CURVE_NONE = 0, KEY_CURVE_P256 = 1, KEY_CURVE_P384 = 2, KEY_CURVE_P521 = 3, KEY_CURVE_P256K = 4 };

struct key_spec {
    enum key_type type;
    enum key_curve curve; /* EC */
    unsigned bits;        /* RSA: modulus; OCT: key length; EC: field size */
};

/* What a key may be used for inside the token. An oct key is a cipher key or a MAC key, never both. */
enum key_use {
    KEY_USE_SIGN = 1 << 0,    /* CKA_SIGN: RSA, EC, and oct as a MAC key */
    KEY_USE_DECRYPT = 1 << 1, /* CKA_DECRYPT (+ CKA_ENCRYPT for oct) */
    KEY_USE_WRAP = 1 << 2,    /* oct: AES-KW of the caller's bytes */
};

enum token_alg {
    TOKEN_ALG_NONE = 0,
    TOKEN_RS256,
    TOKEN_RS384,
    TOKEN_RS512,
    TOKEN_PS256,
    TOKEN_PS384,
    TOKEN_PS512,
    TOKEN_RSNULL,
    TOKEN_ES256,
    TOKEN_ES384,
    TOKEN_ES512,
    TOKEN_ES256K,
    TOKEN_HS256,
    TOKEN_HS384,
    TOKEN_HS512,
    TOKEN_RSA1_5,
    TOKEN_RSA_OAEP,
    TOKEN_RSA_OAEP_256,
    TOKEN_A128GCM,
    TOKEN_A192GCM,
    TOKEN_A256GCM,
    TOKEN_A128CBC,
    TOKEN_A192CBC,
    TOKEN_A256CBC,
    TOKEN_A128CBCPAD,
    TOKEN_A192CBCPAD,
    TOKEN_A256CBCPAD,
    TOKEN_A128KW,
    TOKEN_A192KW,
    TOKEN_A256KW,
    TOKEN_ALG_COUNT_
};

enum alg_kind {
    ALG_KIND_SIGNATURE,
    ALG_KIND_MAC,
    ALG_KIND_RSA_ENCRYPTION,
    ALG_KIND_GCM,
    ALG_KIND_CBC,
    ALG_KIND_CBC_PAD,
    ALG_KIND_KEY_WRAP
};

struct alg_info {
    const char *name; /* JOSE: "ES256K", "RSA-OAEP-256" */
    enum alg_kind kind;
    enum key_type type;
    enum key_curve curve; /* EC */
    unsigned key_bits;    /* oct ciphers: the one key length; MACs: the least */
    unsigned digest_len;  /* signatures: the exact length of the input, 0: any (RSNULL); MACs: output length */
    const char *digest;   /* OpenSSL's name of the hash, or NULL */
};

/* Never NULL for a valid alg. */
const struct alg_info *alg_info(enum token_alg alg);
/* By JOSE name, exact case; TOKEN_ALG_NONE when unknown. */
enum token_alg alg_by_name(struct span name);
/* May a key of `spec` be used with `alg`? */
bool alg_fits(enum token_alg alg, const struct key_spec *spec);
/* Is it a kind and size that we make: RSA 2048/3072/4096, the four curves, oct 128/192/256 (and 384/512 for MAC keys)?
 */
bool key_spec_valid(const struct key_spec *spec);
/* May such a key have these uses (KEY_USE_*)? EC: only to sign; RSA: sign, decrypt or both; oct: either a MAC key
 * (sign) or a cipher key of at most 256 bits (decrypt, wrap or both). At least one. */
bool key_uses_valid(const struct key_spec *spec, unsigned uses);
unsigned key_curve_bits(enum key_curve curve);      /* 256, 384, 521, 256 */
const char *key_curve_name(enum key_curve curve);   /* "P-256", "P-384", "P-521", "P-256K" */
enum key_curve key_curve_by_name(struct span name); /* also "SECP256K1"; KEY_CURVE_NONE when unknown */
/* Bytes of a signature: RSA k, ECDSA 64/96/132/64. */
size_t key_signature_len(const struct key_spec *spec);

#endif
