/* machine_pin.h - PINs that no person types: 192 random bits as text, in a file of mode 0400. */
#ifndef STRONGROOM_PROVISIONING_MACHINE_PIN_H
#define STRONGROOM_PROVISIONING_MACHINE_PIN_H

#include "firmware/base/secret.h"

#define MACHINE_PIN_LEN 32 /* base64url of 24 bytes */

/* A new PIN, and its new file. Errors: ST_EXISTS; ST_NOT_FOUND no such directory; ST_NOT_PERMITTED; ST_IO;
 * ST_UNAVAILABLE no randomness; ST_NO_MEMORY. */
MUST_CHECK enum status machine_pin_create(const char *path, struct secret *pin);
/* Is this whole, and not what a crash left of one? */
bool machine_pin_is_whole(struct span pin);

#endif
