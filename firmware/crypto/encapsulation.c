#include <openssl/err.h>

#include "firmware/base/secret.h"
#include "firmware/crypto/key_inside.h"
#include "firmware/crypto/transport.h"

#define SHARED_LEN 32 /* FIPS 203, 3: of all parameter sets */

static CK_RV check(const struct mechanism *m, const struct key *k, CK_OBJECT_CLASS class,
                   const struct attributes *target)
{
    if (m->type != CKM_ML_KEM)
        return CKR_MECHANISM_INVALID;
    if (k->type != CKK_ML_KEM || k->class != class)
        return CKR_KEY_TYPE_INCONSISTENT;
    return attributes_ulong(target, CKA_CLASS, CKO_DATA) == CKO_SECRET_KEY ? CKR_OK : CKR_TEMPLATE_INCONSISTENT;
}

/* All of the shared secret becomes the key; another CKA_VALUE_LEN is refused by key_complete(). */
static CK_RV settle(struct attributes *target, uint8_t shared[SHARED_LEN])
{
    CK_RV rv = attributes_set(target, CKA_VALUE, span_of(shared, SHARED_LEN));

    secret_wipe(shared, SHARED_LEN);
    return rv == CKR_OK ? key_complete(target) : rv;
}

size_t encapsulated_len(const struct key *public)
{
    return public->type == CKK_ML_KEM ? public->pqc->output_len : 0;
}

CK_RV encapsulate_key(const struct mechanism *m, struct key *public, struct output *ciphertext,
                      struct attributes *target)
{
    uint8_t shared[SHARED_LEN];
    size_t len = ciphertext->room, shared_len = sizeof shared;
    EVP_PKEY_CTX *context;
    CK_RV rv = check(m, public, CKO_PUBLIC_KEY, target);

    ciphertext->len = 0;
    if (rv != CKR_OK)
        return rv;
    if (ciphertext->room < encapsulated_len(public))
        return CKR_BUFFER_TOO_SMALL;
    context = EVP_PKEY_CTX_new_from_pkey(NULL, public->pkey, NULL);
    if (context != NULL && EVP_PKEY_encapsulate_init(context, NULL) == 1 &&
        EVP_PKEY_encapsulate(context, ciphertext->p, &len, shared, &shared_len) == 1 && shared_len == SHARED_LEN)
        rv = settle(target, shared);
    else
        rv = CKR_DEVICE_ERROR;
    if (rv == CKR_OK)
        ciphertext->len = len;
    EVP_PKEY_CTX_free(context);
    ERR_clear_error();
    return rv;
}

CK_RV decapsulate_key(const struct mechanism *m, struct key *private, struct span ciphertext, struct attributes *target)
{
    uint8_t shared[SHARED_LEN];
    size_t shared_len = sizeof shared;
    EVP_PKEY_CTX *context;
    CK_RV rv = check(m, private, CKO_PRIVATE_KEY, target);

    if (rv != CKR_OK)
        return rv;
    if (ciphertext.len != encapsulated_len(private))
        return CKR_WRAPPED_KEY_LEN_RANGE;
    context = EVP_PKEY_CTX_new_from_pkey(NULL, private->pkey, NULL);
    if (context != NULL && EVP_PKEY_decapsulate_init(context, NULL) == 1 &&
        EVP_PKEY_decapsulate(context, shared, &shared_len, ciphertext.p, ciphertext.len) == 1 &&
        shared_len == SHARED_LEN)
        rv = settle(target, shared);
    else
        rv = CKR_DEVICE_ERROR;
    EVP_PKEY_CTX_free(context);
    ERR_clear_error();
    return rv;
}
