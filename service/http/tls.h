/* tls.h - the TLS side of the server: versions, suites, ALPN, the certificate in use. TLS 1.2 with ECDHE and AEAD
 * suites, or TLS 1.3; no compression, renegotiation, 0-RTT or client certificates (THREATS.md 5.1). */
#ifndef STRONGROOM_HTTP_TLS_H
#define STRONGROOM_HTTP_TLS_H

#include <openssl/ssl.h>
#include <stdbool.h>

#include "firmware/base/status.h"

/* Load the certificate (PEM, then its chain) for `key`. The caller's, for SSL_CTX_free().
 * Errors: ST_NOT_FOUND, ST_BAD_REQUEST the file; ST_CONFLICT it is not the key's; ST_NO_MEMORY. Logs the reason. */
MUST_CHECK enum status tls_context_new(const char *certificate_file, EVP_PKEY *key, SSL_CTX **out);
/* Has the client chosen HTTP/2? */
bool tls_chose_h2(const SSL *ssl);

#endif
