/* output.h - the one rule of PKCS#11 (5.2) for results: NULL asks for the length, too little room is told it, and
 * neither of the two ends an operation. */
#ifndef STRONGROOM_PKCS11_MODULE_OUTPUT_H
#define STRONGROOM_PKCS11_MODULE_OUTPUT_H

#include "firmware/base/bytes.h"
#include "firmware/wire/pkcs11.h"

/* CKR_OK: the result, or its length when `out` is NULL. CKR_BUFFER_TOO_SMALL: *len is what it needs. */
MUST_CHECK static inline CK_RV output_fill(struct span result, CK_BYTE_PTR out, CK_ULONG_PTR len)
{
    CK_ULONG room = *len;

    *len = result.len;
    if (out == NULL)
        return CKR_OK;
    if (room < result.len)
        return CKR_BUFFER_TOO_SMALL;
    if (result.len > 0)
        memcpy(out, result.p, result.len);
    return CKR_OK;
}

#endif
