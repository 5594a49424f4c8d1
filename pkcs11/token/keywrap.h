/* keywrap.h - AES key wrap (RFC 3394, 2.2; SP 800-38F's KW) over a block cipher that somebody else owns.
 * The token offers AES-KW only as C_WrapKey, and a key with CKA_WRAP could take other keys out of the token; so the
 * caller's bytes are wrapped here, and the key is an ordinary encryption key (THREATS.md C7). Pure. */
#ifndef STRONGROOM_PKCS11_KEYWRAP_H
#define STRONGROOM_PKCS11_KEYWRAP_H

#include "firmware/base/bytes.h"

#define KEYWRAP_BLOCK 16
#define KEYWRAP_MIN   16 /* bytes to wrap: two semi-blocks (SP 800-38F, 5.3.1) */

/* Encrypts (or decrypts) one block in place. */
typedef enum status keywrap_block(void *arg, uint8_t block[KEYWRAP_BLOCK]);

/* `in` of KEYWRAP_MIN or more bytes, a multiple of 8; `out` gets in.len + 8.
 * Errors: ST_BAD_REQUEST the length; what `encrypt` returns. */
MUST_CHECK enum status keywrap_wrap(struct span in, uint8_t *out, keywrap_block *encrypt, void *arg);
/* `in` of KEYWRAP_MIN + 8 or more bytes, a multiple of 8; `out` gets in.len - 8, which are wiped on failure.
 * Errors: ST_BAD_CIPHERTEXT the length or the integrity value is wrong; what `decrypt` returns. */
MUST_CHECK enum status keywrap_unwrap(struct span in, uint8_t *out, keywrap_block *decrypt, void *arg);

#endif
