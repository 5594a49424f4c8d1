#include "pkcs11/module/mechanism_wire.h"

/* Key types of 3.0 that the older header lacks. */
#ifndef CKK_SHA3_256_HMAC
#define CKK_SHA3_224_HMAC 0x33UL
#define CKK_SHA3_256_HMAC 0x34UL
#define CKK_SHA3_384_HMAC 0x35UL
#define CKK_SHA3_512_HMAC 0x36UL
#endif
#ifndef CKK_SHA512_256_HMAC
#define CKK_SHA512_224_HMAC 0x43UL
#define CKK_SHA512_256_HMAC 0x44UL
#endif

#define DIGEST(name, bytes)                                                                                            \
    {                                                                                                                  \
        CKM_##name, PARAMETER_NONE, NO_KEY, LENGTH_FIXED, bytes                                                        \
    }
#define HMAC(name, key_type, bytes)                                                                                    \
    { CKM_##name##_HMAC, PARAMETER_NONE, key_type, LENGTH_FIXED, bytes },                                              \
    {                                                                                                                  \
        CKM_##name##_HMAC_GENERAL, PARAMETER_NUMBER, key_type, LENGTH_NUMBER, bytes                                    \
    }
#define RSA(name, form)                                                                                                \
    {                                                                                                                  \
        CKM_##name, form, CKK_RSA, LENGTH_MODULUS, 0                                                                   \
    }
#define RSA_PSS(name, bytes)                                                                                           \
    {                                                                                                                  \
        CKM_##name##_RSA_PKCS_PSS, PARAMETER_PSS, CKK_RSA, LENGTH_MODULUS, bytes                                       \
    }
#define ECDSA(name)                                                                                                    \
    {                                                                                                                  \
        CKM_##name, PARAMETER_NONE, CKK_EC, LENGTH_CURVE, 0                                                            \
    }
#define AES(name, form, rule, length)                                                                                  \
    {                                                                                                                  \
        CKM_##name, form, CKK_AES, rule, length                                                                        \
    }
#define MAKES_KEY(name, form, key_type)                                                                                \
    {                                                                                                                  \
        CKM_##name, form, key_type, LENGTH_NO_RESULT, 0                                                                \
    }

/* Combinations of ML-DSA and SLH-DSA with one hash, PKCS#11 3.2, 6.67 and 6.68: one number each, in a row. */
#define HASH_ML_DSA_FIRST  0x23UL
#define HASH_ML_DSA_LAST   0x2CUL
#define HASH_SLH_DSA_FIRST 0x36UL
#define HASH_SLH_DSA_LAST  0x3FUL

static const struct mechanism_shape shapes[] = {
    /* RSA */
    MAKES_KEY(RSA_PKCS_KEY_PAIR_GEN, PARAMETER_NONE, CKK_RSA),
    RSA(RSA_PKCS, PARAMETER_NONE),
    RSA(RSA_X_509, PARAMETER_NONE),
    RSA(RSA_PKCS_OAEP, PARAMETER_OAEP),
    RSA(RSA_PKCS_PSS, PARAMETER_PSS),
    RSA(RSA_AES_KEY_WRAP, PARAMETER_RSA_AES_WRAP),
    RSA(MD5_RSA_PKCS, PARAMETER_NONE),
    RSA(SHA1_RSA_PKCS, PARAMETER_NONE),
    RSA(SHA224_RSA_PKCS, PARAMETER_NONE),
    RSA(SHA256_RSA_PKCS, PARAMETER_NONE),
    RSA(SHA384_RSA_PKCS, PARAMETER_NONE),
    RSA(SHA512_RSA_PKCS, PARAMETER_NONE),
    RSA_PSS(SHA1, 20),
    RSA_PSS(SHA224, 28),
    RSA_PSS(SHA256, 32),
    RSA_PSS(SHA384, 48),
    RSA_PSS(SHA512, 64),
    /* elliptic curves */
    MAKES_KEY(EC_KEY_PAIR_GEN, PARAMETER_NONE, CKK_EC),
    MAKES_KEY(EC_EDWARDS_KEY_PAIR_GEN, PARAMETER_NONE, CKK_EC_EDWARDS),
    MAKES_KEY(EC_MONTGOMERY_KEY_PAIR_GEN, PARAMETER_NONE, CKK_EC_MONTGOMERY),
    ECDSA(ECDSA),
    ECDSA(ECDSA_SHA1),
    ECDSA(ECDSA_SHA224),
    ECDSA(ECDSA_SHA256),
    ECDSA(ECDSA_SHA384),
    ECDSA(ECDSA_SHA512),
    ECDSA(ECDSA_SHA3_224),
    ECDSA(ECDSA_SHA3_256),
    ECDSA(ECDSA_SHA3_384),
    ECDSA(ECDSA_SHA3_512),
    { CKM_EDDSA, PARAMETER_EDDSA, CKK_EC_EDWARDS, LENGTH_CURVE, 0 },
    MAKES_KEY(ECDH1_DERIVE, PARAMETER_ECDH, CKK_EC),
    MAKES_KEY(ECDH1_COFACTOR_DERIVE, PARAMETER_ECDH, CKK_EC),
    /* AES */
    MAKES_KEY(AES_KEY_GEN, PARAMETER_NONE, CKK_AES),
    AES(AES_ECB, PARAMETER_NONE, LENGTH_SAME, 0),
    AES(AES_CBC, PARAMETER_IV16, LENGTH_SAME, 0),
    AES(AES_CBC_PAD, PARAMETER_IV16, LENGTH_PADDED, 0),
    AES(AES_CTR, PARAMETER_CTR, LENGTH_SAME, 0),
    AES(AES_GCM, PARAMETER_GCM, LENGTH_TAG, 0),
    AES(AES_KEY_WRAP, PARAMETER_WRAP_IV, LENGTH_WRAP, 0),
    AES(AES_KEY_WRAP_PAD, PARAMETER_WRAP_IV, LENGTH_WRAP, 0),
    AES(AES_KEY_WRAP_KWP, PARAMETER_WRAP_IV, LENGTH_WRAP, 0),
    AES(AES_CMAC, PARAMETER_NONE, LENGTH_FIXED, 16),
    AES(AES_CMAC_GENERAL, PARAMETER_NUMBER, LENGTH_NUMBER, 16),
    AES(AES_GMAC, PARAMETER_GMAC, LENGTH_TAG_ALONE, 0),
    /* digests and HMAC */
    DIGEST(MD5, 16),
    DIGEST(SHA_1, 20),
    DIGEST(SHA224, 28),
    DIGEST(SHA256, 32),
    DIGEST(SHA384, 48),
    DIGEST(SHA512, 64),
    DIGEST(SHA512_224, 28),
    DIGEST(SHA512_256, 32),
    DIGEST(SHA3_224, 28),
    DIGEST(SHA3_256, 32),
    DIGEST(SHA3_384, 48),
    DIGEST(SHA3_512, 64),
    HMAC(MD5, CKK_MD5_HMAC, 16),
    HMAC(SHA_1, CKK_SHA_1_HMAC, 20),
    HMAC(SHA224, CKK_SHA224_HMAC, 28),
    HMAC(SHA256, CKK_SHA256_HMAC, 32),
    HMAC(SHA384, CKK_SHA384_HMAC, 48),
    HMAC(SHA512, CKK_SHA512_HMAC, 64),
    HMAC(SHA512_224, CKK_SHA512_224_HMAC, 28),
    HMAC(SHA512_256, CKK_SHA512_256_HMAC, 32),
    HMAC(SHA3_224, CKK_SHA3_224_HMAC, 28),
    HMAC(SHA3_256, CKK_SHA3_256_HMAC, 32),
    HMAC(SHA3_384, CKK_SHA3_384_HMAC, 48),
    HMAC(SHA3_512, CKK_SHA3_512_HMAC, 64),
    /* secrets and derivation */
    MAKES_KEY(GENERIC_SECRET_KEY_GEN, PARAMETER_NONE, CKK_GENERIC_SECRET),
    MAKES_KEY(HKDF_KEY_GEN, PARAMETER_NONE, CKK_HKDF),
    MAKES_KEY(HKDF_DERIVE, PARAMETER_HKDF, ANY_SECRET_KEY),
    MAKES_KEY(HKDF_DATA, PARAMETER_HKDF, ANY_SECRET_KEY),
    /* what the keystore refuses for good (THREATS.md 5.7): kept, so that the refusal is its own */
    MAKES_KEY(CONCATENATE_BASE_AND_KEY, PARAMETER_HANDLE, ANY_SECRET_KEY),
    MAKES_KEY(CONCATENATE_BASE_AND_DATA, PARAMETER_STRING, ANY_SECRET_KEY),
    MAKES_KEY(CONCATENATE_DATA_AND_BASE, PARAMETER_STRING, ANY_SECRET_KEY),
    MAKES_KEY(XOR_BASE_AND_DATA, PARAMETER_STRING, ANY_SECRET_KEY),
    MAKES_KEY(EXTRACT_KEY_FROM_KEY, PARAMETER_NUMBER, ANY_SECRET_KEY),
    MAKES_KEY(AES_ECB_ENCRYPT_DATA, PARAMETER_STRING, CKK_AES),
    /* PKCS#11 3.2 */
    MAKES_KEY(ML_DSA_KEY_PAIR_GEN, PARAMETER_NONE, CKK_ML_DSA),
    { CKM_ML_DSA, PARAMETER_CONTEXT, CKK_ML_DSA, LENGTH_SET, 0 },
    { CKM_HASH_ML_DSA, PARAMETER_HASH_CONTEXT, CKK_ML_DSA, LENGTH_SET, 0 },
    MAKES_KEY(SLH_DSA_KEY_PAIR_GEN, PARAMETER_NONE, CKK_SLH_DSA),
    { CKM_SLH_DSA, PARAMETER_CONTEXT, CKK_SLH_DSA, LENGTH_SET, 0 },
    { CKM_HASH_SLH_DSA, PARAMETER_HASH_CONTEXT, CKK_SLH_DSA, LENGTH_SET, 0 },
    MAKES_KEY(ML_KEM_KEY_PAIR_GEN, PARAMETER_NONE, CKK_ML_KEM),
    MAKES_KEY(ML_KEM, PARAMETER_NONE, CKK_ML_KEM),
    /* ours */
    MAKES_KEY(STRONGROOM_SEAL, PARAMETER_SEAL, ANY_SECRET_KEY),
};

static const struct mechanism_shape hash_ml_dsa = { CKM_ML_DSA, PARAMETER_CONTEXT, CKK_ML_DSA, LENGTH_SET, 0 };
static const struct mechanism_shape hash_slh_dsa = { CKM_SLH_DSA, PARAMETER_CONTEXT, CKK_SLH_DSA, LENGTH_SET, 0 };

/* Ninety entries and the common ones first: a walk costs less than a signature by four orders of magnitude. */
const struct mechanism_shape *mechanism_shape(CK_MECHANISM_TYPE type)
{
    for (unsigned i = 0; i < ARRAY_LEN(shapes); i++)
        if (shapes[i].type == type)
            return &shapes[i];
    if (type >= HASH_ML_DSA_FIRST && type <= HASH_ML_DSA_LAST)
        return &hash_ml_dsa;
    if (type >= HASH_SLH_DSA_FIRST && type <= HASH_SLH_DSA_LAST)
        return &hash_slh_dsa;
    return NULL;
}
