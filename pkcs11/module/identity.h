/* identity.h - the identities that slots show on their links. They are kept for the life of the process and used anew
 * when a slot comes back with the same files: an identity has an OpenSSL context of its own (link_identity.c), and each
 * thread that has used a context runs code of it when the thread ends, so it cannot be freed under them. */
#ifndef STRONGROOM_PKCS11_MODULE_IDENTITY_H
#define STRONGROOM_PKCS11_MODULE_IDENTITY_H

#include "firmware/wire/link.h"

/* Within a guard, and not from two threads at a time (C_Initialize has its lock). *out is never freed. Errors: as
 * link_identity_client(). */
MUST_CHECK enum status identity_get(EVP_PKEY *key, X509 *certificate, const uint8_t pinned[LINK_FINGERPRINT_LEN],
                                    struct link_identity **out);
/* In a forked child: as if there had never been any. */
void identity_abandon_all(void);

#endif
