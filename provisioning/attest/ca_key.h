/* ca_key.h - the private key of a factory's CA: P-384, PKCS#8 in PEM, under a passphrase (PBES2 with scrypt and
 * AES-256) unless its holder keeps the file in a way of his own. */
#ifndef STRONGROOM_PROVISIONING_CA_KEY_H
#define STRONGROOM_PROVISIONING_CA_KEY_H

#include <openssl/evp.h>

#include "firmware/base/secret.h"
#include "provisioning/cli/command.h"

/* Options --passphrase-file and, for a new key, --no-passphrase; without one the passphrase is asked for. EXIT_DONE, or
 * EXIT_REFUSED after saying why. */
int ca_key_passphrase(const struct invocation *in, struct secret *out); /* empty: none */
int ca_key_read(const struct invocation *in, const char *path, EVP_PKEY **out);

#endif
