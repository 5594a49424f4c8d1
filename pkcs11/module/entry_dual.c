/* Entry points: two operations fed by one call. Each is the two simple calls after each other (PKCS#11 2.40, 5.13). */
#include "pkcs11/module/call.h"
#include "pkcs11/module/operation.h"
#include "pkcs11/module/pkcs11_3.h"

/* Encrypt a part, and digest or sign the same plaintext. What cannot be encrypted is not absorbed: then the call can be
 * made again when the buffer was too small. */
static CK_RV encrypt_and(struct session *s, enum operation_kind other, CK_BYTE_PTR part, CK_ULONG part_len,
                         CK_BYTE_PTR out, CK_ULONG_PTR out_len)
{
    CK_RV rv;

    if (!operation_is_active(s, other) || !operation_is_active(s, OPERATION_ENCRYPT))
        return CKR_OPERATION_NOT_INITIALIZED;
    rv = operation_part(s, OPERATION_ENCRYPT, part, part_len, out, out_len);
    return rv == CKR_OK && out != NULL ? operation_absorb(s, other, part, part_len, false) : rv;
}

/* Decrypt a part, and digest or verify what comes out. */
static CK_RV decrypt_and(struct session *s, enum operation_kind other, CK_BYTE_PTR in, CK_ULONG in_len,
                         CK_BYTE_PTR part, CK_ULONG_PTR part_len)
{
    CK_RV rv;

    if (!operation_is_active(s, other) || !operation_is_active(s, OPERATION_DECRYPT))
        return CKR_OPERATION_NOT_INITIALIZED;
    rv = operation_part(s, OPERATION_DECRYPT, in, in_len, part, part_len);
    return rv == CKR_OK && part != NULL ? operation_absorb(s, other, part, *part_len, false) : rv;
}

CK_RV C_DigestEncryptUpdate(CK_SESSION_HANDLE session, CK_BYTE_PTR part, CK_ULONG part_len, CK_BYTE_PTR encrypted,
                            CK_ULONG_PTR encrypted_len)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = encrypt_and(call.session, OPERATION_DIGEST, part, part_len, encrypted, encrypted_len);
    return call_leave(&call, rv);
}

CK_RV C_SignEncryptUpdate(CK_SESSION_HANDLE session, CK_BYTE_PTR part, CK_ULONG part_len, CK_BYTE_PTR encrypted,
                          CK_ULONG_PTR encrypted_len)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = encrypt_and(call.session, OPERATION_SIGN, part, part_len, encrypted, encrypted_len);
    return call_leave(&call, rv);
}

CK_RV C_DecryptDigestUpdate(CK_SESSION_HANDLE session, CK_BYTE_PTR encrypted, CK_ULONG encrypted_len, CK_BYTE_PTR part,
                            CK_ULONG_PTR part_len)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = decrypt_and(call.session, OPERATION_DIGEST, encrypted, encrypted_len, part, part_len);
    return call_leave(&call, rv);
}

CK_RV C_DecryptVerifyUpdate(CK_SESSION_HANDLE session, CK_BYTE_PTR encrypted, CK_ULONG encrypted_len, CK_BYTE_PTR part,
                            CK_ULONG_PTR part_len)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = decrypt_and(call.session, OPERATION_VERIFY, encrypted, encrypted_len, part, part_len);
    return call_leave(&call, rv);
}
