/* device.h - what the keystore is, apart from its partitions: its owner, its identity, its security domain. One record.
 * Guarded by the keystore's lock. */
#ifndef STRONGROOM_DEVICE_H
#define STRONGROOM_DEVICE_H

#include <openssl/x509.h>

#include "firmware/seal.h"
#include "firmware/storage.h"
#include "firmware/wire/limits.h"

struct device {
    bool owned;
    uint8_t owner[LINK_FINGERPRINT_LEN];
    EVP_PKEY *key; /* P-256; what the link's TLS proves */
    X509 *certificate;
    bool has_domain;
    char domain_name[PARTITION_NAME_MAX + 1];
    uint8_t domain_key[SEAL_DOMAIN_KEY_LEN], domain_id[SEAL_DOMAIN_ID_LEN];
    uint32_t next_partition; /* numbers are never used twice */
};

/* A new identity: key and self-signed certificate. Errors: ST_CORRUPT no random bytes; ST_INTERNAL. */
MUST_CHECK enum status device_make_identity(struct device *d);
MUST_CHECK enum status device_unpack(struct device *d, struct span record);
/* Durable when it returns; irrevocable. Errors: ST_IO. */
MUST_CHECK enum status device_store(const struct device *d, struct storage *s);
/* The certificate as DER. Caller clears. */
MUST_CHECK enum status device_certificate(const struct device *d, struct bytes *out);
void device_clear(struct device *d); /* wipes */

#endif
