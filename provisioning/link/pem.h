/* pem.h - certificates in PEM (RFC 7468), from files and texts, and back. What is said of a refusal names the file. */
#ifndef STRONGROOM_PROVISIONING_PEM_H
#define STRONGROOM_PROVISIONING_PEM_H

#include <openssl/x509.h>

#include "provisioning/cli/command.h"

#define PEM_FILE_MAX (64u * 1024)

/* Up to `max` certificates, and nothing else but white space. Errors: ST_BAD_REQUEST; ST_TOO_LARGE more than `max`. The
 * first *count of `out` are for the caller to free; none after an error. */
MUST_CHECK enum status pem_certificates(struct span text, unsigned max, X509 **out, unsigned *count);
void pem_append_certificate(struct bytes *out, X509 *x);

/* From files: EXIT_DONE, or EXIT_REFUSED after saying why. */
int pem_read_certificates(const struct invocation *in, const char *path, unsigned max, X509 **out, unsigned *count);
int pem_read_certificate(const struct invocation *in, const char *path, X509 **out);

#endif
