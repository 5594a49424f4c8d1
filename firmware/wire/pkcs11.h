/* pkcs11.h - the words of PKCS#11 that both ends of the link use: the types and constants of 2.40 from p11-kit's
 * header, and what 3.0 to 3.2 and Strongroom add. Numbers only; the structures of 3.x belong to pkcs11/module. Sources:
 * PKCS#11 3.0 and 3.2, "Header and identifiers"; the vendor's numbers are ours. */
#ifndef STRONGROOM_WIRE_PKCS11_H
#define STRONGROOM_WIRE_PKCS11_H

#include <p11-kit/pkcs11.h>

/* Strongroom's own. The seal mechanism wraps any key of a partition under the domain key: AES-256-GCM over all
 * attributes. Its parameter is the caller's context: CK_STRONGROOM_SEAL_PARAMS of pkcs11/module/strongroom.h. */
#define CKM_STRONGROOM_SEAL (CKM_VENDOR_DEFINED | 0x53520001UL)

/* Of keys, read-only: fingerprint of the device in which the key was made or came in. Empty: nobody knows. Whatever
 * carries a key on to another device, a backup or a seal, carries this with it. */
#define CKA_STRONGROOM_ORIGIN (CKA_VENDOR_DEFINED | 0x53520001UL)

#define STRONGROOM_SEAL_CONTEXT_MAX (16u * 1024)

#ifndef CKM_HKDF_DERIVE
#define CKM_HKDF_DERIVE    0x402AUL
#define CKM_HKDF_DATA      0x402BUL
#define CKM_HKDF_KEY_GEN   0x402CUL
#define CKK_HKDF           0x42UL
#define CKF_HKDF_SALT_NULL 0x01UL
#define CKF_HKDF_SALT_DATA 0x02UL
#define CKF_HKDF_SALT_KEY  0x04UL
#endif
#ifndef CKK_EC_MONTGOMERY
#define CKK_EC_MONTGOMERY 0x41UL
#endif
#ifndef CKK_EC_EDWARDS
#define CKK_EC_EDWARDS 0x40UL
#endif
#ifndef CKM_EC_EDWARDS_KEY_PAIR_GEN
#define CKM_EC_EDWARDS_KEY_PAIR_GEN 0x1055UL
#endif
#ifndef CKM_EC_MONTGOMERY_KEY_PAIR_GEN
#define CKM_EC_MONTGOMERY_KEY_PAIR_GEN 0x1056UL
#endif
#ifndef CKM_EDDSA
#define CKM_EDDSA 0x1057UL
#endif
#ifndef CKM_AES_KEY_WRAP_KWP
#define CKM_AES_KEY_WRAP_KWP 0x210BUL
#endif
#ifndef CKM_ECDSA_SHA3_224
#define CKM_ECDSA_SHA3_224 0x1047UL
#define CKM_ECDSA_SHA3_256 0x1048UL
#define CKM_ECDSA_SHA3_384 0x1049UL
#define CKM_ECDSA_SHA3_512 0x104AUL
#endif
#ifndef CKM_SHA3_256
#define CKM_SHA3_256              0x2B0UL
#define CKM_SHA3_256_HMAC         0x2B1UL
#define CKM_SHA3_256_HMAC_GENERAL 0x2B2UL
#define CKM_SHA3_256_KEY_GEN      0x2B3UL
#define CKM_SHA3_224              0x2B5UL
#define CKM_SHA3_224_HMAC         0x2B6UL
#define CKM_SHA3_224_HMAC_GENERAL 0x2B7UL
#define CKM_SHA3_384              0x2C0UL
#define CKM_SHA3_384_HMAC         0x2C1UL
#define CKM_SHA3_384_HMAC_GENERAL 0x2C2UL
#define CKM_SHA3_512              0x2D0UL
#define CKM_SHA3_512_HMAC         0x2D1UL
#define CKM_SHA3_512_HMAC_GENERAL 0x2D2UL
#endif
#ifndef CKG_MGF1_SHA3_224
#define CKG_MGF1_SHA3_224 0x06UL
#define CKG_MGF1_SHA3_256 0x07UL
#define CKG_MGF1_SHA3_384 0x08UL
#define CKG_MGF1_SHA3_512 0x09UL
#endif
#ifndef CKO_PROFILE
#define CKO_PROFILE                   0x09UL
#define CKA_PROFILE_ID                0x601UL
#define CKP_BASELINE_PROVIDER         0x01UL
#define CKP_EXTENDED_PROVIDER         0x02UL
#define CKP_AUTHENTICATION_TOKEN      0x03UL
#define CKP_PUBLIC_CERTIFICATES_TOKEN 0x04UL
#endif
#ifndef CKA_UNIQUE_ID
#define CKA_UNIQUE_ID 0x04UL
#endif
#ifndef CKR_OPERATION_CANCEL_FAILED
#define CKR_OPERATION_CANCEL_FAILED 0x202UL
#endif
#ifndef CKR_KEY_EXHAUSTED
#define CKR_KEY_EXHAUSTED 0x203UL
#endif
#ifndef CKR_TOKEN_RESOURCE_EXCEEDED
#define CKR_TOKEN_RESOURCE_EXCEEDED 0x201UL
#endif
#ifndef CKR_CURVE_NOT_SUPPORTED
#define CKR_CURVE_NOT_SUPPORTED 0x140UL
#endif
#ifndef CKR_ACTION_PROHIBITED
#define CKR_ACTION_PROHIBITED 0x1BUL
#endif

/* PKCS#11 3.2: ML-KEM (FIPS 203), ML-DSA (FIPS 204), SLH-DSA (FIPS 205). */
#ifndef CKM_ML_KEM
#define CKM_ML_KEM_KEY_PAIR_GEN    0x0FUL
#define CKM_ML_KEM                 0x17UL
#define CKM_ML_DSA_KEY_PAIR_GEN    0x1CUL
#define CKM_ML_DSA                 0x1DUL
#define CKM_HASH_ML_DSA            0x1FUL
#define CKM_HASH_ML_DSA_SHA224     0x23UL
#define CKM_HASH_ML_DSA_SHA256     0x24UL
#define CKM_HASH_ML_DSA_SHA384     0x25UL
#define CKM_HASH_ML_DSA_SHA512     0x26UL
#define CKM_SLH_DSA_KEY_PAIR_GEN   0x2DUL
#define CKM_SLH_DSA                0x2EUL
#define CKM_HASH_SLH_DSA           0x34UL
#define CKK_ML_KEM                 0x49UL
#define CKK_ML_DSA                 0x4AUL
#define CKK_SLH_DSA                0x4BUL
#define CKA_PARAMETER_SET          0x61DUL
#define CKA_ENCAPSULATE            0x633UL
#define CKA_DECAPSULATE            0x634UL
#define CKA_SEED                   0x637UL
#define CKA_ENCAPSULATE_TEMPLATE   0x62AUL
#define CKA_DECAPSULATE_TEMPLATE   0x62BUL
#define CKF_ENCAPSULATE            0x10000000UL
#define CKF_DECAPSULATE            0x20000000UL
#define CKP_ML_KEM_512             0x01UL
#define CKP_ML_KEM_768             0x02UL
#define CKP_ML_KEM_1024            0x03UL
#define CKP_ML_DSA_44              0x01UL
#define CKP_ML_DSA_65              0x02UL
#define CKP_ML_DSA_87              0x03UL
#define CKP_SLH_DSA_SHA2_128S      0x01UL
#define CKP_SLH_DSA_SHAKE_128S     0x02UL
#define CKP_SLH_DSA_SHA2_128F      0x03UL
#define CKP_SLH_DSA_SHAKE_128F     0x04UL
#define CKP_SLH_DSA_SHA2_192S      0x05UL
#define CKP_SLH_DSA_SHAKE_192S     0x06UL
#define CKP_SLH_DSA_SHA2_192F      0x07UL
#define CKP_SLH_DSA_SHAKE_192F     0x08UL
#define CKP_SLH_DSA_SHA2_256S      0x09UL
#define CKP_SLH_DSA_SHAKE_256S     0x0AUL
#define CKP_SLH_DSA_SHA2_256F      0x0BUL
#define CKP_SLH_DSA_SHAKE_256F     0x0CUL
#define CKH_HEDGE_PREFERRED        0x00UL
#define CKH_HEDGE_REQUIRED         0x01UL
#define CKH_DETERMINISTIC_REQUIRED 0x02UL
#endif

/* Ours: why a ceremony's request is refused (CKR_VENDOR_DEFINED, and our prefix). */
#define CKR_STRONGROOM_(n)       (0x80000000UL | 0x53520000UL | (n))
#define CKR_APPROVALS_MISSING    CKR_STRONGROOM_(0x01) /* fewer than the quorum, or none at all */
#define CKR_APPROVAL_REPEATED    CKR_STRONGROOM_(0x02) /* one holder twice */
#define CKR_APPROVAL_INVALID     CKR_STRONGROOM_(0x03) /* the signature is not over this act */
#define CKR_APPROVAL_EXPIRED     CKR_STRONGROOM_(0x04) /* or good for longer than ACT_EXPIRY_MAX_MS */
#define CKR_APPROVAL_USED        CKR_STRONGROOM_(0x05) /* for an act number that is gone, or not yet there */
#define CKR_APPROVAL_STRANGER    CKR_STRONGROOM_(0x06) /* by nobody who is a holder now */
#define CKR_HOLDERS_INVALID      CKR_STRONGROOM_(0x07) /* too few, too many, one twice, a key of another kind */
#define CKR_DOMAIN_EXISTS        CKR_STRONGROOM_(0x08)
#define CKR_DOMAIN_NOT_CONFIRMED CKR_STRONGROOM_(0x09) /* nothing is pending, or its file is another one */
#define CKR_DOMAIN_FILE_INVALID  CKR_STRONGROOM_(0x0a) /* changed, cut, or of another form */
#define CKR_DOMAIN_SHARES        CKR_STRONGROOM_(0x0b) /* too few different ones, or they do not fit the file */
#define CKR_LOCKED               CKR_STRONGROOM_(0x0c) /* an attended start waits for its operators */
#define CKR_PASSPHRASE_INCORRECT CKR_STRONGROOM_(0x0d)
#define CKR_PASSPHRASE_LOCKED    CKR_STRONGROOM_(0x0e) /* too many wrong ones */
#define CKR_CERTIFICATE_INVALID  CKR_STRONGROOM_(0x0f) /* no chain, or not for this device's key */
#define CKR_BACKUP_INVALID       CKR_STRONGROOM_(0x10) /* changed, cut, out of order, or of another domain */
#define CKR_BACKUP_PURGED        CKR_STRONGROOM_(0x11) /* its partition was deleted here */
#define CKR_PARTITION_EXISTS     CKR_STRONGROOM_(0x12)

#endif
