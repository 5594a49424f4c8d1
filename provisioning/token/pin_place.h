/* pin_place.h - the file of the daemon's PIN, and what else holds it: a configuration may name a credential or a key of
 * the keyring, which are made from a file (pkcs11/token/pin_source.h). Each returns EXIT_DONE, or what was refused. */
#ifndef STRONGROOM_PROVISIONING_PIN_PLACE_H
#define STRONGROOM_PROVISIONING_PIN_PLACE_H

#include "provisioning/token/site.h"

/* The file that a command writes the user PIN to or reads it from: the configuration's, or that of --pin-file where it
 * names none. *path is borrowed. */
int pin_place_file(const struct invocation *in, const struct site *s, const char **path);
/* The PIN in the file `from`, which is or becomes `path`, is the token's now: put it where the configuration says, or
 * say how the operator does. */
int pin_place_hand_over(const struct invocation *in, const struct site *s, const char *from, const char *path);
/* site_open_token(), but a credential, which only the daemon has, is read from the file. */
int pin_place_open_token(const struct invocation *in, struct site *s, const char *path);

#endif
