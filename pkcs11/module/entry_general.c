/* Entry points: the library, slots and tokens. */
#include "pkcs11/module/call.h"
#include "pkcs11/module/pkcs11_3.h"

#define LIBRARY_MAJOR 1
#define LIBRARY_MINOR 0

CK_RV C_Initialize(CK_VOID_PTR init_args)
{
    return library_initialize(init_args);
}

CK_RV C_Finalize(CK_VOID_PTR reserved)
{
    return reserved != NULL ? CKR_ARGUMENTS_BAD : library_finalize();
}

CK_RV C_GetInfo(CK_INFO_PTR info)
{
    struct call call;
    CK_RV rv = call_enter_library(&call);

    if (rv == CKR_OK && info == NULL)
        rv = CKR_ARGUMENTS_BAD;
    if (rv == CKR_OK) {
        *info = (CK_INFO){ .cryptokiVersion = { 3, 2 }, .libraryVersion = { LIBRARY_MAJOR, LIBRARY_MINOR } };
        pad_text(info->manufacturerID, sizeof info->manufacturerID, "Strongroom");
        pad_text(info->libraryDescription, sizeof info->libraryDescription, "Strongroom keystore client");
    }
    return call_leave(&call, rv);
}

static CK_RV list_slots(bool present_only, CK_SLOT_ID_PTR list, CK_ULONG_PTR count)
{
    CK_SLOT_ID found[CONFIG_SLOTS_MAX];
    CK_ULONG n = 0, room = *count;

    for (unsigned i = 0; i < library_slot_count(); i++)
        if (!present_only || slot_is_present(library_slot(i)))
            found[n++] = i;
    *count = n;
    if (list == NULL)
        return CKR_OK;
    if (room < n)
        return CKR_BUFFER_TOO_SMALL;
    memcpy(list, found, n * sizeof *list);
    return CKR_OK;
}

CK_RV C_GetSlotList(CK_BBOOL token_present, CK_SLOT_ID_PTR list, CK_ULONG_PTR count)
{
    struct call call;
    CK_RV rv = call_enter_library(&call);

    if (rv == CKR_OK)
        rv = count != NULL ? list_slots(token_present != CK_FALSE, list, count) : CKR_ARGUMENTS_BAD;
    return call_leave(&call, rv);
}

CK_RV C_GetSlotInfo(CK_SLOT_ID slot, CK_SLOT_INFO_PTR info)
{
    struct call call;
    CK_RV rv = call_enter_slot(&call, slot);

    if (rv == CKR_OK && info == NULL)
        rv = CKR_ARGUMENTS_BAD;
    if (rv == CKR_OK)
        slot_info(call.slot, info);
    return call_leave(&call, rv);
}

CK_RV C_GetTokenInfo(CK_SLOT_ID slot, CK_TOKEN_INFO_PTR info)
{
    struct call call;
    CK_RV rv = call_enter_slot(&call, slot);

    if (rv == CKR_OK)
        rv = info != NULL ? slot_token_info(call.slot, info) : CKR_ARGUMENTS_BAD;
    return call_leave(&call, rv);
}

CK_RV C_GetMechanismList(CK_SLOT_ID slot, CK_MECHANISM_TYPE *list, CK_ULONG_PTR count)
{
    struct call call;
    CK_RV rv = call_enter_slot(&call, slot);

    if (rv == CKR_OK)
        rv = count != NULL ? slot_mechanism_list(call.slot, list, count) : CKR_ARGUMENTS_BAD;
    return call_leave(&call, rv);
}

CK_RV C_GetMechanismInfo(CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO_PTR info)
{
    struct call call;
    CK_RV rv = call_enter_slot(&call, slot);

    if (rv == CKR_OK)
        rv = info != NULL ? slot_mechanism(call.slot, type, info) : CKR_ARGUMENTS_BAD;
    return call_leave(&call, rv);
}

CK_RV C_InitToken(CK_SLOT_ID slot, CK_UTF8CHAR_PTR pin, CK_ULONG pin_len, CK_UTF8CHAR_PTR label)
{
    struct call call;
    CK_RV rv = call_enter_slot(&call, slot);

    if (rv == CKR_OK && (pin == NULL || label == NULL))
        rv = CKR_ARGUMENTS_BAD; /* there is no keypad: CKF_PROTECTED_AUTHENTICATION_PATH is not set */
    if (rv == CKR_OK && pin_len > PIN_MAX)
        rv = CKR_PIN_LEN_RANGE;
    if (rv == CKR_OK && session_exists(call.slot))
        rv = CKR_SESSION_EXISTS;
    if (rv == CKR_OK)
        rv = slot_init_token(call.slot, span_of(pin, pin_len), span_of(label, LABEL_LEN));
    return call_leave(&call, rv);
}

CK_RV C_WaitForSlotEvent(CK_FLAGS flags, CK_SLOT_ID_PTR slot, CK_VOID_PTR reserved)
{
    struct call call;
    CK_RV rv = call_enter_library(&call);

    if (rv == CKR_OK && (slot == NULL || reserved != NULL))
        rv = CKR_ARGUMENTS_BAD;
    /* Keystores come and go without telling; there is no thread of ours that would look. */
    if (rv == CKR_OK)
        rv = (flags & CKF_DONT_BLOCK) != 0 ? CKR_NO_EVENT : CKR_FUNCTION_NOT_SUPPORTED;
    return call_leave(&call, rv);
}
