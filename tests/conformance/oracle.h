/* oracle.h - what libcrypto says: the second opinion on everything the token computes. */
#ifndef STRONGROOM_CONFORMANCE_ORACLE_H
#define STRONGROOM_CONFORMANCE_ORACLE_H

#include <openssl/evp.h>

#include "tests/conformance/client.h"

/* The public key of a token's object (RSA, EC, Ed25519, X25519), made of its attributes alone. NULL: it has none. */
EVP_PKEY *oracle_public(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o);
/* The raw public point out of a CKA_EC_POINT value (a DER OCTET STRING, or the point itself). */
size_t oracle_point(const uint8_t *value, size_t len, const uint8_t **point);

/* How a signature was made. hash NULL: `data` is what is signed as it stands (a digest for ECDSA and PSS). */
struct oracle_signature {
    enum oracle_scheme {
        SCHEME_PKCS1 = 1,
        SCHEME_PKCS1_BARE,
        SCHEME_PSS,
        SCHEME_RAW,
        SCHEME_ECDSA,
        SCHEME_EDDSA
    } scheme;
    const char *hash, *mgf; /* PSS wants both */
    int salt_len;
};
bool oracle_verify(EVP_PKEY *key, const struct oracle_signature *how, const void *data, size_t len, const uint8_t *sig,
                   size_t sig_len);

size_t oracle_digest(const char *hash, const void *data, size_t len, uint8_t *out);
/* HMAC with `hash`, or CMAC when it is NULL. */
size_t oracle_mac(const char *hash, const void *key, size_t key_len, const void *data, size_t len, uint8_t *out);
/* One whole encryption or decryption by OpenSSL's name of the cipher. Gives the length, (size_t)-1 for a refusal. GCM:
 * the tag of 16 bytes follows the ciphertext; `aad` may be NULL. */
size_t oracle_cipher(const char *name, bool encrypt, bool padding, const uint8_t *key, const uint8_t *iv, size_t iv_len,
                     const void *aad, size_t aad_len, const void *in, size_t in_len, uint8_t *out);
/* RSA encryption to the token: OAEP with its hashes and label, or PKCS#1 v1.5 when hash is NULL. */
size_t oracle_rsa_encrypt(EVP_PKEY *key, const char *hash, const char *mgf, const char *label, const void *in,
                          size_t len, uint8_t *out, size_t room);
EVP_PKEY *oracle_generate_ec(const char *curve);
EVP_PKEY *oracle_generate_rsa(unsigned bits, unsigned exponent);
/* The point (uncompressed, or raw for X25519) of a key of ours. */
size_t oracle_public_point(EVP_PKEY *key, uint8_t *out, size_t room);
/* A number of a key of ours (OSSL_PKEY_PARAM_ name), big-endian. */
size_t oracle_number(EVP_PKEY *key, const char *name, uint8_t *out, size_t room);
size_t oracle_ecdh(EVP_PKEY *ours, EVP_PKEY *theirs, uint8_t *out, size_t room);
size_t oracle_pkcs8(EVP_PKEY *key, uint8_t *out, size_t room);

#endif
