/* link_files.h - the files by which somebody is known on the keystore's link: certificates and private keys in PEM.
 * Each returns EXIT_DONE, or EXIT_REFUSED after saying why. */
#ifndef STRONGROOM_PROVISIONING_LINK_FILES_H
#define STRONGROOM_PROVISIONING_LINK_FILES_H

#include <openssl/x509.h>

#include "firmware/wire/link.h"
#include "provisioning/cli/command.h"

/* The caller frees *out. */
int link_read_certificate(const struct invocation *in, const char *path, X509 **out);
/* An encrypted key's passphrase is that of --key-passphrase-file, or is asked for on the terminal. */
int link_read_key(const struct invocation *in, const char *path, EVP_PKEY **out);

/* A new file of mode 0400, PKCS#8; encrypted (PBES2: scrypt, AES-256-CBC) unless `passphrase` is empty. */
int link_write_key(const struct invocation *in, EVP_PKEY *key, struct span passphrase, const char *path);
int link_write_certificate(const struct invocation *in, X509 *x, const char *path);
/* Both, where --key and --certificate say: their places first, before anything is asked; both files or neither. */
int link_reserve_pair(const struct invocation *in);
int link_write_pair(const struct invocation *in, EVP_PKEY *key, struct span passphrase, X509 *x);

/* The fingerprint of a certificate file. */
int keystore_fingerprint(const struct invocation *in, const char *path, uint8_t out[LINK_FINGERPRINT_LEN]);

/* Would the keystore take this as a name? EXIT_DONE, or EXIT_USAGE after saying what --`option` takes. */
int keystore_name_check(const struct invocation *in, const char *option, const char *name);

#define LINK_PASSPHRASE_OPTION "key-passphrase-file"

#endif
