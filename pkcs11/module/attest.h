/* attest.h - the function of the attestation interface: strongroom.h says what it does. */
#ifndef STRONGROOM_PKCS11_MODULE_ATTEST_H
#define STRONGROOM_PKCS11_MODULE_ATTEST_H

#include "pkcs11/module/strongroom.h"

CK_RV attest(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, CK_BYTE_PTR nonce, CK_ULONG nonce_len, CK_BYTE_PTR out,
             CK_ULONG_PTR out_len);

#endif
