/* public_key_file.h - a public key in a PEM file. */
#ifndef STRONGROOM_PROVISIONING_PUBLIC_KEY_FILE_H
#define STRONGROOM_PROVISIONING_PUBLIC_KEY_FILE_H

#include "provisioning/cli/command.h"

/* Its SubjectPublicKeyInfo, DER, or that of a certificate; of a kind that keystores take. EXIT_DONE, or EXIT_REFUSED
 * after saying why. */
int public_key_file_read(const struct invocation *in, const char *path, struct bytes *out);

#endif
