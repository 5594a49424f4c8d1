/* hex.h - lower-case hexadecimal text. */
#ifndef STRONGROOM_BASE_HEX_H
#define STRONGROOM_BASE_HEX_H

#include "firmware/base/bytes.h"

void hex_append(struct bytes *out, struct span in);
/* Exactly 2 * len digits of either case into `out`. Errors: ST_BAD_REQUEST. */
MUST_CHECK enum status hex_decode(uint8_t *out, size_t len, struct span text);

#endif
