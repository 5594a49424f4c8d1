/* pin_source.h - where a PIN lies, as `token_pin_file` of a daemon's configuration says it, and the one place that
 * reads it: /path             a file of this user's alone credential:NAME   $CREDENTIALS_DIRECTORY/NAME, which systemd
 * gives to a service (systemd.exec(5), LoadCredential=) keyring:NAME      the key of type "user" and this description
 * in the session's or the user's keyring (keyrings(7)) */
#ifndef STRONGROOM_PKCS11_TOKEN_PIN_SOURCE_H
#define STRONGROOM_PKCS11_TOKEN_PIN_SOURCE_H

#include "firmware/base/secret.h"

#define PIN_SOURCE_MAX  255 /* bytes of a PIN */
#define PIN_SOURCE_NAME 255 /* bytes of a credential's or key's name */

enum pin_source_kind { PIN_SOURCE_FILE, PIN_SOURCE_CREDENTIAL, PIN_SOURCE_KEYRING };

/* The kind of a source; *name is its path or name, inside `source`. */
enum pin_source_kind pin_source_kind(const char *source, const char **name);

/* Tells whether a source was written since: changes with a file's time or a key's content. Compare it whole. */
struct pin_stamp {
    uint8_t digest[32];
};

/* The PIN, without line ends after it; it may be empty. `stamp` may be NULL. Errors: ST_NOT_FOUND no such file,
 * credential or key; ST_NOT_PERMITTED others may read it, or it is a link; ST_TOO_LARGE; ST_BAD_REQUEST the name;
 * ST_UNAVAILABLE no keyring here; ST_IO; ST_NO_MEMORY. */
MUST_CHECK enum status pin_source_read(const char *source, struct secret *pin, struct pin_stamp *stamp);

/* Put the PIN into the user's keyring under this description, in place of what was there. Errors: ST_BAD_REQUEST the
 * description; ST_NOT_PERMITTED; ST_UNAVAILABLE no keyring here, or it is full. */
MUST_CHECK enum status pin_source_keep(const char *description, struct span pin);

#endif
