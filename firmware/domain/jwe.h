/* jwe.h - encrypted texts in JWE's compact form (RFC 7516, 7.1), in the two ways of a security domain's file: under the
 * RSA key of a certificate (RSA-OAEP-256, a fresh content key each time) and under a key that both sides have (dir).
 * The content is under A256CBC-HS512, always (cbc_hmac.h). What libcrypto itself draws, OAEP's seed, comes from its own
 * generator. Pure; thread-safe.
 *
 * Not cjose, which the service uses: it has no RSA-OAEP-256, and the firmware's sysroot has neither it nor the jansson
 * below it. */
#ifndef STRONGROOM_DOMAIN_JWE_H
#define STRONGROOM_DOMAIN_JWE_H

#include <openssl/evp.h>

#include "firmware/base/secret.h"
#include "firmware/domain/cbc_hmac.h"
#include "firmware/domain/random.h"

#define JWE_KEY_LEN CBC_HMAC_KEY_LEN

/* Is this a key that jwe_seal_to() takes: RSA, HOLDER_KEY_BITS_MIN to HOLDER_KEY_BITS_MAX? */
bool jwe_key_fits(const EVP_PKEY *key);
/* Replaces what `out` held. Errors: those of `draw`; ST_UNSUPPORTED another kind of key, or size; ST_NO_MEMORY. */
MUST_CHECK enum status jwe_seal_to(EVP_PKEY *to, struct span plain, random_draw *draw, struct bytes *out);
MUST_CHECK enum status jwe_seal_direct(const uint8_t key[JWE_KEY_LEN], const char *kid, struct span plain,
                                       random_draw *draw, struct bytes *out);
/* Texts of up to DOMAIN_JWE_MAX. Errors: ST_BAD_CIPHERTEXT whatever is wrong; ST_UNSUPPORTED as above; ST_INTERNAL no
 * random bytes; ST_NO_MEMORY. `plain` is empty after an error. */
MUST_CHECK enum status jwe_open_with(EVP_PKEY *key, struct span jwe, struct secret *plain);
MUST_CHECK enum status jwe_open_direct(const uint8_t key[JWE_KEY_LEN], struct span jwe, struct secret *plain);

#endif
