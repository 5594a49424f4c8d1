/* domain_share.h - one holder's part of a security domain's master key: the words of shamir.h in a JWE, under his
 * certificate in the file, under the transfer certificate on the way to another keystore. Pure; thread-safe. */
#ifndef STRONGROOM_DOMAIN_SHARE_H
#define STRONGROOM_DOMAIN_SHARE_H

#include <openssl/x509.h>

#include "firmware/domain/jwe.h"

#define DOMAIN_MASTER_LEN 32
#define DOMAIN_SHARE_LEN  (2 * DOMAIN_MASTER_LEN)

/* Decrypt a share, or the master key itself (az's restore blob). Replaces what `out` held. Errors: ST_BAD_CIPHERTEXT it
 * does not open, or is no such thing; ST_UNSUPPORTED the key is none of ours; ST_INTERNAL; ST_NO_MEMORY. */
MUST_CHECK enum status domain_share_open(struct span jwe, EVP_PKEY *key, struct secret *share);
MUST_CHECK enum status domain_master_open(struct span jwe, EVP_PKEY *key, struct secret *master);
/* Encrypt a share for whoever has the certificate's key. Errors: those of `draw`; ST_BAD_REQUEST the share's length;
 * ST_UNSUPPORTED the certificate's key is none of ours; ST_NO_MEMORY. */
MUST_CHECK enum status domain_share_seal(struct span share, X509 *to, random_draw *draw, struct bytes *jwe);
/* How a certificate is named: SHA-256 of its DER. Errors: ST_NO_MEMORY. */
MUST_CHECK enum status domain_holder_name(struct span certificate, uint8_t out[32]);

#endif
