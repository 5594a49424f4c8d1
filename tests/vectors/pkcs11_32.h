/* pkcs11_32.h - the structures of PKCS#11 3.0 to 3.2 that the vectors take and p11-kit's header lacks, restated from
 * the standard's text under names of our own: this program shares no header of a module with the module it tests. */
#ifndef STRONGROOM_TESTS_VECTORS_PKCS11_32_H
#define STRONGROOM_TESTS_VECTORS_PKCS11_32_H

#include "firmware/wire/pkcs11.h"

/* 3.0, 3.9: CK_INTERFACE, and a function list seen as what it is: a version, then pointers in the order of the
 * standard. */
typedef void (*struct_function)(void);
#define FUNCTIONS_240            68u
#define FUNCTIONS_30             24u
#define FUNCTION_ENCAPSULATE_KEY (FUNCTIONS_240 + FUNCTIONS_30)
#define FUNCTION_DECAPSULATE_KEY (FUNCTION_ENCAPSULATE_KEY + 1)

struct function_list {
    CK_VERSION version;
    struct_function entries[FUNCTION_DECAPSULATE_KEY + 1];
};

struct interface {
    CK_CHAR *name;
    struct function_list *functions;
    CK_FLAGS flags;
};

/* 3.0, 2.43.2: CK_HKDF_PARAMS. */
struct hkdf_parameter {
    CK_BBOOL extract, expand;
    CK_MECHANISM_TYPE prf;
    CK_ULONG salt_type;
    CK_BYTE_PTR salt;
    CK_ULONG salt_len;
    CK_OBJECT_HANDLE salt_key;
    CK_BYTE_PTR info;
    CK_ULONG info_len;
};

/* 3.0, 2.3.14: CK_EDDSA_PARAMS. With `prehash` (Ed25519ph) the token makes the hash, too. */
struct eddsa_parameter {
    CK_BBOOL prehash;
    CK_ULONG context_len;
    CK_BYTE_PTR context;
};

/* 3.2, 6.67.2: CK_SIGN_ADDITIONAL_CONTEXT. */
struct sign_context {
    CK_ULONG hedge;
    CK_BYTE_PTR context;
    CK_ULONG context_len;
};

/* Mechanisms of 2.40 and 3.0 that p11-kit's header does not name. */
#ifndef CKM_SHA3_256_RSA_PKCS
#define CKM_SHA3_256_RSA_PKCS     0x60UL
#define CKM_SHA3_384_RSA_PKCS     0x61UL
#define CKM_SHA3_512_RSA_PKCS     0x62UL
#define CKM_SHA3_256_RSA_PKCS_PSS 0x63UL
#define CKM_SHA3_384_RSA_PKCS_PSS 0x64UL
#define CKM_SHA3_512_RSA_PKCS_PSS 0x65UL
#endif

#endif
