/* hash.h - a hash by the names of the vectors, and the mechanisms that PKCS#11 builds on it. 0: there is none. */
#ifndef STRONGROOM_TESTS_VECTORS_HASH_H
#define STRONGROOM_TESTS_VECTORS_HASH_H

#include <openssl/evp.h>

#include "firmware/base/bytes.h"
#include "firmware/wire/pkcs11.h"

struct hash {
    const char *names[3]; /* Wycheproof's "SHA-256", ACVP's "SHA2-256", libcrypto's */
    unsigned len;
    CK_MECHANISM_TYPE digest, hmac, hmac_general, rsa_pkcs, rsa_pss, ecdsa;
    CK_ULONG mgf;
    const char *info; /* the DigestInfo in front of the hash, RFC 8017, 9.2 note 1, in hexadecimal */
};

/* NULL: no hash of that name. */
const struct hash *hash_find(const char *name);
/* The hash by libcrypto, into room for EVP_MAX_MD_SIZE bytes. */
struct span hash_make(const struct hash *h, struct span in, uint8_t *out);

#endif
