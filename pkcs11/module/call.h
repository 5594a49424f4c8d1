/* call.h - what every C_ function does before and after: is the library initialised, in this process? is there such a
 * session? nobody else in it? */
#ifndef STRONGROOM_PKCS11_MODULE_CALL_H
#define STRONGROOM_PKCS11_MODULE_CALL_H

#include "pkcs11/module/library.h"
#include "pkcs11/module/session.h"

struct call {
    bool entered;
    struct session *session;
    struct slot *slot;
};

/* For functions of a session, a slot, or neither. call_leave() follows in any case. */
MUST_CHECK CK_RV call_enter(struct call *c, CK_SESSION_HANDLE session);
MUST_CHECK CK_RV call_enter_slot(struct call *c, CK_SLOT_ID slot);
MUST_CHECK CK_RV call_enter_library(struct call *c);
/* Returns `rv`. A session whose keystore has gone is forgotten: its handle is invalid from now on. */
CK_RV call_leave(struct call *c, CK_RV rv);

#endif
