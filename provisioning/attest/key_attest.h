/* key_attest.h - the attestation of a key of a token, through its PKCS#11 module. */
#ifndef STRONGROOM_PROVISIONING_KEY_ATTEST_H
#define STRONGROOM_PROVISIONING_KEY_ATTEST_H

#include "provisioning/cli/command.h"
#include "service/daemon/config.h"

/* Of the one key with this label in the token that the configuration names: the private one of a pair. `out` is a
 * packed ks.SignedStatement. EXIT_DONE, or EXIT_REFUSED after saying why. */
int key_attest(const struct invocation *in, const struct config *c, const char *label, struct span nonce,
               struct bytes *out);

#endif
