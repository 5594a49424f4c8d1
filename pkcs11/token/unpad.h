/* unpad.h - removing the padding of an RSA decryption whose raw result the token gave us, in constant time.
 * Pure functions. `em` is the raw result, exactly as long as the modulus. */
#ifndef STRONGROOM_PKCS11_UNPAD_H
#define STRONGROOM_PKCS11_UNPAD_H

#include <openssl/evp.h>

#include "firmware/base/bytes.h"

#define UNPAD_KDK_LEN 32
#define UNPAD_EM_MIN  64  /* RSA-512; what is useful is decided elsewhere */
#define UNPAD_EM_MAX  512 /* RSA-4096 */

/* OAEP with an empty label; `md` for the label and for MGF1. `out` has room for em.len bytes.
 * Errors: ST_BAD_CIPHERTEXT, whatever is wrong. */
MUST_CHECK enum status unpad_oaep(struct span em, const EVP_MD *md, uint8_t *out, size_t *len);
/* PKCS #1 v1.5 with implicit rejection (draft-irtf-cfrg-rsa-guidance, as OpenSSL 3.2 has it): a wrong padding yields a
 * message of pseudo-random content and length that depend on `kdk` only, so it cannot be told from a right one.
 *   kdk   from a secret that belongs to the key, and the ciphertext: the same for the same pair
 *   out   room for em.len bytes
 * Errors: ST_INTERNAL libcrypto failed, which does not depend on the padding. */
MUST_CHECK enum status unpad_pkcs1(struct span em, const uint8_t kdk[UNPAD_KDK_LEN], uint8_t *out, size_t *len);

#endif
