/* transfer_key.h - the key under which the shares of a security domain come to this keystore, when it is to be restored
 * here: an RSA key and a certificate that the device key signs, made for one restore and kept in the flash until that
 * is done, so that holders who have been there need not come again after a power cut. Guarded by the keystore's lock.
 */
#ifndef STRONGROOM_TRANSFER_KEY_H
#define STRONGROOM_TRANSFER_KEY_H

#include <openssl/x509.h>

#include "firmware/storage.h"

#define TRANSFER_KEY_BITS 3072

struct transfer_key {
    EVP_PKEY *key; /* NULL: there is none */
    X509 *certificate;
};

/* `device` signs the certificate: a holder sees by it which keystore his share goes to. Slow. Errors: CKR_DEVICE_ERROR;
 * CKR_HOST_MEMORY. */
MUST_CHECK CK_RV transfer_key_make(struct transfer_key *t, EVP_PKEY *device);
MUST_CHECK enum status transfer_key_unpack(struct transfer_key *t, struct span record); /* ST_CORRUPT */
/* As a change to be committed; *buffer is for storage_release() afterwards. Errors: CKR_HOST_MEMORY. */
MUST_CHECK CK_RV transfer_key_change(const struct transfer_key *t, struct flash_change *change, struct bytes *buffer);
void transfer_key_clear(struct transfer_key *t); /* wipes */

#endif
