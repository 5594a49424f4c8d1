#include "firmware/crypto/hash.h"

#include <stdatomic.h>

static const struct hash hashes[] = {
    { "SHA1", CKM_SHA_1, 20, CKG_MGF1_SHA1, CKD_SHA1_KDF, 0 },
    { "SHA224", CKM_SHA224, 28, CKG_MGF1_SHA224, CKD_SHA224_KDF, 4 },
    { "SHA256", CKM_SHA256, 32, CKG_MGF1_SHA256, CKD_SHA256_KDF, 1 },
    { "SHA384", CKM_SHA384, 48, CKG_MGF1_SHA384, CKD_SHA384_KDF, 2 },
    { "SHA512", CKM_SHA512, 64, CKG_MGF1_SHA512, CKD_SHA512_KDF, 3 },
    { "SHA512-224", CKM_SHA512_224, 28, 0, 0, 5 },
    { "SHA512-256", CKM_SHA512_256, 32, 0, 0, 6 },
    { "SHA3-224", CKM_SHA3_224, 28, CKG_MGF1_SHA3_224, 0, 7 },
    { "SHA3-256", CKM_SHA3_256, 32, CKG_MGF1_SHA3_256, 0, 8 },
    { "SHA3-384", CKM_SHA3_384, 48, CKG_MGF1_SHA3_384, 0, 9 },
    { "SHA3-512", CKM_SHA3_512, 64, CKG_MGF1_SHA3_512, 0, 10 },
};

static _Atomic(EVP_MD *) fetched[ARRAY_LEN(hashes)];

const struct hash *hash_by_type(CK_MECHANISM_TYPE type)
{
    for (unsigned i = 0; i < ARRAY_LEN(hashes); i++)
        if (hashes[i].type == type)
            return &hashes[i];
    return NULL;
}

const struct hash *hash_by_mgf(CK_ULONG mgf)
{
    for (unsigned i = 0; i < ARRAY_LEN(hashes); i++)
        if (hashes[i].mgf != 0 && hashes[i].mgf == mgf)
            return &hashes[i];
    return NULL;
}

const struct hash *hash_by_kdf(CK_ULONG kdf)
{
    for (unsigned i = 0; i < ARRAY_LEN(hashes); i++)
        if (hashes[i].kdf != 0 && hashes[i].kdf == kdf)
            return &hashes[i];
    return NULL;
}

const struct hash *hash_by_name(const char *name)
{
    for (unsigned i = 0; i < ARRAY_LEN(hashes); i++)
        if (strcmp(hashes[i].name, name) == 0)
            return &hashes[i];
    return NULL;
}

const EVP_MD *hash_md(const struct hash *h)
{
    _Atomic(EVP_MD *) *place = &fetched[h - hashes];
    EVP_MD *md = atomic_load_explicit(place, memory_order_acquire), *expected = NULL;

    if (md != NULL || (md = EVP_MD_fetch(NULL, h->name, NULL)) == NULL)
        return md;
    if (atomic_compare_exchange_strong(place, &expected, md))
        return md;
    EVP_MD_free(md); /* another thread was first */
    return expected;
}

CK_RV hash_once(const struct hash *h, struct span in, uint8_t *out)
{
    const EVP_MD *md = hash_md(h);

    return md != NULL && EVP_Digest(in.p, in.len, out, NULL, md, NULL) == 1 ? CKR_OK : CKR_DEVICE_ERROR;
}
