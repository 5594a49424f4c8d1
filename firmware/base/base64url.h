/* base64url.h - base64url without padding (RFC 4648, 5), strict both ways: one text for each byte string.
 * Decoding refuses padding, `+`, `/`, white space, a length of 1 mod 4 and non-zero last bits (THREATS.md 5.4). */
#ifndef STRONGROOM_BASE_BASE64URL_H
#define STRONGROOM_BASE_BASE64URL_H

#include "firmware/base/secret.h"

/* Bytes that `len` characters of text decode to, and characters that `len` bytes encode to (without a NUL). */
static inline size_t base64url_decoded_len(size_t len)
{
    return len / 4 * 3 + (len % 4 == 0 ? 0 : len % 4 - 1);
}
static inline size_t base64url_encoded_len(size_t len)
{
    return len / 3 * 4 + (len % 3 == 0 ? 0 : len % 3 + 1);
}
void base64url_append(struct bytes *out, struct span in);
/* Decode into `out`, which has room for base64url_decoded_len(text.len) bytes; *len is what was written.
 * Errors: ST_BAD_REQUEST. */
MUST_CHECK enum status base64url_decode_to(uint8_t *out, size_t *len, struct span text);
/* Decode, replacing what `out` held. Errors: ST_BAD_REQUEST; ST_NO_MEMORY; (secret) ST_TOO_LARGE. */
MUST_CHECK enum status base64url_decode(struct bytes *out, struct span text);
MUST_CHECK enum status base64url_decode_secret(struct secret *out, struct span text);

#endif
