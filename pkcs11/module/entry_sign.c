/* Entry points: signatures and MACs, and verifying them. */
#include "pkcs11/module/call.h"
#include "pkcs11/module/operation.h"
#include "pkcs11/module/pkcs11_3.h"

CK_RV C_SignInit(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = operation_init(call.session, OPERATION_SIGN, mechanism, key);
    return call_leave(&call, rv);
}

CK_RV C_Sign(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG data_len, CK_BYTE_PTR signature,
             CK_ULONG_PTR signature_len)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = operation_whole(call.session, OPERATION_SIGN, data, data_len, signature, signature_len);
    return call_leave(&call, rv);
}

CK_RV C_SignUpdate(CK_SESSION_HANDLE session, CK_BYTE_PTR part, CK_ULONG part_len)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = operation_absorb(call.session, OPERATION_SIGN, part, part_len, false);
    return call_leave(&call, rv);
}

CK_RV C_SignFinal(CK_SESSION_HANDLE session, CK_BYTE_PTR signature, CK_ULONG_PTR signature_len)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = operation_finish(call.session, OPERATION_SIGN, signature, signature_len);
    return call_leave(&call, rv);
}

CK_RV C_SignRecoverInit(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = operation_init(call.session, OPERATION_SIGN_RECOVER, mechanism, key);
    return call_leave(&call, rv);
}

CK_RV C_SignRecover(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG data_len, CK_BYTE_PTR signature,
                    CK_ULONG_PTR signature_len)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = operation_whole(call.session, OPERATION_SIGN_RECOVER, data, data_len, signature, signature_len);
    return call_leave(&call, rv);
}

CK_RV C_VerifyInit(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = operation_init(call.session, OPERATION_VERIFY, mechanism, key);
    return call_leave(&call, rv);
}

CK_RV C_Verify(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG data_len, CK_BYTE_PTR signature,
               CK_ULONG signature_len)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = operation_verify(call.session, data, data_len, &(struct span){ signature, signature_len });
    return call_leave(&call, rv);
}

CK_RV C_VerifyUpdate(CK_SESSION_HANDLE session, CK_BYTE_PTR part, CK_ULONG part_len)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = operation_absorb(call.session, OPERATION_VERIFY, part, part_len, false);
    return call_leave(&call, rv);
}

CK_RV C_VerifyFinal(CK_SESSION_HANDLE session, CK_BYTE_PTR signature, CK_ULONG signature_len)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = operation_verify_finish(call.session, &(struct span){ signature, signature_len });
    return call_leave(&call, rv);
}

CK_RV C_VerifyRecoverInit(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = operation_init(call.session, OPERATION_VERIFY_RECOVER, mechanism, key);
    return call_leave(&call, rv);
}

CK_RV C_VerifyRecover(CK_SESSION_HANDLE session, CK_BYTE_PTR signature, CK_ULONG signature_len, CK_BYTE_PTR data,
                      CK_ULONG_PTR data_len)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = operation_whole(call.session, OPERATION_VERIFY_RECOVER, signature, signature_len, data, data_len);
    return call_leave(&call, rv);
}

/* PKCS#11 3.2: the signature is known before the data. */
CK_RV C_VerifySignatureInit(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key,
                            CK_BYTE_PTR signature, CK_ULONG signature_len)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = operation_init_signature(call.session, mechanism, key, signature, signature_len);
    return call_leave(&call, rv);
}

CK_RV C_VerifySignature(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG data_len)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = operation_verify(call.session, data, data_len, NULL);
    return call_leave(&call, rv);
}

CK_RV C_VerifySignatureUpdate(CK_SESSION_HANDLE session, CK_BYTE_PTR part, CK_ULONG part_len)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = operation_absorb(call.session, OPERATION_VERIFY, part, part_len, true);
    return call_leave(&call, rv);
}

CK_RV C_VerifySignatureFinal(CK_SESSION_HANDLE session)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = operation_verify_finish(call.session, NULL);
    return call_leave(&call, rv);
}
