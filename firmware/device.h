/* device.h - what the keystore is, apart from its domain and its partitions: its identity, who may do what to it, its
 * clock. One record. Guarded by the keystore's lock. */
#ifndef STRONGROOM_DEVICE_H
#define STRONGROOM_DEVICE_H

#include <openssl/x509.h>

#include "firmware/storage.h"
#include "firmware/wire/limits.h"

#define DEVICE_NAME "Strongroom keystore" /* in its certificates, for people */

struct auditor {
    uint8_t fingerprint[LINK_FINGERPRINT_LEN];
    char name[PARTITION_NAME_MAX + 1];
};

/* Where the keystore's audit goes: an address for people, and who fetches it there (may read the audit). */
struct audit_sink {
    char address[AUDIT_SINK_MAX + 1]; /* empty: there is none */
    uint8_t fingerprint[LINK_FINGERPRINT_LEN];
};

struct device {
    EVP_PKEY *key; /* P-256; what the link's TLS proves, and what signs statements */
    X509 *certificate;
    uint8_t fingerprint[LINK_FINGERPRINT_LEN]; /* of the key */
    uint32_t next_partition;                   /* numbers are never used twice */
    struct bytes chain[CERTIFICATE_CHAIN_MAX]; /* the factory's certificates of the key, leaf first, DER */
    unsigned chain_count;
    bool owned;
    uint8_t owner[LINK_FINGERPRINT_LEN];
    unsigned auditor_count;
    struct auditor auditors[AUDITORS_MAX];
    struct audit_sink sink;
    struct bytes firmware_key; /* SubjectPublicKeyInfo of who signs firmware; empty: nobody yet */
    int64_t clock_ms;          /* on top of the board's time */
    uint64_t clock_free_ms;    /* of CLOCK_FREE_MS: used up since a quorum set the clock */
    struct bytes destruction;  /* the signed statement of the last factory reset; empty once there is an owner again */
};

/* A new identity: key and self-signed certificate. Errors: ST_CORRUPT no random bytes; ST_INTERNAL. */
MUST_CHECK enum status device_make_identity(struct device *d);
MUST_CHECK enum status device_unpack(struct device *d, struct span record);
/* The record, as a change to be committed; *buffer is for storage_release() afterwards. Errors: CKR_HOST_MEMORY. */
MUST_CHECK CK_RV device_change(const struct device *d, struct flash_change *change, struct bytes *buffer);
/* Durable when it returns; irrevocable. Errors: ST_IO. */
MUST_CHECK enum status device_store(const struct device *d, struct storage *s);
/* May it read status and audit: an auditor, or the audit sink? */
bool device_has_auditor(const struct device *d, const uint8_t fingerprint[LINK_FINGERPRINT_LEN]);
/* SHA-256 of the firmware key, which is there. Errors: ST_NO_MEMORY. */
MUST_CHECK enum status device_firmware_key_print(const struct device *d, uint8_t out[32]);
/* Identity and firmware key stay, everything else is as it was in the factory. */
void device_reset(struct device *d);
/* The certificate as DER. Caller clears. */
MUST_CHECK enum status device_certificate(const struct device *d, struct bytes *out);
void device_clear(struct device *d); /* wipes */

#endif
