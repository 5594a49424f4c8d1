/* domain_fixture.h - what the tests of the security domain's file share: random bytes that come, or fail; holders with
 * keys; a payload. */
#ifndef STRONGROOM_TESTS_DOMAIN_FIXTURE_H
#define STRONGROOM_TESTS_DOMAIN_FIXTURE_H

#include <openssl/x509.h>

#include "firmware/domain/payload.h"
#include "firmware/domain/random.h"

/* libcrypto's generator. After draw_fail_after(n) the n-th next draw and all behind it fail, with ST_IO; -1: none. */
random_draw fixture_draw;
void draw_fail_after(int n);

struct fixture_holder {
    EVP_PKEY *key;
    X509 *certificate;
    struct bytes der;
};

EVP_PKEY *fixture_rsa(unsigned bits);
X509 *fixture_certificate(EVP_PKEY *key, const char *name);
/* HOLDERS_MAX of them, made once, with keys of 2,048 bits. */
struct fixture_holder *fixture_holders(void);
void fixture_free(void);
/* A valid payload of `count` holders, all of it borrowed. */
struct payload fixture_payload(uint32_t required, size_t count);
bool payload_equal(const struct payload *a, const struct payload *b);

#endif
