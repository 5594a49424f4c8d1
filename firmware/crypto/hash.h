/* hash.h - the hash functions, under the names that PKCS#11 has for each use, and OpenSSL's objects for them, fetched
 * once. For the files of this folder alone. Thread-safe. */
#ifndef STRONGROOM_HASH_H
#define STRONGROOM_HASH_H

#include <openssl/evp.h>

#include "firmware/base/bytes.h"
#include "firmware/wire/pkcs11.h"

#define HASH_LEN_MAX 64

struct hash {
    const char *name;       /* OpenSSL's */
    CK_MECHANISM_TYPE type; /* CKM_SHA256 */
    size_t len;
    CK_ULONG mgf;    /* CKG_MGF1_; 0: none */
    CK_ULONG kdf;    /* CKD_, for ECDH; 0: none */
    uint8_t oid_arc; /* last arc of 2.16.840.1.101.3.4.2; 0: not there */
};

/* Each: NULL when there is none. */
const struct hash *hash_by_type(CK_MECHANISM_TYPE type);
const struct hash *hash_by_mgf(CK_ULONG mgf);
const struct hash *hash_by_kdf(CK_ULONG kdf);
const struct hash *hash_by_name(const char *name);

/* NULL: libcrypto does not have it, or no memory. */
const EVP_MD *hash_md(const struct hash *h);
/* Errors: CKR_DEVICE_ERROR. */
MUST_CHECK CK_RV hash_once(const struct hash *h, struct span in, uint8_t *out);

#endif
