#include <openssl/core_names.h>
#include <openssl/err.h>

#include "firmware/base/secret.h"
#include "firmware/crypto/key_inside.h"

/* FIPS 204, table 2; FIPS 203, table 3; FIPS 205, table 2. OIDs: NIST's arcs sigAlgs (3) and kems (4). */
static const struct pqc_set sets[] = {
    { CKK_ML_DSA, CKP_ML_DSA_44, "ML-DSA-44", { 3, 17 }, 1312, 2560, 32, 2420 },
    { CKK_ML_DSA, CKP_ML_DSA_65, "ML-DSA-65", { 3, 18 }, 1952, 4032, 32, 3309 },
    { CKK_ML_DSA, CKP_ML_DSA_87, "ML-DSA-87", { 3, 19 }, 2592, 4896, 32, 4627 },
    { CKK_ML_KEM, CKP_ML_KEM_512, "ML-KEM-512", { 4, 1 }, 800, 1632, 64, 768 },
    { CKK_ML_KEM, CKP_ML_KEM_768, "ML-KEM-768", { 4, 2 }, 1184, 2400, 64, 1088 },
    { CKK_ML_KEM, CKP_ML_KEM_1024, "ML-KEM-1024", { 4, 3 }, 1568, 3168, 64, 1568 },
    { CKK_SLH_DSA, CKP_SLH_DSA_SHA2_128S, "SLH-DSA-SHA2-128s", { 3, 20 }, 32, 64, 0, 7856 },
    { CKK_SLH_DSA, CKP_SLH_DSA_SHA2_128F, "SLH-DSA-SHA2-128f", { 3, 21 }, 32, 64, 0, 17088 },
    { CKK_SLH_DSA, CKP_SLH_DSA_SHA2_192S, "SLH-DSA-SHA2-192s", { 3, 22 }, 48, 96, 0, 16224 },
    { CKK_SLH_DSA, CKP_SLH_DSA_SHA2_192F, "SLH-DSA-SHA2-192f", { 3, 23 }, 48, 96, 0, 35664 },
    { CKK_SLH_DSA, CKP_SLH_DSA_SHA2_256S, "SLH-DSA-SHA2-256s", { 3, 24 }, 64, 128, 0, 29792 },
    { CKK_SLH_DSA, CKP_SLH_DSA_SHA2_256F, "SLH-DSA-SHA2-256f", { 3, 25 }, 64, 128, 0, 49856 },
    { CKK_SLH_DSA, CKP_SLH_DSA_SHAKE_128S, "SLH-DSA-SHAKE-128s", { 3, 26 }, 32, 64, 0, 7856 },
    { CKK_SLH_DSA, CKP_SLH_DSA_SHAKE_128F, "SLH-DSA-SHAKE-128f", { 3, 27 }, 32, 64, 0, 17088 },
    { CKK_SLH_DSA, CKP_SLH_DSA_SHAKE_192S, "SLH-DSA-SHAKE-192s", { 3, 28 }, 48, 96, 0, 16224 },
    { CKK_SLH_DSA, CKP_SLH_DSA_SHAKE_192F, "SLH-DSA-SHAKE-192f", { 3, 29 }, 48, 96, 0, 35664 },
    { CKK_SLH_DSA, CKP_SLH_DSA_SHAKE_256S, "SLH-DSA-SHAKE-256s", { 3, 30 }, 64, 128, 0, 29792 },
    { CKK_SLH_DSA, CKP_SLH_DSA_SHAKE_256F, "SLH-DSA-SHAKE-256f", { 3, 31 }, 64, 128, 0, 49856 },
};

const struct pqc_set *pqc_set(CK_KEY_TYPE type, CK_ULONG set)
{
    for (unsigned i = 0; i < ARRAY_LEN(sets); i++)
        if (sets[i].type == type && sets[i].set == set)
            return &sets[i];
    return NULL;
}

const struct pqc_set *pqc_set_by_oid(CK_KEY_TYPE type, struct span last_arcs)
{
    for (unsigned i = 0; i < ARRAY_LEN(sets); i++)
        if (sets[i].type == type && span_equal(last_arcs, span_of(sets[i].oid, sizeof sets[i].oid)))
            return &sets[i];
    return NULL;
}

static const struct pqc_set *set_of(const struct attributes *a)
{
    return pqc_set(attributes_ulong(a, CKA_KEY_TYPE, CKK_VENDOR_DEFINED), attributes_ulong(a, CKA_PARAMETER_SET, 0));
}

static CK_RV make(const struct pqc_set *set, const char *name, struct span value, bool private, EVP_PKEY **out)
{
    struct key_params params;

    key_params_begin(&params);
    key_params_octets(&params, name, value);
    return key_params_make(&params, set->name, private, out);
}

CK_RV pqc_load(const struct attributes *a, struct key *k)
{
    bool private = k->class == CKO_PRIVATE_KEY;

    if ((k->pqc = set_of(a)) == NULL)
        return CKR_ATTRIBUTE_VALUE_INVALID;
    return make(k->pqc, private ? OSSL_PKEY_PARAM_PRIV_KEY : OSSL_PKEY_PARAM_PUB_KEY, attributes_get(a, CKA_VALUE),
                private, &k->pkey);
}

static bool is_consistent(EVP_PKEY *pkey)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    bool ok = context != NULL && EVP_PKEY_pairwise_check(context) == 1;

    EVP_PKEY_CTX_free(context);
    ERR_clear_error();
    return ok;
}

/* From a seed both follow; from an expanded key its public half, and whether its parts belong together. */
static CK_RV complete_private(struct attributes *a, const struct pqc_set *set)
{
    struct span seed = attributes_get(a, CKA_SEED), value = attributes_get(a, CKA_VALUE);
    struct attributes made = { 0 };
    EVP_PKEY *pkey = NULL;
    CK_RV rv;

    if (seed.len == 0 && value.len == 0)
        return CKR_TEMPLATE_INCOMPLETE;
    if ((seed.len != 0 && seed.len != set->seed_len) || (value.len != 0 && value.len != set->private_len))
        return CKR_ATTRIBUTE_VALUE_INVALID;
    if ((rv = seed.len != 0 ? make(set, OSSL_PKEY_PARAM_ML_DSA_SEED, seed, true, &pkey)
                            : make(set, OSSL_PKEY_PARAM_PRIV_KEY, value, true, &pkey)) == CKR_OK &&
        (rv = key_octets_attribute(pkey, OSSL_PKEY_PARAM_PRIV_KEY, &made, CKA_VALUE)) == CKR_OK)
        rv = key_settle(a, CKA_VALUE, attributes_get(&made, CKA_VALUE));
    if (rv == CKR_OK && seed.len == 0 && !is_consistent(pkey))
        rv = CKR_ATTRIBUTE_VALUE_INVALID;
    attributes_clear(&made);
    EVP_PKEY_free(pkey);
    return rv == CKR_OK ? key_add_public_info(a) : rv;
}

CK_RV pqc_complete(struct attributes *a, bool private)
{
    const struct pqc_set *set = set_of(a);
    EVP_PKEY *pkey = NULL;
    CK_RV rv;

    if (!attributes_has(a, CKA_PARAMETER_SET) || (!private && !attributes_has(a, CKA_VALUE)))
        return CKR_TEMPLATE_INCOMPLETE;
    if (set == NULL)
        return CKR_ATTRIBUTE_VALUE_INVALID;
    if (private)
        return complete_private(a, set);
    rv = make(set, OSSL_PKEY_PARAM_PUB_KEY, attributes_get(a, CKA_VALUE), false, &pkey);
    EVP_PKEY_free(pkey);
    return rv;
}

CK_RV pqc_generate(struct attributes *public, struct attributes *private)
{
    const struct pqc_set *set = set_of(public);
    EVP_PKEY *pkey;
    CK_RV rv;

    if (!attributes_has(public, CKA_PARAMETER_SET))
        return CKR_TEMPLATE_INCOMPLETE;
    if (set == NULL || attributes_ulong(private, CKA_PARAMETER_SET, set->set) != set->set)
        return CKR_ATTRIBUTE_VALUE_INVALID;
    if ((pkey = EVP_PKEY_Q_keygen(NULL, NULL, set->name)) == NULL)
        return CKR_DEVICE_ERROR;
    if ((rv = key_octets_attribute(pkey, OSSL_PKEY_PARAM_PUB_KEY, public, CKA_VALUE)) == CKR_OK &&
        (rv = key_octets_attribute(pkey, OSSL_PKEY_PARAM_PRIV_KEY, private, CKA_VALUE)) == CKR_OK &&
        (rv = set->seed_len == 0
                  ? CKR_OK
                  : key_octets_attribute(pkey, OSSL_PKEY_PARAM_ML_DSA_SEED, private, CKA_SEED)) == CKR_OK &&
        (rv = attributes_set_ulong(private, CKA_PARAMETER_SET, set->set)) == CKR_OK)
        rv = key_add_public_info(private);
    EVP_PKEY_free(pkey);
    ERR_clear_error();
    return rv;
}
