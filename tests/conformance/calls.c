#include "tests/conformance/calls.h"

#define F (client.f)

static CK_BYTE in[32] = { 1, 2, 3 }, out[4096];
static CK_ULONG len, count;
static CK_OBJECT_HANDLE object, second;
static CK_SESSION_HANDLE opened;
static CK_SLOT_ID slots[64], event;
static CK_MECHANISM_TYPE types[512];
static CK_MECHANISM sha256 = { CKM_SHA256, NULL, 0 }, rsa = { CKM_RSA_PKCS, NULL, 0 },
                    aes_gen = { CKM_AES_KEY_GEN, NULL, 0 }, rsa_gen = { CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0 },
                    wrap = { CKM_AES_KEY_WRAP_PAD, NULL, 0 };
static CK_ATTRIBUTE attribute = { CKA_CLASS, out, sizeof out };
static CK_ULONG data_class = CKO_DATA;
static CK_ATTRIBUTE template[] = { { CKA_CLASS, &data_class, sizeof data_class } };
static CK_INFO info;
static CK_SLOT_INFO slot_info;
static CK_TOKEN_INFO token_info;
static CK_SESSION_INFO session_info;
static CK_MECHANISM_INFO mechanism_info;

#define ROOM (len = sizeof out, &len)

/* name, arguments, takes a session, continues an operation (2: one that a token need not have) */
#define CALLS(X)                                                                                                       \
    X(C_GetInfo, (&info), 0, 0)                                                                                        \
    X(C_GetSlotList, (CK_TRUE, slots, (count = 64, &count)), 0, 0)                                                     \
    X(C_GetSlotInfo, (client.slot, &slot_info), 0, 0)                                                                  \
    X(C_GetTokenInfo, (client.slot, &token_info), 0, 0)                                                                \
    X(C_WaitForSlotEvent, (CKF_DONT_BLOCK, &event, NULL), 0, 0)                                                        \
    X(C_GetMechanismList, (client.slot, types, (count = 512, &count)), 0, 0)                                           \
    X(C_GetMechanismInfo, (client.slot, CKM_RSA_PKCS, &mechanism_info), 0, 0)                                          \
    X(C_OpenSession, (client.slot, CKF_SERIAL_SESSION, NULL, NULL, &opened), 0, 0)                                     \
    X(C_CloseAllSessions, (client.slot), 0, 0)                                                                         \
    X(C_InitPIN, (s, in, 8), 1, 0)                                                                                     \
    X(C_SetPIN, (s, in, 8, in, 8), 1, 0)                                                                               \
    X(C_CloseSession, (s), 1, 0)                                                                                       \
    X(C_GetSessionInfo, (s, &session_info), 1, 0)                                                                      \
    X(C_Login, (s, CKU_USER, client.pin, client.pin_len), 1, 0)                                                        \
    X(C_Logout, (s), 1, 0)                                                                                             \
    X(C_CreateObject, (s, template, 1, &object), 1, 0)                                                                 \
    X(C_CopyObject, (s, 1, NULL, 0, &object), 1, 0)                                                                    \
    X(C_DestroyObject, (s, 1), 1, 0)                                                                                   \
    X(C_GetObjectSize, (s, 1, &count), 1, 0)                                                                           \
    X(C_GetAttributeValue, (s, 1, &attribute, 1), 1, 0)                                                                \
    X(C_SetAttributeValue, (s, 1, template, 1), 1, 0)                                                                  \
    X(C_FindObjectsInit, (s, template, 1), 1, 0)                                                                       \
    X(C_FindObjects, (s, &object, 1, &count), 1, 1)                                                                    \
    X(C_FindObjectsFinal, (s), 1, 1)                                                                                   \
    X(C_EncryptInit, (s, &rsa, 1), 1, 0)                                                                               \
    X(C_Encrypt, (s, in, 32, out, ROOM), 1, 1)                                                                         \
    X(C_EncryptUpdate, (s, in, 32, out, ROOM), 1, 1)                                                                   \
    X(C_EncryptFinal, (s, out, ROOM), 1, 1)                                                                            \
    X(C_DecryptInit, (s, &rsa, 1), 1, 0)                                                                               \
    X(C_Decrypt, (s, in, 32, out, ROOM), 1, 1)                                                                         \
    X(C_DecryptUpdate, (s, in, 32, out, ROOM), 1, 1)                                                                   \
    X(C_DecryptFinal, (s, out, ROOM), 1, 1)                                                                            \
    X(C_DigestInit, (s, &sha256), 1, 0)                                                                                \
    X(C_Digest, (s, in, 32, out, ROOM), 1, 1)                                                                          \
    X(C_DigestUpdate, (s, in, 32), 1, 1)                                                                               \
    X(C_DigestKey, (s, 1), 1, 1)                                                                                       \
    X(C_DigestFinal, (s, out, ROOM), 1, 1)                                                                             \
    X(C_SignInit, (s, &rsa, 1), 1, 0)                                                                                  \
    X(C_Sign, (s, in, 32, out, ROOM), 1, 1)                                                                            \
    X(C_SignUpdate, (s, in, 32), 1, 1)                                                                                 \
    X(C_SignFinal, (s, out, ROOM), 1, 1)                                                                               \
    X(C_SignRecoverInit, (s, &rsa, 1), 1, 0)                                                                           \
    X(C_SignRecover, (s, in, 32, out, ROOM), 1, 2)                                                                     \
    X(C_VerifyInit, (s, &rsa, 1), 1, 0)                                                                                \
    X(C_Verify, (s, in, 32, out, 256), 1, 1)                                                                           \
    X(C_VerifyUpdate, (s, in, 32), 1, 1)                                                                               \
    X(C_VerifyFinal, (s, out, 256), 1, 1)                                                                              \
    X(C_VerifyRecoverInit, (s, &rsa, 1), 1, 0)                                                                         \
    X(C_VerifyRecover, (s, in, 32, out, ROOM), 1, 2)                                                                   \
    X(C_DigestEncryptUpdate, (s, in, 32, out, ROOM), 1, 2)                                                             \
    X(C_DecryptDigestUpdate, (s, in, 32, out, ROOM), 1, 2)                                                             \
    X(C_SignEncryptUpdate, (s, in, 32, out, ROOM), 1, 2)                                                               \
    X(C_DecryptVerifyUpdate, (s, in, 32, out, ROOM), 1, 2)                                                             \
    X(C_GenerateKey, (s, &aes_gen, template, 1, &object), 1, 0)                                                        \
    X(C_GenerateKeyPair, (s, &rsa_gen, template, 0, template, 0, &object, &second), 1, 0)                              \
    X(C_WrapKey, (s, &wrap, 1, 1, out, ROOM), 1, 0)                                                                    \
    X(C_UnwrapKey, (s, &wrap, 1, in, 24, template, 1, &object), 1, 0)                                                  \
    X(C_DeriveKey, (s, &wrap, 1, template, 1, &object), 1, 0)                                                          \
    X(C_SeedRandom, (s, in, 32), 1, 0)                                                                                 \
    X(C_GenerateRandom, (s, out, 32), 1, 0)                                                                            \
    X(C_GetOperationState, (s, out, ROOM), 1, 0)                                                                       \
    X(C_SetOperationState, (s, in, 32, 0, 0), 1, 0)                                                                    \
    X(C_InitToken, (client.slot, in, 8, out), 0, 0)

#define DEFINE(name, args, takes_session, continues)                                                                   \
    static CK_RV call_##name(CK_SESSION_HANDLE s)                                                                      \
    {                                                                                                                  \
        (void)s;                                                                                                       \
        return F->name args;                                                                                           \
    }
CALLS(DEFINE)

#define ROW(name, args, takes_session, continues)                                                                      \
    { #name, call_##name, (takes_session) != 0, (continues) != 0, (continues) == 2 },
const struct call calls[] = { CALLS(ROW) };
const size_t calls_count = COUNT_OF(calls);

#define NULL_CALLS(X)                                                                                                  \
    X(C_GetInfo, info, (NULL))                                                                                         \
    X(C_GetSlotList, count, (CK_TRUE, slots, NULL))                                                                    \
    X(C_GetSlotInfo, info, (client.slot, NULL))                                                                        \
    X(C_GetTokenInfo, info, (client.slot, NULL))                                                                       \
    X(C_GetMechanismList, count, (client.slot, types, NULL))                                                           \
    X(C_GetMechanismInfo, info, (client.slot, CKM_RSA_PKCS, NULL))                                                     \
    X(C_OpenSession, handle, (client.slot, CKF_SERIAL_SESSION, NULL, NULL, NULL))                                      \
    X(C_GetSessionInfo, info, (s, NULL))                                                                               \
    X(C_CreateObject, template, (s, NULL, 1, &object))                                                                 \
    X(C_CreateObject, handle, (s, template, 1, NULL))                                                                  \
    X(C_GetAttributeValue, template, (s, 1, NULL, 1))                                                                  \
    X(C_SetAttributeValue, template, (s, 1, NULL, 1))                                                                  \
    X(C_FindObjectsInit, template, (s, NULL, 1))                                                                       \
    X(C_EncryptInit, mechanism, (s, NULL, 1))                                                                          \
    X(C_DecryptInit, mechanism, (s, NULL, 1))                                                                          \
    X(C_DigestInit, mechanism, (s, NULL))                                                                              \
    X(C_SignInit, mechanism, (s, NULL, 1))                                                                             \
    X(C_VerifyInit, mechanism, (s, NULL, 1))                                                                           \
    X(C_SignRecoverInit, mechanism, (s, NULL, 1))                                                                      \
    X(C_VerifyRecoverInit, mechanism, (s, NULL, 1))                                                                    \
    X(C_GenerateKey, mechanism, (s, NULL, template, 1, &object))                                                       \
    X(C_GenerateKey, template, (s, &aes_gen, NULL, 1, &object))                                                        \
    X(C_GenerateKey, handle, (s, &aes_gen, template, 0, NULL))                                                         \
    X(C_GenerateKeyPair, mechanism, (s, NULL, template, 1, template, 1, &object, &second))                             \
    X(C_GenerateKeyPair, handle, (s, &rsa_gen, template, 0, template, 0, NULL, &second))                               \
    X(C_GenerateKeyPair, other_handle, (s, &rsa_gen, template, 0, template, 0, &object, NULL))                         \
    X(C_WrapKey, mechanism, (s, NULL, 1, 1, out, ROOM))                                                                \
    X(C_WrapKey, length, (s, &wrap, 1, 1, out, NULL))                                                                  \
    X(C_UnwrapKey, mechanism, (s, NULL, 1, in, 24, template, 1, &object))                                              \
    X(C_UnwrapKey, data, (s, &wrap, 1, NULL, 24, template, 1, &object))                                                \
    X(C_UnwrapKey, handle, (s, &wrap, 1, in, 24, template, 1, NULL))                                                   \
    X(C_DeriveKey, mechanism, (s, NULL, 1, template, 1, &object))                                                      \
    X(C_SeedRandom, seed, (s, NULL, 32))                                                                               \
    X(C_GenerateRandom, buffer, (s, NULL, 32))                                                                         \
    X(C_GetObjectSize, size, (s, 1, NULL))                                                                             \
    X(C_Login, PIN, (s, CKU_USER, NULL, 8))                                                                            \
    X(C_SetPIN, PIN, (s, NULL, 8, NULL, 8))

#define DEFINE_NULL(name, what, args)                                                                                  \
    static CK_RV null_##name##_##what(CK_SESSION_HANDLE s)                                                             \
    {                                                                                                                  \
        (void)s;                                                                                                       \
        return F->name args;                                                                                           \
    }
NULL_CALLS(DEFINE_NULL)

#define ROW_NULL(name, what, args) { #name ", " #what, null_##name##_##what },
const struct null_call null_calls[] = { NULL_CALLS(ROW_NULL) };
const size_t null_calls_count = COUNT_OF(null_calls);
