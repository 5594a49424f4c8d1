/* guard.h - OpenSSL in somebody else's process. What we do with it happens in a library context of our own, which is
 * the thread's default between guard_enter() and guard_leave() only, and leaves the thread's error queue as it was.
 * Nothing of the application's configuration, providers or engines is used, and nothing of it changes. */
#ifndef STRONGROOM_PKCS11_MODULE_GUARD_H
#define STRONGROOM_PKCS11_MODULE_GUARD_H

#include <openssl/crypto.h>
#include <stdbool.h>

#include "firmware/base/status.h"

struct guard {
    OSSL_LIB_CTX *previous;
    struct saved_error *errors; /* the application's: a TLS handshake clears the queue */
};

/* At each C_Initialize. Errors: ST_NO_MEMORY; ST_UNAVAILABLE OpenSSL has been shut down by the process's exit. */
MUST_CHECK enum status guard_open(void);
/* In a forked child, which needs a context of its own: another thread of the parent may have held this one's locks. */
void guard_abandon(void);
/* False: OpenSSL has been shut down (we are called from an exit handler); nothing of it may be used any more. */
bool guard_enter(struct guard *g);
void guard_leave(struct guard *g);

#endif
