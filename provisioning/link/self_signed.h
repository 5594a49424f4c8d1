/* self_signed.h - certificates that a key signs for itself: who is meant by it is the key, not what stands in it. */
#ifndef STRONGROOM_PROVISIONING_SELF_SIGNED_H
#define STRONGROOM_PROVISIONING_SELF_SIGNED_H

#include <openssl/x509.h>

/* CN `name` (1 to 64 bytes, UTF-8), good from an hour ago until `end`, "99991231235959Z". NULL: it cannot be made. The
 * caller frees. */
X509 *self_signed(EVP_PKEY *key, const char *name, const char *end);

#endif
