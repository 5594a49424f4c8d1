/* cbc_hmac.h - A256CBC-HS512 (RFC 7518, 5.2.5): AES-256-CBC with PKCS#7 padding, then HMAC-SHA512 over additional data,
 * IV, ciphertext and the additional data's length in bits (64 bits, big-endian), cut to 32 bytes. The first half of the
 * key is the MAC's, the second the cipher's. Pure; thread-safe. */
#ifndef STRONGROOM_DOMAIN_CBC_HMAC_H
#define STRONGROOM_DOMAIN_CBC_HMAC_H

#include "firmware/base/bytes.h"

#define CBC_HMAC_KEY_LEN 64
#define CBC_HMAC_IV_LEN  16
#define CBC_HMAC_TAG_LEN 32

static inline size_t cbc_hmac_sealed_len(size_t plain_len)
{
    return (plain_len / 16 + 1) * 16;
}

/* `out` has room for cbc_hmac_sealed_len(plain.len). Errors: ST_NO_MEMORY. */
MUST_CHECK enum status cbc_hmac_seal(const uint8_t key[CBC_HMAC_KEY_LEN], const uint8_t iv[CBC_HMAC_IV_LEN],
                                     struct span aad, struct span plain, uint8_t *out, uint8_t tag[CBC_HMAC_TAG_LEN]);
/* The tag is compared, in constant time, before anything is decrypted. `out` has room for sealed.len; *len is what it
 * then holds; the caller wipes it. Errors: ST_BAD_CIPHERTEXT whatever is wrong; ST_NO_MEMORY. */
MUST_CHECK enum status cbc_hmac_open(const uint8_t key[CBC_HMAC_KEY_LEN], const uint8_t iv[CBC_HMAC_IV_LEN],
                                     struct span aad, struct span sealed, const uint8_t tag[CBC_HMAC_TAG_LEN],
                                     uint8_t *out, size_t *len);

#endif
