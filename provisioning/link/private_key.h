/* private_key.h - private keys in files: PKCS#8 in PEM, under a passphrase (PBES2: scrypt, AES-256-CBC) or not. Each
 * returns EXIT_DONE, or EXIT_REFUSED after saying why. */
#ifndef STRONGROOM_PROVISIONING_PRIVATE_KEY_H
#define STRONGROOM_PROVISIONING_PRIVATE_KEY_H

#include <openssl/evp.h>

#include "firmware/base/bytes.h"
#include "provisioning/cli/command.h"

/* An encrypted key's passphrase is in the file that the option names, or is asked for on the terminal, by `question`
 * (NULL: "Passphrase of PATH"). The caller frees *out. */
int private_key_read(const struct invocation *in, const char *path, const char *option, const char *question,
                     EVP_PKEY **out);
/* A new file of mode 0400, encrypted unless `passphrase` is empty. */
int private_key_write(const struct invocation *in, EVP_PKEY *key, struct span passphrase, const char *path);

#endif
