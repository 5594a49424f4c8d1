/* csr.h - certificate requests (PKCS#10, RFC 2986) for a TLS server: EC or RSA keys, names as subjectAltName. */
#ifndef STRONGROOM_PROVISIONING_CSR_H
#define STRONGROOM_PROVISIONING_CSR_H

#include <openssl/evp.h>

#include "firmware/base/bytes.h"

#define CSR_NAMES_MAX 64

/* A DNS name as a certificate may carry it: letters, digits, hyphens, at most 253 bytes; `*` only as the whole first
 * label with two labels behind it (clients refuse a wildcard right under a top-level name). */
bool csr_name_valid(const char *name);

/* The request as PEM, signed with `private_key` over `public_key`; the names are valid ones. The subject's common name
 * is the first name when it has at most 64 bytes (RFC 5280, ub-common-name). Errors: ST_BAD_REQUEST no names, too many
 * or a bad one; ST_UNAVAILABLE it cannot be signed; ST_NO_MEMORY. */
MUST_CHECK enum status csr_make(EVP_PKEY *private_key, EVP_PKEY *public_key, const char *const *names, size_t count,
                                struct bytes *pem);

#endif
