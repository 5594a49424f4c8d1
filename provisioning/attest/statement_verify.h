/* statement_verify.h - is a statement to be believed? Offline: the factory's CA and the expected values are all that it
 * takes. Pure but for the clock that the caller gives. */
#ifndef STRONGROOM_PROVISIONING_STATEMENT_VERIFY_H
#define STRONGROOM_PROVISIONING_STATEMENT_VERIFY_H

#include "provisioning/attest/device_certificate.h"
#include "provisioning/attest/expected.h"
#include "provisioning/attest/statement_file.h"

#define VERIFY_WHY_MAX 256

struct verification {
    const struct signed_statement *file;
    X509 *ca;
    const struct expected *expected;
    struct span nonce; /* empty: none was asked for, as in a destruction */
    int64_t at_s;      /* the moment for which it is to hold */
    /* results */
    struct device_claims claims;
    char why[VERIFY_WHY_MAX];
};

/* NULL: all of it holds. Else the name of the first check that failed; `why` has the rest. The checks in their order:
 * chain, device, signature, nonce, purpose, board, hardware, root, serial number, time, state, firmware, version,
 * counter, domain, quote, key. */
const char *statement_verify(struct verification *v);

/* checks of statement_key.c and statement_quote.c; false after filling `why` */
bool statement_key_holds(struct verification *v);
/* Was the key not made in the device that says this? Also when it says nothing about that. */
bool statement_key_is_restored(const Ks__Statement *s);
bool statement_quote_holds(struct verification *v);
bool statement_chain_holds(struct verification *v);
bool statement_fails(struct verification *v, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool statement_signed_by(EVP_PKEY *key, const struct bytes *signature, struct span prefix, struct span text);

#endif
