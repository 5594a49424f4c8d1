/* device_certificate.h - the two certificates a factory makes: its own, and a device's. What a device is stands in its
 * certificate's alternative names, as URIs:
 *   urn:strongroom:board:<class>                 "sim"
 *   urn:strongroom:hardware:<true|false>
 *   urn:strongroom:quote-key:sha256:<64 digits>  of its TPM's attestation key, when it has one
 * and its serial number in the subject. */
#ifndef STRONGROOM_PROVISIONING_DEVICE_CERTIFICATE_H
#define STRONGROOM_PROVISIONING_DEVICE_CERTIFICATE_H

#include <openssl/x509.h>

#include "firmware/base/bytes.h"

#define DEVICE_SERIAL_MAX 64
#define DEVICE_BOARD_MAX  32
#define DEVICE_HASH_LEN   32

struct device_claims {
    char serial[DEVICE_SERIAL_MAX + 1]; /* letters, digits and hyphens */
    char board[DEVICE_BOARD_MAX + 1];   /* likewise */
    bool hardware;
    bool has_quote_key;
    uint8_t quote_key[DEVICE_HASH_LEN];
};

/* 1 to `max` letters, digits and hyphens? */
bool device_word_valid(const char *word, size_t max);

/* What `x` says. Errors: ST_BAD_REQUEST something is missing, there twice, or not of this form. */
MUST_CHECK enum status device_claims_read(X509 *x, struct device_claims *out);
/* A device's certificate for its public key. Errors: ST_BAD_REQUEST; ST_INTERNAL. */
MUST_CHECK enum status device_certificate_make(const struct device_claims *c, EVP_PKEY *device, X509 *ca,
                                               EVP_PKEY *ca_key, unsigned days, X509 **out);
/* The factory's own, self-signed: a CA with room for one more below it. Errors: ST_INTERNAL. */
MUST_CHECK enum status factory_certificate_make(const char *name, EVP_PKEY *key, unsigned days, X509 **out);

#endif
