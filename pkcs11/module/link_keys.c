#include "pkcs11/module/link_keys.h"

#include "pkcs11/module/call.h"

CK_RV link_keys(CK_SLOT_ID slot, CK_ULONG_PTR count)
{
    struct call call;
    CK_RV rv = call_enter_slot(&call, slot);

    if (rv == CKR_OK)
        rv = count != NULL ? slot_link_keys(call.slot, count) : CKR_ARGUMENTS_BAD;
    return call_leave(&call, rv);
}
