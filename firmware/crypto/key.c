#include <openssl/err.h>

#include "firmware/base/secret.h"
#include "firmware/crypto/entropy.h"
#include "firmware/crypto/key_inside.h"
#include "firmware/crypto/operation.h"

#define NO_SIGNATURE ((CK_MECHANISM_TYPE)-1)

static const struct kind {
    CK_KEY_TYPE type;
    CK_RV (*load)(const struct attributes *a, struct key *k);
    CK_RV (*complete)(struct attributes *a, bool private);
    CK_RV (*generate)(struct attributes *public, struct attributes *private);
    CK_MECHANISM_TYPE generation;
    CK_MECHANISM_TYPE signature; /* of the pairwise test */
} kinds[] = {
    { CKK_RSA, rsa_load, rsa_complete, rsa_generate, CKM_RSA_PKCS_KEY_PAIR_GEN, CKM_RSA_PKCS },
    { CKK_EC, ec_load, ec_complete, ec_generate, CKM_ECDSA_KEY_PAIR_GEN, CKM_ECDSA },
    { CKK_EC_EDWARDS, edwards_load, edwards_complete, edwards_generate, CKM_EC_EDWARDS_KEY_PAIR_GEN, CKM_EDDSA },
    { CKK_EC_MONTGOMERY, edwards_load, edwards_complete, edwards_generate, CKM_EC_MONTGOMERY_KEY_PAIR_GEN,
      NO_SIGNATURE },
    { CKK_ML_DSA, pqc_load, pqc_complete, pqc_generate, CKM_ML_DSA_KEY_PAIR_GEN, CKM_ML_DSA },
    { CKK_ML_KEM, pqc_load, pqc_complete, pqc_generate, CKM_ML_KEM_KEY_PAIR_GEN, NO_SIGNATURE },
    { CKK_SLH_DSA, pqc_load, pqc_complete, pqc_generate, CKM_SLH_DSA_KEY_PAIR_GEN, CKM_SLH_DSA },
};

static const struct kind *kind_of(CK_KEY_TYPE type)
{
    for (unsigned i = 0; i < ARRAY_LEN(kinds); i++)
        if (kinds[i].type == type)
            return &kinds[i];
    return NULL;
}

CK_RV key_load(const struct attributes *a, struct key **out)
{
    struct key *k = calloc(1, sizeof *k);
    const struct kind *kind;
    CK_RV rv = CKR_ATTRIBUTE_VALUE_INVALID;

    *out = NULL;
    if (k == NULL)
        return CKR_HOST_MEMORY;
    k->refs = 1;
    k->class = attributes_ulong(a, CKA_CLASS, CKO_DATA);
    k->type = attributes_ulong(a, CKA_KEY_TYPE, CKK_VENDOR_DEFINED);
    if (k->class == CKO_SECRET_KEY)
        rv = secret_load(a, k);
    else if ((k->class == CKO_PRIVATE_KEY || k->class == CKO_PUBLIC_KEY) && (kind = kind_of(k->type)) != NULL)
        rv = kind->load(a, k);
    if (rv == CKR_OK)
        *out = k;
    else
        key_unref(k);
    return rv;
}

struct key *key_ref(struct key *k)
{
    atomic_fetch_add_explicit(&k->refs, 1, memory_order_relaxed);
    return k;
}

void key_unref(struct key *k)
{
    if (k == NULL || atomic_fetch_sub_explicit(&k->refs, 1, memory_order_acq_rel) != 1)
        return;
    keyed_forget(k);
    for (unsigned kind = 0; kind < KEY_CONTEXT_COUNT_; kind++)
        for (unsigned i = 0; i < KEY_CONTEXTS_KEPT; i++)
            EVP_PKEY_CTX_free(k->contexts[kind][i]);
    keyed_forget(k);
    EVP_PKEY_free(k->pkey); /* libcrypto wipes the private numbers of all types */
    if (k->secret != NULL)
        secret_wipe(k->secret, k->secret_len);
    free(k->secret);
    free(k);
}

CK_OBJECT_CLASS key_class(const struct key *k)
{
    return k->class;
}

CK_KEY_TYPE key_type(const struct key *k)
{
    return k->type;
}

unsigned key_bits(const struct key *k)
{
    return k->bits;
}

EVP_PKEY_CTX *key_context_take(struct key *k, enum key_context kind)
{
    EVP_PKEY_CTX *context = NULL;

    for (unsigned i = 0; i < KEY_CONTEXTS_KEPT && context == NULL; i++)
        if (atomic_load_explicit(&k->contexts[kind][i], memory_order_relaxed) != NULL)
            context = atomic_exchange_explicit(&k->contexts[kind][i], NULL, memory_order_acquire);
    return context;
}

void key_context_put(struct key *k, enum key_context kind, EVP_PKEY_CTX *context)
{
    for (unsigned i = 0; i < KEY_CONTEXTS_KEPT; i++) {
        EVP_PKEY_CTX *empty = NULL;

        if (atomic_compare_exchange_strong_explicit(&k->contexts[kind][i], &empty, context, memory_order_release,
                                                    memory_order_relaxed))
            return;
    }
    EVP_PKEY_CTX_free(context);
}

/* A SubjectPublicKeyInfo that came with the key must be the key's. */
static CK_RV check_public_info(const struct attributes *a)
{
    struct attributes copy = { 0 };
    CK_RV rv;

    if (!attributes_has(a, CKA_PUBLIC_KEY_INFO))
        return CKR_OK;
    if ((rv = attributes_merge(&copy, a)) == CKR_OK) {
        attributes_remove(&copy, CKA_PUBLIC_KEY_INFO);
        if ((rv = key_add_public_info(&copy)) == CKR_OK &&
            !span_equal(attributes_get(&copy, CKA_PUBLIC_KEY_INFO), attributes_get(a, CKA_PUBLIC_KEY_INFO)))
            rv = CKR_ATTRIBUTE_VALUE_INVALID;
    }
    attributes_clear(&copy);
    return rv;
}

CK_RV key_complete(struct attributes *a)
{
    CK_OBJECT_CLASS class = attributes_ulong(a, CKA_CLASS, CKO_DATA);
    CK_KEY_TYPE type = attributes_ulong(a, CKA_KEY_TYPE, CKK_VENDOR_DEFINED);
    const struct kind *kind = kind_of(type);
    CK_RV rv;

    if (!attributes_has(a, CKA_CLASS) || !attributes_has(a, CKA_KEY_TYPE))
        return CKR_TEMPLATE_INCOMPLETE;
    if (class == CKO_SECRET_KEY)
        return secret_complete(a);
    if (kind == NULL)
        return CKR_ATTRIBUTE_VALUE_INVALID;
    if (class != CKO_PRIVATE_KEY && class != CKO_PUBLIC_KEY)
        return CKR_TEMPLATE_INCONSISTENT;
    rv = kind->complete(a, class == CKO_PRIVATE_KEY);
    return rv == CKR_OK ? check_public_info(a) : rv;
}

/* Signs with the one and verifies with the other, through the very code that will use them later. */
static CK_RV test_signature(CK_MECHANISM_TYPE type, struct key *public, struct key *private)
{
    static const uint8_t digest[32] = { 0x53, 0x52 };
    const struct mechanism m = { .type = type };
    const struct span in = span_of(digest, sizeof digest);
    struct output none = { 0 }, signature = { .room = operation_compute_max(OPERATION_SIGN, &m, private, in.len) };
    CK_RV rv;

    if ((signature.p = malloc(signature.room)) == NULL)
        return CKR_HOST_MEMORY;
    if ((rv = operation_compute(OPERATION_SIGN, &m, private, in, span_of(NULL, 0), &signature)) == CKR_OK)
        rv = operation_compute(OPERATION_VERIFY, &m, public, in, span_of(signature.p, signature.len), &none);
    free(signature.p);
    return rv == CKR_HOST_MEMORY ? rv : rv == CKR_OK ? CKR_OK : CKR_DEVICE_ERROR;
}

/* FIPS 140-3, IG 10.3.A: a pair that signs signs; one for key agreement or encapsulation arrives at one secret, which
 * libcrypto's own pairwise check does (for X25519 by making the public key again). */
static CK_RV test_pair(const struct kind *kind, const struct attributes *public, const struct attributes *private)
{
    struct key *a = NULL, *b = NULL;
    EVP_PKEY_CTX *context = NULL;
    CK_RV rv;

    if ((rv = key_load(public, &a)) != CKR_OK || (rv = key_load(private, &b)) != CKR_OK)
        rv = rv == CKR_HOST_MEMORY ? rv : CKR_DEVICE_ERROR;
    else if (kind->signature != NO_SIGNATURE)
        rv = test_signature(kind->signature, a, b);
    else if (EVP_PKEY_eq(a->pkey, b->pkey) != 1 ||
             (context = EVP_PKEY_CTX_new_from_pkey(NULL, b->pkey, NULL)) == NULL ||
             EVP_PKEY_pairwise_check(context) != 1)
        rv = CKR_DEVICE_ERROR;
    EVP_PKEY_CTX_free(context);
    key_unref(a);
    key_unref(b);
    ERR_clear_error();
    return rv;
}

static CK_RV settle_kind(struct attributes *a, CK_OBJECT_CLASS class, CK_KEY_TYPE type)
{
    CK_RV rv;

    if (attributes_ulong(a, CKA_CLASS, class) != class || attributes_ulong(a, CKA_KEY_TYPE, type) != type)
        return CKR_TEMPLATE_INCONSISTENT;
    if ((rv = attributes_set_ulong(a, CKA_CLASS, class)) != CKR_OK)
        return rv;
    return attributes_set_ulong(a, CKA_KEY_TYPE, type);
}

CK_RV key_generate_pair(const struct mechanism *m, struct attributes *public, struct attributes *private)
{
    const struct kind *kind = NULL;
    CK_RV rv;

    for (unsigned i = 0; i < ARRAY_LEN(kinds); i++)
        if (kinds[i].generation == m->type)
            kind = &kinds[i];
    if (kind == NULL)
        return CKR_MECHANISM_INVALID;
    if (!entropy_is_healthy())
        return CKR_DEVICE_ERROR;
    if ((rv = settle_kind(public, CKO_PUBLIC_KEY, kind->type)) != CKR_OK ||
        (rv = settle_kind(private, CKO_PRIVATE_KEY, kind->type)) != CKR_OK ||
        (rv = kind->generate(public, private)) != CKR_OK)
        return rv;
    return test_pair(kind, public, private);
}
