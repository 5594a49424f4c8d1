/* box.h - a few bytes encrypted under a key: AES-256-GCM, a random nonce of 12 bytes in front, the tag of 16 behind
 * (SP 800-38D, 8.2.2). For records of the keystore itself, of which there are few. Thread-safe. */
#ifndef STRONGROOM_BOX_H
#define STRONGROOM_BOX_H

#include "firmware/base/bytes.h"

#define BOX_KEY_LEN  32
#define BOX_OVERHEAD (12 + 16)

/* `out` has room for plain.len + BOX_OVERHEAD. Errors: ST_CORRUPT no random bytes; ST_NO_MEMORY. */
MUST_CHECK enum status box_close(const uint8_t key[BOX_KEY_LEN], struct span plain, struct span additional,
                                 uint8_t *out);
/* `out` has room for box.len - BOX_OVERHEAD; the caller wipes it. Errors: ST_BAD_CIPHERTEXT whatever is wrong;
 * ST_NO_MEMORY. */
MUST_CHECK enum status box_open(const uint8_t key[BOX_KEY_LEN], struct span box, struct span additional, uint8_t *out);

#endif
