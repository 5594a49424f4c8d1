#include "pkcs11/module/call.h"

CK_RV call_enter_library(struct call *c)
{
    CK_RV rv = library_enter();

    *c = (struct call){ .entered = rv == CKR_OK };
    return rv;
}

CK_RV call_enter_slot(struct call *c, CK_SLOT_ID slot)
{
    CK_RV rv = call_enter_library(c);

    if (rv == CKR_OK && (c->slot = library_slot(slot)) == NULL)
        rv = CKR_SLOT_ID_INVALID;
    return rv;
}

CK_RV call_enter(struct call *c, CK_SESSION_HANDLE session)
{
    CK_RV rv = call_enter_library(c);

    if (rv == CKR_OK && (rv = session_lock(session, &c->session)) == CKR_OK)
        c->slot = c->session->slot;
    return rv;
}

CK_RV call_leave(struct call *c, CK_RV rv)
{
    if (c->session != NULL) {
        /* The keystore no longer knows the session when it has started anew, or when our last connection was lost. */
        bool dead = rv == CKR_SESSION_HANDLE_INVALID ||
                    (rv == CKR_DEVICE_REMOVED && c->session->generation != c->slot->pool.generation);

        if (dead)
            session_forget(c->session);
        else
            session_unlock(c->session);
    }
    if (c->entered)
        library_leave();
    return rv;
}
