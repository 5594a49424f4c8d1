/* Entry points: encryption, decryption, digests. */
#include "pkcs11/module/call.h"
#include "pkcs11/module/operation.h"
#include "pkcs11/module/pkcs11_3.h"

CK_RV C_EncryptInit(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = operation_init(call.session, OPERATION_ENCRYPT, mechanism, key);
    return call_leave(&call, rv);
}

CK_RV C_Encrypt(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG data_len, CK_BYTE_PTR encrypted,
                CK_ULONG_PTR encrypted_len)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = operation_whole(call.session, OPERATION_ENCRYPT, data, data_len, encrypted, encrypted_len);
    return call_leave(&call, rv);
}

CK_RV C_EncryptUpdate(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG data_len, CK_BYTE_PTR encrypted,
                      CK_ULONG_PTR encrypted_len)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = operation_part(call.session, OPERATION_ENCRYPT, data, data_len, encrypted, encrypted_len);
    return call_leave(&call, rv);
}

CK_RV C_EncryptFinal(CK_SESSION_HANDLE session, CK_BYTE_PTR encrypted, CK_ULONG_PTR encrypted_len)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = operation_finish(call.session, OPERATION_ENCRYPT, encrypted, encrypted_len);
    return call_leave(&call, rv);
}

CK_RV C_DecryptInit(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = operation_init(call.session, OPERATION_DECRYPT, mechanism, key);
    return call_leave(&call, rv);
}

CK_RV C_Decrypt(CK_SESSION_HANDLE session, CK_BYTE_PTR encrypted, CK_ULONG encrypted_len, CK_BYTE_PTR data,
                CK_ULONG_PTR data_len)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = operation_whole(call.session, OPERATION_DECRYPT, encrypted, encrypted_len, data, data_len);
    return call_leave(&call, rv);
}

CK_RV C_DecryptUpdate(CK_SESSION_HANDLE session, CK_BYTE_PTR encrypted, CK_ULONG encrypted_len, CK_BYTE_PTR data,
                      CK_ULONG_PTR data_len)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = operation_part(call.session, OPERATION_DECRYPT, encrypted, encrypted_len, data, data_len);
    return call_leave(&call, rv);
}

CK_RV C_DecryptFinal(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG_PTR data_len)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = operation_finish(call.session, OPERATION_DECRYPT, data, data_len);
    return call_leave(&call, rv);
}

CK_RV C_DigestInit(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = operation_init(call.session, OPERATION_DIGEST, mechanism, CK_INVALID_HANDLE);
    return call_leave(&call, rv);
}

CK_RV C_Digest(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG data_len, CK_BYTE_PTR digest,
               CK_ULONG_PTR digest_len)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = operation_whole(call.session, OPERATION_DIGEST, data, data_len, digest, digest_len);
    return call_leave(&call, rv);
}

CK_RV C_DigestUpdate(CK_SESSION_HANDLE session, CK_BYTE_PTR part, CK_ULONG part_len)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = operation_absorb(call.session, OPERATION_DIGEST, part, part_len, false);
    return call_leave(&call, rv);
}

CK_RV C_DigestKey(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = operation_absorb_key(call.session, key);
    return call_leave(&call, rv);
}

CK_RV C_DigestFinal(CK_SESSION_HANDLE session, CK_BYTE_PTR digest, CK_ULONG_PTR digest_len)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = operation_finish(call.session, OPERATION_DIGEST, digest, digest_len);
    return call_leave(&call, rv);
}
