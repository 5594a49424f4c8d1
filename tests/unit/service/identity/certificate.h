/* certificate.h - self-signed certificates for the tests of client assertions, made with OpenSSL directly. */
#ifndef STRONGROOM_TESTS_IDENTITY_CERTIFICATE_H
#define STRONGROOM_TESTS_IDENTITY_CERTIFICATE_H

#include <openssl/x509.h>

#include "tests/unit/service/identity/signer.h"

struct test_certificate {
    struct bytes der, pem;
    uint8_t sha1[20], sha256[32];
};
/* Valid from `not_before` to `not_after`, unix seconds. */
void certificate_make(struct test_certificate *c, EVP_PKEY *key, int64_t not_before, int64_t not_after);
void certificate_clear(struct test_certificate *c);

#endif
