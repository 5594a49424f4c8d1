/* pkcs11_3.h - the structures and function lists that PKCS#11 3.0 and 3.2 add to 2.40, which is where p11-kit's header
 * stops. The order of the members of the lists is the standard's and is the interface itself: a member that moves
 * breaks every client. Sources: PKCS#11 3.0 and 3.2, sections 3 (types), 5 (functions), 6 (mechanisms). */
#ifndef STRONGROOM_PKCS11_MODULE_PKCS11_3_H
#define STRONGROOM_PKCS11_MODULE_PKCS11_3_H

#include "firmware/wire/pkcs11.h"

/* Interfaces (3.0) */
typedef struct CK_INTERFACE {
    CK_UTF8CHAR *pInterfaceName; /* "PKCS 11" for the standard's own */
    void *pFunctionList;         /* begins with a CK_VERSION */
    CK_FLAGS flags;
} CK_INTERFACE;
typedef CK_INTERFACE *CK_INTERFACE_PTR;
typedef CK_INTERFACE_PTR *CK_INTERFACE_PTR_PTR;

/* Parameters of mechanisms */
typedef struct CK_EDDSA_PARAMS {
    CK_BBOOL phFlag;
    CK_ULONG ulContextDataLen;
    CK_BYTE_PTR pContextData;
} CK_EDDSA_PARAMS;

typedef struct CK_HKDF_PARAMS {
    CK_BBOOL bExtract;
    CK_BBOOL bExpand;
    CK_MECHANISM_TYPE prfHashMechanism;
    CK_ULONG ulSaltType; /* CKF_HKDF_SALT_ */
    CK_BYTE_PTR pSalt;
    CK_ULONG ulSaltLen;
    CK_OBJECT_HANDLE hSaltKey;
    CK_BYTE_PTR pInfo;
    CK_ULONG ulInfoLen;
} CK_HKDF_PARAMS;

typedef struct CK_RSA_AES_KEY_WRAP_PARAMS {
    CK_ULONG ulAESKeyBits;
    CK_RSA_PKCS_OAEP_PARAMS_PTR pOAEPParams;
} CK_RSA_AES_KEY_WRAP_PARAMS;

/* 3.2: ML-DSA, SLH-DSA and their combinations with one hash */
typedef struct CK_SIGN_ADDITIONAL_CONTEXT {
    CK_ULONG hedgeVariant; /* CKH_ */
    CK_BYTE_PTR pContext;
    CK_ULONG ulContextLen;
} CK_SIGN_ADDITIONAL_CONTEXT;

/* 3.2: CKM_HASH_ML_DSA and CKM_HASH_SLH_DSA, whose data is a digest made outside */
typedef struct CK_HASH_SIGN_ADDITIONAL_CONTEXT {
    CK_ULONG hedgeVariant;
    CK_BYTE_PTR pContext;
    CK_ULONG ulContextLen;
    CK_MECHANISM_TYPE hash;
} CK_HASH_SIGN_ADDITIONAL_CONTEXT;

/* Parameter of a message with CKM_AES_GCM (3.0, C_EncryptMessage and kin) */
typedef struct CK_GCM_MESSAGE_PARAMS {
    CK_BYTE_PTR pIv;
    CK_ULONG ulIvLen;
    CK_ULONG ulIvFixedBits;
    CK_ULONG ivGenerator;
    CK_BYTE_PTR pTag;
    CK_ULONG ulTagBits;
} CK_GCM_MESSAGE_PARAMS;

/* Result of a call that goes on in the background (3.2). */
typedef struct CK_ASYNC_DATA {
    CK_ULONG ulVersion;
    CK_BYTE_PTR pValue;
    CK_ULONG ulValue;
    CK_OBJECT_HANDLE hObject;
    CK_OBJECT_HANDLE hAdditionalObject;
} CK_ASYNC_DATA;

#define CKS_LAST_VALIDATION_OK 0x01UL

/* What C_SessionCancel ends beside the flags of CK_MECHANISM_INFO. */
#define CKF_MESSAGE_ENCRYPT 0x02UL
#define CKF_MESSAGE_DECRYPT 0x04UL
#define CKF_MESSAGE_SIGN    0x08UL
#define CKF_MESSAGE_VERIFY  0x10UL
#define CKF_FIND_OBJECTS    0x40UL

#define CKR_SESSION_ASYNC_NOT_SUPPORTED 0x205UL

/* The functions in the order of the lists: X(name), and X(name, arguments) for those that 2.40 does not know. */
#define PKCS11_2_40_FUNCTIONS(X)                                                                                       \
    X(C_Initialize)                                                                                                    \
    X(C_Finalize)                                                                                                      \
    X(C_GetInfo)                                                                                                       \
    X(C_GetFunctionList)                                                                                               \
    X(C_GetSlotList)                                                                                                   \
    X(C_GetSlotInfo)                                                                                                   \
    X(C_GetTokenInfo)                                                                                                  \
    X(C_GetMechanismList)                                                                                              \
    X(C_GetMechanismInfo)                                                                                              \
    X(C_InitToken)                                                                                                     \
    X(C_InitPIN)                                                                                                       \
    X(C_SetPIN)                                                                                                        \
    X(C_OpenSession)                                                                                                   \
    X(C_CloseSession)                                                                                                  \
    X(C_CloseAllSessions)                                                                                              \
    X(C_GetSessionInfo)                                                                                                \
    X(C_GetOperationState)                                                                                             \
    X(C_SetOperationState)                                                                                             \
    X(C_Login)                                                                                                         \
    X(C_Logout)                                                                                                        \
    X(C_CreateObject)                                                                                                  \
    X(C_CopyObject)                                                                                                    \
    X(C_DestroyObject)                                                                                                 \
    X(C_GetObjectSize)                                                                                                 \
    X(C_GetAttributeValue)                                                                                             \
    X(C_SetAttributeValue)                                                                                             \
    X(C_FindObjectsInit)                                                                                               \
    X(C_FindObjects)                                                                                                   \
    X(C_FindObjectsFinal)                                                                                              \
    X(C_EncryptInit)                                                                                                   \
    X(C_Encrypt)                                                                                                       \
    X(C_EncryptUpdate)                                                                                                 \
    X(C_EncryptFinal)                                                                                                  \
    X(C_DecryptInit)                                                                                                   \
    X(C_Decrypt)                                                                                                       \
    X(C_DecryptUpdate)                                                                                                 \
    X(C_DecryptFinal)                                                                                                  \
    X(C_DigestInit)                                                                                                    \
    X(C_Digest)                                                                                                        \
    X(C_DigestUpdate)                                                                                                  \
    X(C_DigestKey)                                                                                                     \
    X(C_DigestFinal)                                                                                                   \
    X(C_SignInit)                                                                                                      \
    X(C_Sign)                                                                                                          \
    X(C_SignUpdate)                                                                                                    \
    X(C_SignFinal)                                                                                                     \
    X(C_SignRecoverInit)                                                                                               \
    X(C_SignRecover)                                                                                                   \
    X(C_VerifyInit)                                                                                                    \
    X(C_Verify)                                                                                                        \
    X(C_VerifyUpdate)                                                                                                  \
    X(C_VerifyFinal)                                                                                                   \
    X(C_VerifyRecoverInit)                                                                                             \
    X(C_VerifyRecover)                                                                                                 \
    X(C_DigestEncryptUpdate)                                                                                           \
    X(C_DecryptDigestUpdate)                                                                                           \
    X(C_SignEncryptUpdate)                                                                                             \
    X(C_DecryptVerifyUpdate)                                                                                           \
    X(C_GenerateKey)                                                                                                   \
    X(C_GenerateKeyPair)                                                                                               \
    X(C_WrapKey)                                                                                                       \
    X(C_UnwrapKey)                                                                                                     \
    X(C_DeriveKey)                                                                                                     \
    X(C_SeedRandom)                                                                                                    \
    X(C_GenerateRandom)                                                                                                \
    X(C_GetFunctionStatus)                                                                                             \
    X(C_CancelFunction)                                                                                                \
    X(C_WaitForSlotEvent)

#define PKCS11_3_0_FUNCTIONS(X)                                                                                        \
    X(C_GetInterfaceList, (CK_INTERFACE_PTR list, CK_ULONG_PTR count))                                                 \
    X(C_GetInterface, (CK_UTF8CHAR_PTR name, CK_VERSION_PTR version, CK_INTERFACE_PTR_PTR interface, CK_FLAGS flags))  \
    X(C_LoginUser, (CK_SESSION_HANDLE session, CK_USER_TYPE user_type, CK_UTF8CHAR_PTR pin, CK_ULONG pin_len,          \
                    CK_UTF8CHAR_PTR username, CK_ULONG username_len))                                                  \
    X(C_SessionCancel, (CK_SESSION_HANDLE session, CK_FLAGS flags))                                                    \
    X(C_MessageEncryptInit, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key))             \
    X(C_EncryptMessage,                                                                                                \
      (CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len, CK_BYTE_PTR aad, CK_ULONG aad_len,    \
       CK_BYTE_PTR plain, CK_ULONG plain_len, CK_BYTE_PTR cipher, CK_ULONG_PTR cipher_len))                            \
    X(C_EncryptMessageBegin,                                                                                           \
      (CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len, CK_BYTE_PTR aad, CK_ULONG aad_len))   \
    X(C_EncryptMessageNext,                                                                                            \
      (CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len, CK_BYTE_PTR plain,                    \
       CK_ULONG plain_len, CK_BYTE_PTR cipher, CK_ULONG_PTR cipher_len, CK_FLAGS flags))                               \
    X(C_MessageEncryptFinal, (CK_SESSION_HANDLE session))                                                              \
    X(C_MessageDecryptInit, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key))             \
    X(C_DecryptMessage,                                                                                                \
      (CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len, CK_BYTE_PTR aad, CK_ULONG aad_len,    \
       CK_BYTE_PTR cipher, CK_ULONG cipher_len, CK_BYTE_PTR plain, CK_ULONG_PTR plain_len))                            \
    X(C_DecryptMessageBegin,                                                                                           \
      (CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len, CK_BYTE_PTR aad, CK_ULONG aad_len))   \
    X(C_DecryptMessageNext,                                                                                            \
      (CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len, CK_BYTE_PTR cipher,                   \
       CK_ULONG cipher_len, CK_BYTE_PTR plain, CK_ULONG_PTR plain_len, CK_FLAGS flags))                                \
    X(C_MessageDecryptFinal, (CK_SESSION_HANDLE session))                                                              \
    X(C_MessageSignInit, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key))                \
    X(C_SignMessage, (CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len, CK_BYTE_PTR data,      \
                      CK_ULONG data_len, CK_BYTE_PTR signature, CK_ULONG_PTR signature_len))                           \
    X(C_SignMessageBegin, (CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len))                  \
    X(C_SignMessageNext, (CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len, CK_BYTE_PTR data,  \
                          CK_ULONG data_len, CK_BYTE_PTR signature, CK_ULONG_PTR signature_len))                       \
    X(C_MessageSignFinal, (CK_SESSION_HANDLE session))                                                                 \
    X(C_MessageVerifyInit, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key))              \
    X(C_VerifyMessage, (CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len, CK_BYTE_PTR data,    \
                        CK_ULONG data_len, CK_BYTE_PTR signature, CK_ULONG signature_len))                             \
    X(C_VerifyMessageBegin, (CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len))                \
    X(C_VerifyMessageNext, (CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len,                  \
                            CK_BYTE_PTR data, CK_ULONG data_len, CK_BYTE_PTR signature, CK_ULONG signature_len))       \
    X(C_MessageVerifyFinal, (CK_SESSION_HANDLE session))

#define PKCS11_3_2_FUNCTIONS(X)                                                                                        \
    X(C_EncapsulateKey, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE public_key,           \
                         CK_ATTRIBUTE_PTR attributes, CK_ULONG count, CK_BYTE_PTR ciphertext,                          \
                         CK_ULONG_PTR ciphertext_len, CK_OBJECT_HANDLE_PTR key))                                       \
    X(C_DecapsulateKey, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE private_key,          \
                         CK_ATTRIBUTE_PTR attributes, CK_ULONG count, CK_BYTE_PTR ciphertext, CK_ULONG ciphertext_len, \
                         CK_OBJECT_HANDLE_PTR key))                                                                    \
    X(C_VerifySignatureInit, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key,             \
                              CK_BYTE_PTR signature, CK_ULONG signature_len))                                          \
    X(C_VerifySignature, (CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG data_len))                             \
    X(C_VerifySignatureUpdate, (CK_SESSION_HANDLE session, CK_BYTE_PTR part, CK_ULONG part_len))                       \
    X(C_VerifySignatureFinal, (CK_SESSION_HANDLE session))                                                             \
    X(C_GetSessionValidationFlags, (CK_SESSION_HANDLE session, CK_ULONG type, CK_FLAGS * flags))                       \
    X(C_AsyncComplete, (CK_SESSION_HANDLE session, CK_UTF8CHAR_PTR function, CK_ASYNC_DATA * result))                  \
    X(C_AsyncGetID, (CK_SESSION_HANDLE session, CK_UTF8CHAR_PTR function, CK_ULONG_PTR id))                            \
    X(C_AsyncJoin,                                                                                                     \
      (CK_SESSION_HANDLE session, CK_UTF8CHAR_PTR function, CK_ULONG id, CK_BYTE_PTR data, CK_ULONG data_len))         \
    X(C_WrapKeyAuthenticated,                                                                                          \
      (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE wrapping_key, CK_OBJECT_HANDLE key,     \
       CK_BYTE_PTR aad, CK_ULONG aad_len, CK_BYTE_PTR wrapped, CK_ULONG_PTR wrapped_len))                              \
    X(C_UnwrapKeyAuthenticated,                                                                                        \
      (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE unwrapping_key, CK_BYTE_PTR wrapped,    \
       CK_ULONG wrapped_len, CK_ATTRIBUTE_PTR attributes, CK_ULONG count, CK_BYTE_PTR aad, CK_ULONG aad_len,           \
       CK_OBJECT_HANDLE_PTR key))

/* Declare each function that 2.40 does not know, and its pointer type. */
#define PKCS11_DECLARE(name, arguments)                                                                                \
    typedef CK_RV(*CK_##name) arguments;                                                                               \
    CK_RV name arguments;
PKCS11_3_0_FUNCTIONS(PKCS11_DECLARE)
PKCS11_3_2_FUNCTIONS(PKCS11_DECLARE)
#undef PKCS11_DECLARE

#define PKCS11_MEMBER_2_40(name)       CK_##name name;
#define PKCS11_MEMBER(name, arguments) CK_##name name;
typedef struct CK_FUNCTION_LIST_3_0 {
    CK_VERSION version;
    PKCS11_2_40_FUNCTIONS(PKCS11_MEMBER_2_40)
    PKCS11_3_0_FUNCTIONS(PKCS11_MEMBER)
} CK_FUNCTION_LIST_3_0;
typedef struct CK_FUNCTION_LIST_3_2 {
    CK_VERSION version;
    PKCS11_2_40_FUNCTIONS(PKCS11_MEMBER_2_40)
    PKCS11_3_0_FUNCTIONS(PKCS11_MEMBER)
    PKCS11_3_2_FUNCTIONS(PKCS11_MEMBER)
} CK_FUNCTION_LIST_3_2;
#undef PKCS11_MEMBER
#undef PKCS11_MEMBER_2_40

#endif
