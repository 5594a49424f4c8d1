/* mechanism.h - a mechanism and its parameter, taken apart: the structures of PKCS#11 hold pointers into the caller's
 * memory, this holds borrowed spans. The module fills it from a CK_MECHANISM, the keystore reads it.
 *
 *   mechanism               fields
 *   RSA_PKCS_PSS and kin    hash, mgf, number = salt length
 *   RSA_PKCS_OAEP           hash, mgf, aad = label
 *   RSA_AES_KEY_WRAP        number = AES bits, hash, mgf, aad = label of the OAEP part
 *   EDDSA                   has_parameter: flags = 1 for prehash, aad = context
 *   ML_DSA, SLH_DSA         has_parameter: number = hedge (CKH_), aad = context; HASH_*: hash too
 *   AES_CBC, CBC_PAD        iv, 16 bytes
 *   AES_CTR                 iv = the counter block, number = counter bits
 *   AES_GCM                 iv, aad, number = tag bits
 *   AES_GMAC                iv, number = tag bits
 *   AES_CMAC_GENERAL, *_HMAC_GENERAL    number = MAC length
 *   AES_KEY_WRAP, _PAD, _KWP            iv, or none for the standard's
 *   ECDH1_DERIVE            number = CKD_, aad = shared data, data = the peer's point
 *   HKDF_DERIVE             hash, flags (1 extract, 2 expand), number = salt type (CKF_HKDF_SALT_), data = salt or
 *                           key = the salt key, aad = info
 *   CONCATENATE_*, XOR_*    data (refused by policy, kept for the refusal)
 *   STRONGROOM_SEAL         aad = context */
#ifndef STRONGROOM_WIRE_MECHANISM_H
#define STRONGROOM_WIRE_MECHANISM_H

#include "firmware/base/bytes.h"
#include "firmware/wire/message.h"
#include "firmware/wire/pkcs11.h"

#define MECHANISM_HKDF_EXTRACT  1u
#define MECHANISM_HKDF_EXPAND   2u
#define MECHANISM_EDDSA_PREHASH 1u

struct mechanism {
    CK_MECHANISM_TYPE type;
    bool has_parameter;
    CK_MECHANISM_TYPE hash;
    CK_ULONG mgf;
    CK_ULONG number;
    uint64_t key;
    unsigned flags;
    struct span iv, aad, data;
};

/* The flag by which PKCS#11 names a kind of operation (CK_MECHANISM_INFO's flags); 0: no such kind. */
static inline CK_FLAGS operation_flag(unsigned kind)
{
    static const CK_FLAGS flags[OPERATION_KIND_COUNT_] = {
        [OPERATION_ENCRYPT] = CKF_ENCRYPT,
        [OPERATION_DECRYPT] = CKF_DECRYPT,
        [OPERATION_SIGN] = CKF_SIGN,
        [OPERATION_VERIFY] = CKF_VERIFY,
        [OPERATION_DIGEST] = CKF_DIGEST,
        [OPERATION_SIGN_RECOVER] = CKF_SIGN_RECOVER,
        [OPERATION_VERIFY_RECOVER] = CKF_VERIFY_RECOVER,
    };

    return kind < OPERATION_KIND_COUNT_ ? flags[kind] : 0;
}

#endif
