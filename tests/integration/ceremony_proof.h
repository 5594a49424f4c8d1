/* ceremony_proof.h - does a security domain still do what it is for? A key of a token signs, and a key that left the
 * token sealed comes back and signs; libcrypto says of both signatures whether they are good. Each in a process of its
 * own, with the module that $TOKEN_MODULE names, as the client of $STRONGROOM_PKCS11_CONF. */
#ifndef STRONGROOM_TESTS_INTEGRATION_CEREMONY_PROOF_H
#define STRONGROOM_TESTS_INTEGRATION_CEREMONY_PROOF_H

#include <stdbool.h>

/* Make both keys, and objects that fill the partition to some parts of a backup. The files `FILES-token`,
 * `FILES-sealed` (the points of the public keys) and `FILES-blob` are what is kept outside. */
bool proof_make(const char *label, const char *pin_file, const char *files);
/* False, with a line on standard output, when one of the two does not work, or an object is missing. */
bool proof_holds(const char *label, const char *pin_file, const char *files);
/* Does the PIN in this file open the token? As the security officer's with `so`. A wrong one costs a try. */
bool proof_opens(const char *label, const char *pin_file, bool so);

#endif
