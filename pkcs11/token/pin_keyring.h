/* pin_keyring.h - a PIN in the kernel's keyring (keyrings(7)), for pin_source.c. By the bare system calls: three of
 * them are no reason for a library. The daemons' filter (service/daemon/sandbox.c) lets keyctl() search, describe and
 * read. */
#ifndef STRONGROOM_PKCS11_TOKEN_PIN_KEYRING_H
#define STRONGROOM_PKCS11_TOKEN_PIN_KEYRING_H

#include "firmware/base/secret.h"

/* The content of the key of type "user" with this description, of the session's keyring or else of the user's. Errors:
 * ST_BAD_REQUEST the description; ST_NOT_FOUND; ST_NOT_PERMITTED it is another user's, or its group or others may read
 * it; ST_TOO_LARGE; ST_UNAVAILABLE the kernel gives us no keyrings; ST_NO_MEMORY. */
MUST_CHECK enum status pin_keyring_read(const char *description, struct secret *pin);
/* Into the user's keyring. Errors as of pin_source_keep(). */
MUST_CHECK enum status pin_keyring_keep(const char *description, struct span pin);

#endif
