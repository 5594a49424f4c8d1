/* kdf.h - a key from a key: SP 800-108r1, 4.1, counter mode, with HMAC-SHA512, a counter of 32 bits in front, and the
 * length in bits (32 bits, big-endian) behind. Domain files derive each item's key with its tag as the label and an
 * empty context. Pure; thread-safe. */
#ifndef STRONGROOM_DOMAIN_KDF_H
#define STRONGROOM_DOMAIN_KDF_H

#include "firmware/base/bytes.h"

#define KDF_INPUT_MAX 256 /* label and context together */

/* Fills `out` with `len` > 0 bytes, which the caller wipes. Errors: ST_TOO_LARGE label and context; ST_NO_MEMORY. */
MUST_CHECK enum status kdf_derive(struct span key, struct span label, struct span context, uint8_t *out, size_t len);

#endif
