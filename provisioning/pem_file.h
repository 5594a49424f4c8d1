/* pem_file.h - keys and certificates in PEM files. Each returns EXIT_DONE, or EXIT_REFUSED after saying why; *out is NULL
 * then, and otherwise the caller's to free. */
#ifndef STRONGROOM_PROVISIONING_PEM_FILE_H
#define STRONGROOM_PROVISIONING_PEM_FILE_H

#include <openssl/x509.h>

#include "firmware/base/secret.h"
#include "provisioning/command.h"

int pem_certificate_read(const struct invocation *in, const char *path, X509 **out);
/* SubjectPublicKeyInfo, DER: of a public key, or of a certificate. */
int pem_public_key_read(const struct invocation *in, const char *path, struct bytes *out);
/* A private file (secret_read_file()). An encrypted key's passphrase is in the file that --passphrase-file names, where
 * the verb has that option and it is given, or else asked for. */
int pem_key_read(const struct invocation *in, const char *path, EVP_PKEY **out);

/* PKCS#8, of mode 0400; encrypted unless `passphrase` is NULL. */
int pem_key_write(const struct invocation *in, const char *path, EVP_PKEY *key, const struct secret *passphrase);
int pem_certificate_write(const struct invocation *in, const char *path, X509 *x);

/* A certificate for `key` that it signs itself: CN `name` (1 to 64 bytes, UTF-8), good from an hour ago until `end`,
 * "99991231235959Z". NULL: it cannot be made. */
X509 *self_signed(EVP_PKEY *key, const char *name, const char *end);

#endif
