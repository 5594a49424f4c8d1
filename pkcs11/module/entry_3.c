/* Entry points that PKCS#11 3.0 and 3.2 add and that we do not offer: each still says first what is wrong with the
 * call. Encryption by messages and authenticated wrapping have their counterparts in CKM_AES_GCM with C_Encrypt and in
 * CKM_STRONGROOM_SEAL; nothing here runs in the background. */
#include "pkcs11/module/call.h"
#include "pkcs11/module/pkcs11_3.h"

static CK_RV refuse(CK_SESSION_HANDLE session, CK_RV refusal)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    return call_leave(&call, rv == CKR_OK ? refusal : rv);
}

/* The parameters have no names in what follows: they are not looked at. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

#define NOT_SUPPORTED(name, arguments)                                                                                 \
    CK_RV name arguments                                                                                               \
    {                                                                                                                  \
        return refuse(session, CKR_FUNCTION_NOT_SUPPORTED);                                                            \
    }

#define MESSAGE_INIT (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key)
#define MESSAGE_CRYPT                                                                                                  \
    (CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len, CK_BYTE_PTR aad, CK_ULONG aad_len,      \
     CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR out, CK_ULONG_PTR out_len)
#define MESSAGE_CRYPT_BEGIN                                                                                            \
    (CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len, CK_BYTE_PTR aad, CK_ULONG aad_len)
#define MESSAGE_CRYPT_NEXT                                                                                             \
    (CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len, CK_BYTE_PTR in, CK_ULONG in_len,        \
     CK_BYTE_PTR out, CK_ULONG_PTR out_len, CK_FLAGS flags)
#define MESSAGE_SIGN                                                                                                   \
    (CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len, CK_BYTE_PTR data, CK_ULONG data_len,    \
     CK_BYTE_PTR signature, CK_ULONG_PTR signature_len)
#define MESSAGE_VERIFY                                                                                                 \
    (CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len, CK_BYTE_PTR data, CK_ULONG data_len,    \
     CK_BYTE_PTR signature, CK_ULONG signature_len)
#define MESSAGE_BEGIN (CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len)
#define MESSAGE_FINAL (CK_SESSION_HANDLE session)

NOT_SUPPORTED(C_MessageEncryptInit, MESSAGE_INIT)
NOT_SUPPORTED(C_EncryptMessage, MESSAGE_CRYPT)
NOT_SUPPORTED(C_EncryptMessageBegin, MESSAGE_CRYPT_BEGIN)
NOT_SUPPORTED(C_EncryptMessageNext, MESSAGE_CRYPT_NEXT)
NOT_SUPPORTED(C_MessageEncryptFinal, MESSAGE_FINAL)
NOT_SUPPORTED(C_MessageDecryptInit, MESSAGE_INIT)
NOT_SUPPORTED(C_DecryptMessage, MESSAGE_CRYPT)
NOT_SUPPORTED(C_DecryptMessageBegin, MESSAGE_CRYPT_BEGIN)
NOT_SUPPORTED(C_DecryptMessageNext, MESSAGE_CRYPT_NEXT)
NOT_SUPPORTED(C_MessageDecryptFinal, MESSAGE_FINAL)
NOT_SUPPORTED(C_MessageSignInit, MESSAGE_INIT)
NOT_SUPPORTED(C_SignMessage, MESSAGE_SIGN)
NOT_SUPPORTED(C_SignMessageBegin, MESSAGE_BEGIN)
NOT_SUPPORTED(C_SignMessageNext, MESSAGE_SIGN)
NOT_SUPPORTED(C_MessageSignFinal, MESSAGE_FINAL)
NOT_SUPPORTED(C_MessageVerifyInit, MESSAGE_INIT)
NOT_SUPPORTED(C_VerifyMessage, MESSAGE_VERIFY)
NOT_SUPPORTED(C_VerifyMessageBegin, MESSAGE_BEGIN)
NOT_SUPPORTED(C_VerifyMessageNext, MESSAGE_VERIFY)
NOT_SUPPORTED(C_MessageVerifyFinal, MESSAGE_FINAL)

NOT_SUPPORTED(C_WrapKeyAuthenticated,
              (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE wrapping_key,
               CK_OBJECT_HANDLE key, CK_BYTE_PTR aad, CK_ULONG aad_len, CK_BYTE_PTR wrapped, CK_ULONG_PTR wrapped_len))
NOT_SUPPORTED(C_UnwrapKeyAuthenticated,
              (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE unwrapping_key,
               CK_BYTE_PTR wrapped, CK_ULONG wrapped_len, CK_ATTRIBUTE_PTR attributes, CK_ULONG count, CK_BYTE_PTR aad,
               CK_ULONG aad_len, CK_OBJECT_HANDLE_PTR key))

CK_RV C_AsyncComplete(CK_SESSION_HANDLE session, CK_UTF8CHAR_PTR function, CK_ASYNC_DATA *result)
{
    return refuse(session, CKR_SESSION_ASYNC_NOT_SUPPORTED);
}

CK_RV C_AsyncGetID(CK_SESSION_HANDLE session, CK_UTF8CHAR_PTR function, CK_ULONG_PTR id)
{
    return refuse(session, CKR_SESSION_ASYNC_NOT_SUPPORTED);
}

CK_RV C_AsyncJoin(CK_SESSION_HANDLE session, CK_UTF8CHAR_PTR function, CK_ULONG id, CK_BYTE_PTR data, CK_ULONG data_len)
{
    return refuse(session, CKR_SESSION_ASYNC_NOT_SUPPORTED);
}

/* 3.2, 5.6.13: no validation stands behind any operation. */
CK_RV C_GetSessionValidationFlags(CK_SESSION_HANDLE session, CK_ULONG type, CK_FLAGS *flags)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK && (flags == NULL || type != CKS_LAST_VALIDATION_OK))
        rv = CKR_ARGUMENTS_BAD;
    if (rv == CKR_OK)
        *flags = 0;
    return call_leave(&call, rv);
}
