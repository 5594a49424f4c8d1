/* statement.h - a device's certificate and a statement, for the tests of what reads them. Nothing here is signed by
 * anybody: the readers look at the form alone. */
#ifndef STRONGROOM_TESTS_PROVISIONING_STATEMENT_H
#define STRONGROOM_TESTS_PROVISIONING_STATEMENT_H

#include <openssl/x509.h>

#include "firmware/wire/body.h"

/* A self-signed certificate of a P-256 key of its own, made once a program. */
X509 *statement_certificate(void);
/* The same in DER; lives as long as the program. */
ProtobufCBinaryData statement_certificate_der(void);

/* A statement of the least that one has, packed, in `*out` and for bytes_clear(). `edit` may change it first; NULL. */
void statement_pack(void (*edit)(Ks__Statement *), struct bytes *out);
/* A signed one around that: the certificate, a signature, and a quote unless `quote` is false. It borrows from
 * `statement`, and is valid until the next call. */
Ks__SignedStatement *statement_signed(const struct bytes *statement, bool quote);

#endif
