#include "firmware/crypto/mechanism_table.h"

#include <pthread.h>

#include "firmware/crypto/hash.h"

/* Constants of PKCS#11 3.0 that the older header lacks. */
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

#define ENCRYPT CKF_ENCRYPT | CKF_DECRYPT
#define SIGN    CKF_SIGN | CKF_VERIFY
#define RECOVER CKF_SIGN_RECOVER | CKF_VERIFY_RECOVER
#define WRAP    CKF_WRAP | CKF_UNWRAP
#define CURVES  CKF_EC_F_P | CKF_EC_NAMEDCURVE | CKF_EC_UNCOMPRESS

/* Key sizes. A shorter HMAC key could be found by trying, and with it bytes of what it was derived from (THREATS.md
 * 5.7); 112 bits is SP 800-131A's floor. PQC: bytes of the public key, as PKCS#11 3.2 counts. */
#define NO_SIZES      0, 0
#define RSA_SIZES     2048, 8192
#define EC_SIZES      256, 521
#define ED_SIZES      255, 255
#define AES_SIZES     16, 32
#define SECRET_SIZES  112, 8 * 4096
#define ML_DSA_SIZES  1312, 2592
#define ML_KEM_SIZES  800, 1568
#define SLH_DSA_SIZES 32, 64

/* clang-format off */
#define ROW(NAME, SIZES, FLAGS, TYPE, ...) \
    { .facts = { CKM_##NAME, SIZES, FLAGS }, .key_type = TYPE, __VA_ARGS__ }
#define USE(FAMILY)      .family = &FAMILY##_family
#define HASHED(OPENSSL)  .digest = OPENSSL
#define SECRET           .is_secret = true
#define SLOW             .slow = true
#define HASH(NAME, OPENSSL) \
    ROW(NAME, NO_SIZES, CKF_DIGEST, ANY_SECRET, USE(digest), HASHED(OPENSSL)), \
    ROW(NAME##_HMAC, SECRET_SIZES, SIGN, CKK_##NAME##_HMAC, USE(hmac), HASHED(OPENSSL), SECRET), \
    ROW(NAME##_HMAC_GENERAL, SECRET_SIZES, SIGN, CKK_##NAME##_HMAC, USE(hmac), HASHED(OPENSSL), SECRET, .general = true)
#define AES(NAME, FLAGS, ...)   ROW(AES_##NAME, AES_SIZES, FLAGS, CKK_AES, SECRET, __VA_ARGS__)
#define RSA(NAME, FLAGS, ...)   ROW(NAME, RSA_SIZES, FLAGS, CKK_RSA, __VA_ARGS__)
#define RSA_HASH(NAME, OPENSSL) \
    RSA(NAME##_RSA_PKCS, SIGN, USE(rsa_pkcs1), HASHED(OPENSSL)), \
    RSA(NAME##_RSA_PKCS_PSS, SIGN, USE(rsa_pss), HASHED(OPENSSL))
#define EC(NAME, FLAGS, ...)    ROW(NAME, EC_SIZES, (FLAGS) | CURVES, CKK_EC, __VA_ARGS__)
#define ECDSA(NAME, OPENSSL)    EC(ECDSA_##NAME, SIGN, USE(ecdsa), HASHED(OPENSSL))
#define ML_DSA(NAME, ...)       ROW(NAME, ML_DSA_SIZES, SIGN, CKK_ML_DSA, USE(ml_dsa), .needs = "ML-DSA-65", __VA_ARGS__)

static const struct mechanism_entry table[] = {
    RSA(RSA_PKCS_KEY_PAIR_GEN, CKF_GENERATE_KEY_PAIR, SLOW),
    RSA(RSA_PKCS, ENCRYPT | SIGN | RECOVER | WRAP, USE(rsa_pkcs1)),
    RSA(RSA_X_509, ENCRYPT | SIGN | RECOVER, USE(rsa_raw)),
    RSA(RSA_PKCS_OAEP, ENCRYPT | WRAP, USE(rsa_oaep)),
    RSA(RSA_PKCS_PSS, SIGN, USE(rsa_pss)),
    RSA(RSA_AES_KEY_WRAP, WRAP, .family = NULL),
    RSA_HASH(SHA1, "SHA1"), RSA_HASH(SHA224, "SHA224"), RSA_HASH(SHA256, "SHA256"),
    RSA_HASH(SHA384, "SHA384"), RSA_HASH(SHA512, "SHA512"),

    EC(EC_KEY_PAIR_GEN, CKF_GENERATE_KEY_PAIR, .family = NULL),
    EC(ECDH1_DERIVE, CKF_DERIVE, .family = NULL),
    EC(ECDH1_COFACTOR_DERIVE, CKF_DERIVE, .family = NULL),
    EC(ECDSA, SIGN, USE(ecdsa)),
    ECDSA(SHA1, "SHA1"), ECDSA(SHA224, "SHA224"), ECDSA(SHA256, "SHA256"), ECDSA(SHA384, "SHA384"),
    ECDSA(SHA512, "SHA512"), ECDSA(SHA3_224, "SHA3-224"), ECDSA(SHA3_256, "SHA3-256"),
    ECDSA(SHA3_384, "SHA3-384"), ECDSA(SHA3_512, "SHA3-512"),
    ROW(EC_EDWARDS_KEY_PAIR_GEN, ED_SIZES, CKF_GENERATE_KEY_PAIR | CURVES, CKK_EC_EDWARDS, .family = NULL),
    ROW(EDDSA, ED_SIZES, SIGN | CURVES, CKK_EC_EDWARDS, USE(eddsa)),
    ROW(EC_MONTGOMERY_KEY_PAIR_GEN, ED_SIZES, CKF_GENERATE_KEY_PAIR | CURVES, CKK_EC_MONTGOMERY, .family = NULL),

    AES(KEY_GEN, CKF_GENERATE, .family = NULL),
    AES(ECB, ENCRYPT, USE(aes_ecb)), AES(CBC, ENCRYPT, USE(aes_cbc)), AES(CBC_PAD, ENCRYPT | WRAP, USE(aes_cbc)),
    AES(CTR, ENCRYPT, USE(aes_ctr)), AES(GCM, ENCRYPT | WRAP, USE(aes_gcm)), AES(GMAC, SIGN, USE(gmac)),
    AES(CMAC, SIGN, USE(cmac)), AES(CMAC_GENERAL, SIGN, USE(cmac), .general = true),
    AES(KEY_WRAP, ENCRYPT | WRAP, USE(aes_wrap)), AES(KEY_WRAP_PAD, ENCRYPT | WRAP, USE(aes_wrap)),
    AES(KEY_WRAP_KWP, ENCRYPT | WRAP, USE(aes_wrap)),

    HASH(SHA_1, "SHA1"), HASH(SHA224, "SHA224"), HASH(SHA256, "SHA256"), HASH(SHA384, "SHA384"),
    HASH(SHA512, "SHA512"), HASH(SHA512_224, "SHA512-224"), HASH(SHA512_256, "SHA512-256"),
    HASH(SHA3_224, "SHA3-224"), HASH(SHA3_256, "SHA3-256"), HASH(SHA3_384, "SHA3-384"), HASH(SHA3_512, "SHA3-512"),

    ROW(GENERIC_SECRET_KEY_GEN, SECRET_SIZES, CKF_GENERATE, CKK_GENERIC_SECRET, SECRET),
    ROW(HKDF_KEY_GEN, SECRET_SIZES, CKF_GENERATE, CKK_HKDF, SECRET),
    ROW(HKDF_DERIVE, SECRET_SIZES, CKF_DERIVE, ANY_SECRET, SECRET),
    ROW(STRONGROOM_SEAL, NO_SIZES, WRAP, ANY_SECRET, SECRET),

    ROW(ML_KEM_KEY_PAIR_GEN, ML_KEM_SIZES, CKF_GENERATE_KEY_PAIR, CKK_ML_KEM, .needs = "ML-KEM-768"),
    ROW(ML_KEM, ML_KEM_SIZES, CKF_ENCAPSULATE | CKF_DECAPSULATE, CKK_ML_KEM, .needs = "ML-KEM-768"),
    ROW(ML_DSA_KEY_PAIR_GEN, ML_DSA_SIZES, CKF_GENERATE_KEY_PAIR, CKK_ML_DSA, .needs = "ML-DSA-65"),
    ML_DSA(ML_DSA, .digest = NULL), ML_DSA(HASH_ML_DSA, .digest = NULL),
    ML_DSA(HASH_ML_DSA_SHA224, HASHED("SHA224")), ML_DSA(HASH_ML_DSA_SHA256, HASHED("SHA256")),
    ML_DSA(HASH_ML_DSA_SHA384, HASHED("SHA384")), ML_DSA(HASH_ML_DSA_SHA512, HASHED("SHA512")),
    ROW(SLH_DSA_KEY_PAIR_GEN, SLH_DSA_SIZES, CKF_GENERATE_KEY_PAIR, CKK_SLH_DSA, SLOW, .needs = "SLH-DSA-SHA2-128s"),
    ROW(SLH_DSA, SLH_DSA_SIZES, SIGN, CKK_SLH_DSA, USE(slh_dsa), SLOW, .needs = "SLH-DSA-SHA2-128s"),
};
/* clang-format on */

/* Those that libcrypto offers, in ascending order of type. */
static const struct mechanism_entry *offered[ARRAY_LEN(table)];
static unsigned offered_count;
static pthread_once_t sorted = PTHREAD_ONCE_INIT;

static bool is_offered(const struct mechanism_entry *e)
{
    EVP_KEYMGMT *algorithm;

    if (e->digest != NULL && hash_md(hash_by_name(e->digest)) == NULL)
        return false;
    if (e->needs == NULL)
        return true;
    algorithm = EVP_KEYMGMT_fetch(NULL, e->needs, NULL);
    EVP_KEYMGMT_free(algorithm);
    return algorithm != NULL;
}

static int by_type(const void *a, const void *b)
{
    CK_MECHANISM_TYPE x = (*(const struct mechanism_entry *const *)a)->facts.type;
    CK_MECHANISM_TYPE y = (*(const struct mechanism_entry *const *)b)->facts.type;

    return (x > y) - (x < y);
}

static void sort(void)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (is_offered(&table[i]))
            offered[offered_count++] = &table[i];
    qsort(offered, offered_count, sizeof offered[0], by_type);
}

const struct mechanism_entry *mechanism_entry(CK_MECHANISM_TYPE type)
{
    unsigned low = 0, high;

    pthread_once(&sorted, sort);
    for (high = offered_count; low < high;) {
        unsigned middle = (low + high) / 2;

        if (offered[middle]->facts.type == type)
            return offered[middle];
        if (offered[middle]->facts.type < type)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const struct mechanism_facts *mechanism_facts(CK_MECHANISM_TYPE type)
{
    const struct mechanism_entry *e = mechanism_entry(type);

    return e != NULL ? &e->facts : NULL;
}

unsigned mechanism_count(void)
{
    pthread_once(&sorted, sort);
    return offered_count;
}

const struct mechanism_facts *mechanism_at(unsigned index)
{
    return index < mechanism_count() ? &offered[index]->facts : NULL;
}

bool mechanism_is_slow(CK_MECHANISM_TYPE type)
{
    const struct mechanism_entry *e = mechanism_entry(type);

    return e != NULL && e->slow;
}
