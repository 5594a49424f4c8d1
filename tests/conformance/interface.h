/* interface.h - the function lists and structures of PKCS#11 3.0 and 3.2 that p11-kit's 2.40 header does not have, as a
 * client declares them. Restated here rather than taken from the module: its caller has a header of its own, too. */
#ifndef STRONGROOM_CONFORMANCE_INTERFACE_H
#define STRONGROOM_CONFORMANCE_INTERFACE_H

#include "firmware/wire/pkcs11.h"

#ifndef CKF_FIND_OBJECTS
#define CKF_FIND_OBJECTS 0x00000040UL /* for C_SessionCancel */
#endif

struct interface {
    CK_UTF8CHAR *name;
    void *functions;
    CK_FLAGS flags;
};

/* PKCS#11 3.0, 5.2: what follows the functions of 2.40. The message functions are only asked whether they are there. */
struct function_list_3_0 {
    CK_FUNCTION_LIST base;
    CK_RV (*C_GetInterfaceList)(struct interface *list, CK_ULONG *count);
    CK_RV (*C_GetInterface)(CK_UTF8CHAR *name, CK_VERSION *version, struct interface **interface, CK_FLAGS flags);
    CK_RV (*C_LoginUser)(CK_SESSION_HANDLE, CK_USER_TYPE, CK_UTF8CHAR *pin, CK_ULONG, CK_UTF8CHAR *name, CK_ULONG);
    CK_RV (*C_SessionCancel)(CK_SESSION_HANDLE, CK_FLAGS);
    CK_RV (*C_MessageEncryptInit)(CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE);
    void *message_functions[19];
};

/* PKCS#11 3.2, 5.18.8 and 5.18.9: session, mechanism, key, template, ciphertext and its length, the shared secret. */
typedef CK_RV (*encapsulate_function)(CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE, CK_ATTRIBUTE *, CK_ULONG,
                                      CK_BYTE *, CK_ULONG *, CK_OBJECT_HANDLE *);
typedef CK_RV (*decapsulate_function)(CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE, CK_ATTRIBUTE *, CK_ULONG,
                                      CK_BYTE *, CK_ULONG, CK_OBJECT_HANDLE *);

struct function_list_3_2 {
    struct function_list_3_0 base;
    encapsulate_function C_EncapsulateKey;
    decapsulate_function C_DecapsulateKey;
    void *other_functions[10];
};

struct eddsa_params {
    CK_BBOOL prehash;
    CK_ULONG context_len;
    CK_BYTE *context;
};

struct rsa_aes_wrap_params {
    CK_ULONG aes_bits;
    CK_RSA_PKCS_OAEP_PARAMS *oaep;
};

struct hkdf_params {
    CK_BBOOL extract, expand;
    CK_MECHANISM_TYPE hash;
    CK_ULONG salt_type;
    CK_BYTE *salt;
    CK_ULONG salt_len;
    CK_OBJECT_HANDLE salt_key;
    CK_BYTE *info;
    CK_ULONG info_len;
};

struct sign_context { /* CK_SIGN_ADDITIONAL_CONTEXT */
    CK_ULONG hedge;
    CK_BYTE *context;
    CK_ULONG context_len;
};

#endif
