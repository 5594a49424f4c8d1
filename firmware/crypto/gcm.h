/* gcm.h - what AES-GCM and GMAC share. For aes_gcm.c and gmac.c. */
#ifndef STRONGROOM_GCM_H
#define STRONGROOM_GCM_H

#include "firmware/crypto/keyed.h"
#include "firmware/crypto/mechanism_table.h"

#define GCM_IV_MAX 128 /* bytes: libcrypto's limit */

/* Errors: CKR_MECHANISM_PARAM_INVALID; CKR_DEVICE_ERROR. */
MUST_CHECK CK_RV gcm_start(struct keyed *c, struct span iv, bool encrypting);
MUST_CHECK CK_RV gcm_authenticate(struct keyed *c, struct span aad);
/* Ends an encryption. */
MUST_CHECK CK_RV gcm_tag(struct keyed *c, uint8_t *tag, size_t len);

#endif
