/* Entry points: sessions, logins, PINs. */
#include "pkcs11/module/call.h"
#include "pkcs11/module/operation.h"
#include "pkcs11/module/pkcs11_3.h"
#include "pkcs11/module/search.h"

CK_RV C_OpenSession(CK_SLOT_ID slot, CK_FLAGS flags, CK_VOID_PTR application, CK_NOTIFY notify,
                    CK_SESSION_HANDLE_PTR session)
{
    struct call call;
    CK_RV rv = call_enter_slot(&call, slot);

    (void)application; /* we never call back */
    (void)notify;
    if (rv == CKR_OK && session == NULL)
        rv = CKR_ARGUMENTS_BAD;
    if (rv == CKR_OK && (flags & CKF_SERIAL_SESSION) == 0)
        rv = CKR_SESSION_PARALLEL_NOT_SUPPORTED;
    if (rv == CKR_OK)
        rv = session_open(call.slot, flags & (CKF_RW_SESSION | CKF_SERIAL_SESSION), session);
    return call_leave(&call, rv);
}

static CK_RV close_session(struct call *call)
{
    Ks__Session request = KS__SESSION__INIT;
    CK_RV rv;

    request.session = call->session->number;
    rv = session_order(call->session, MESSAGE_CLOSE_SESSION, &request.base, CALL_MS);
    if (rv == CKR_OK || rv == CKR_DEVICE_REMOVED || rv == CKR_SESSION_HANDLE_INVALID) {
        key_cache_clear(&call->slot->keys);
        session_forget(call->session);
        call->session = NULL;
    }
    return rv == CKR_DEVICE_REMOVED ? CKR_OK : rv; /* it is closed, that way too */
}

CK_RV C_CloseSession(CK_SESSION_HANDLE session)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = close_session(&call);
    return call_leave(&call, rv);
}

static CK_RV close_all(struct slot *slot)
{
    Ks__Session all = KS__SESSION__INIT;
    bool any = session_exists(slot);
    CK_RV rv = CKR_OK;

    session_forget_all(slot);
    key_cache_clear(&slot->keys);
    if (any)
        rv = client_order(slot, POOL_ANY, MESSAGE_CLOSE_SESSION, &all.base, CALL_MS);
    return rv == CKR_DEVICE_REMOVED ? CKR_OK : rv;
}

CK_RV C_CloseAllSessions(CK_SLOT_ID slot)
{
    struct call call;
    CK_RV rv = call_enter_slot(&call, slot);

    if (rv == CKR_OK)
        rv = close_all(call.slot);
    return call_leave(&call, rv);
}

static CK_RV session_info(struct session *s, CK_SESSION_INFO_PTR info)
{
    Ks__Session request = KS__SESSION__INIT;
    struct reply reply;
    CK_RV rv;

    if (info == NULL)
        return CKR_ARGUMENTS_BAD;
    request.session = s->number;
    if ((rv = session_call(s, MESSAGE_SESSION_INFO, &request.base, CALL_MS, &reply)) == CKR_OK)
        *info = (CK_SESSION_INFO){ .slotID = s->slot->id,
                                   .state = ((const Ks__SessionInfo *)reply.message)->state,
                                   .flags = s->flags };
    reply_done(&reply);
    return rv;
}

CK_RV C_GetSessionInfo(CK_SESSION_HANDLE session, CK_SESSION_INFO_PTR info)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = session_info(call.session, info);
    return call_leave(&call, rv);
}

CK_RV C_GetOperationState(CK_SESSION_HANDLE session, CK_BYTE_PTR state, CK_ULONG_PTR state_len)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    (void)state;
    if (rv == CKR_OK)
        rv = state_len == NULL ? CKR_ARGUMENTS_BAD : CKR_STATE_UNSAVEABLE; /* states stay in the keystore */
    return call_leave(&call, rv);
}

CK_RV C_SetOperationState(CK_SESSION_HANDLE session, CK_BYTE_PTR state, CK_ULONG state_len,
                          CK_OBJECT_HANDLE encryption_key, CK_OBJECT_HANDLE authentication_key)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    (void)state_len;
    (void)encryption_key;
    (void)authentication_key;
    if (rv == CKR_OK)
        rv = state == NULL ? CKR_ARGUMENTS_BAD : CKR_SAVED_STATE_INVALID; /* we never gave one out */
    return call_leave(&call, rv);
}

/* For a moment, so that a PIN has no copies of ours: the request's bytes are in the link's buffer alone, which wipes.
 */
static CK_RV login(struct session *s, CK_USER_TYPE user_type, CK_UTF8CHAR_PTR pin, CK_ULONG pin_len)
{
    Ks__Login request = KS__LOGIN__INIT;
    CK_RV rv;

    if (pin == NULL)
        return CKR_ARGUMENTS_BAD;
    if (user_type != CKU_USER && user_type != CKU_SO && user_type != CKU_CONTEXT_SPECIFIC)
        return CKR_USER_TYPE_INVALID;
    if (pin_len > PIN_MAX)
        return CKR_PIN_LEN_RANGE;
    request.session = s->number;
    request.user_type = user_type;
    request.pin = wire_bytes(pin, pin_len);
    rv = session_order(s, MESSAGE_LOGIN, &request.base, PIN_MS);
    if (rv == CKR_OK && user_type != CKU_CONTEXT_SPECIFIC)
        key_cache_clear(&s->slot->keys);
    return rv;
}

static bool any_operation(const struct session *s)
{
    for (unsigned kind = 1; kind < OPERATION_KIND_COUNT_; kind++)
        if (operation_is_active(s, kind))
            return true;
    return false;
}

CK_RV C_Login(CK_SESSION_HANDLE session, CK_USER_TYPE user_type, CK_UTF8CHAR_PTR pin, CK_ULONG pin_len)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK && user_type == CKU_CONTEXT_SPECIFIC && !any_operation(call.session))
        rv = CKR_OPERATION_NOT_INITIALIZED;
    if (rv == CKR_OK)
        rv = login(call.session, user_type, pin, pin_len);
    return call_leave(&call, rv);
}

CK_RV C_LoginUser(CK_SESSION_HANDLE session, CK_USER_TYPE user_type, CK_UTF8CHAR_PTR pin, CK_ULONG pin_len,
                  CK_UTF8CHAR_PTR username, CK_ULONG username_len)
{
    if (username_len == 0)
        return C_Login(session, user_type, pin, pin_len);

    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = username == NULL ? CKR_ARGUMENTS_BAD : CKR_USER_TYPE_INVALID; /* users here have no names */
    return call_leave(&call, rv);
}

static CK_RV logout(struct session *s)
{
    Ks__Session request = KS__SESSION__INIT;
    CK_RV rv;

    request.session = s->number;
    rv = session_order(s, MESSAGE_LOGOUT, &request.base, CALL_MS);
    key_cache_clear(&s->slot->keys);
    return rv;
}

CK_RV C_Logout(CK_SESSION_HANDLE session)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = logout(call.session);
    return call_leave(&call, rv);
}

static CK_RV init_pin(struct session *s, CK_UTF8CHAR_PTR pin, CK_ULONG pin_len)
{
    Ks__InitPin request = KS__INIT_PIN__INIT;

    if (pin == NULL)
        return CKR_ARGUMENTS_BAD;
    if (pin_len > PIN_MAX)
        return CKR_PIN_LEN_RANGE;
    request.session = s->number;
    request.pin = wire_bytes(pin, pin_len);
    return session_order(s, MESSAGE_INIT_PIN, &request.base, PIN_MS);
}

CK_RV C_InitPIN(CK_SESSION_HANDLE session, CK_UTF8CHAR_PTR pin, CK_ULONG pin_len)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = init_pin(call.session, pin, pin_len);
    return call_leave(&call, rv);
}

static CK_RV set_pin(struct session *s, struct span old_pin, struct span new_pin)
{
    Ks__SetPin request = KS__SET_PIN__INIT;

    if (old_pin.p == NULL || new_pin.p == NULL)
        return CKR_ARGUMENTS_BAD;
    if (old_pin.len > PIN_MAX || new_pin.len > PIN_MAX)
        return CKR_PIN_LEN_RANGE;
    request.session = s->number;
    request.old_pin = wire_bytes(old_pin.p, old_pin.len);
    request.new_pin = wire_bytes(new_pin.p, new_pin.len);
    return session_order(s, MESSAGE_SET_PIN, &request.base, PIN_MS);
}

CK_RV C_SetPIN(CK_SESSION_HANDLE session, CK_UTF8CHAR_PTR old_pin, CK_ULONG old_len, CK_UTF8CHAR_PTR new_pin,
               CK_ULONG new_len)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = set_pin(call.session, span_of(old_pin, old_len), span_of(new_pin, new_len));
    return call_leave(&call, rv);
}

/* 3.0, 5.6.12: end what the flags name; what is not under way is no error. */
CK_RV C_SessionCancel(CK_SESSION_HANDLE session, CK_FLAGS flags)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    for (unsigned kind = 1; rv == CKR_OK && kind < OPERATION_KIND_COUNT_; kind++)
        if ((flags & operation_flag(kind)) != 0)
            operation_cancel(call.session, kind);
    if (rv == CKR_OK && (flags & CKF_FIND_OBJECTS) != 0)
        search_clear(call.session);
    return call_leave(&call, rv);
}

/* Since 2.0 no function runs in parallel with the application. */
static CK_RV not_parallel(CK_SESSION_HANDLE session)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    return call_leave(&call, rv == CKR_OK ? CKR_FUNCTION_NOT_PARALLEL : rv);
}

CK_RV C_GetFunctionStatus(CK_SESSION_HANDLE session)
{
    return not_parallel(session);
}

CK_RV C_CancelFunction(CK_SESSION_HANDLE session)
{
    return not_parallel(session);
}
