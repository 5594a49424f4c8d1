/* certificate.h - certificates of the keystore's own keys, and both of them in a record. Nobody checks their
 * dates: a board has no clock to trust. */
#ifndef STRONGROOM_CERTIFICATE_H
#define STRONGROOM_CERTIFICATE_H

#include <openssl/x509.h>

#include "firmware/crypto/attributes.h"

/* Signed by `signer`, the key itself or another one. NULL: no random bytes, or no memory. The caller frees. */
X509 *certificate_make(EVP_PKEY *key, EVP_PKEY *signer, const char *common_name, const char *signer_name);
/* Key and certificate (DER) as two attributes. Errors: CKR_HOST_MEMORY. */
MUST_CHECK CK_RV certificate_pack(EVP_PKEY *key, X509 *certificate, struct attributes *a, CK_ATTRIBUTE_TYPE key_field,
                                  CK_ATTRIBUTE_TYPE certificate_field);

#endif
