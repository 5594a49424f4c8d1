#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>

#include "firmware/crypto/entropy.h"
#include "firmware/crypto/signature.h"

/* ML-DSA (FIPS 204) and SLH-DSA (FIPS 205): pure, and for ML-DSA with a hash in front (HashML-DSA), whose message
 * representative is built here, since libcrypto has only the pure encoding. Hedged unless the caller asks for the
 * deterministic variant. One faulty SLH-DSA signature is enough to forge others, so all of these are verified before
 * they leave; next to making them it costs little. */

#define CONTEXT_MAX        255
#define REPRESENTATIVE_MAX (2 + CONTEXT_MAX + 11 + HASH_LEN_MAX)

static bool is_hashed(const struct operation *op)
{
    return op->mechanism.type != CKM_ML_DSA && op->mechanism.type != CKM_SLH_DSA;
}

static const struct hash *hash_of(const struct operation *op)
{
    return op->entry->digest != NULL ? hash_by_name(op->entry->digest) : hash_by_type(op->mechanism.hash);
}

static CK_RV begin(struct operation *op)
{
    const struct mechanism *m = &op->mechanism;

    if (m->aad.len > CONTEXT_MAX || m->number > CKH_DETERMINISTIC_REQUIRED)
        return CKR_MECHANISM_PARAM_INVALID;
    return !is_hashed(op) || (hash_of(op) != NULL && hash_of(op)->oid_arc != 0) ? CKR_OK : CKR_MECHANISM_PARAM_INVALID;
}

static size_t output_max(const struct operation *op, size_t in_len)
{
    (void)in_len;
    return op->key->pqc->output_len;
}

/* The input itself, or for HashML-DSA (FIPS 204, algorithm 4, line 23): 01, length of the context, context, OID of the
 * hash, hash. */
static CK_RV represent(const struct operation *op, uint8_t memory[REPRESENTATIVE_MAX], struct span *message)
{
    const struct hash *h = hash_of(op);
    static const uint8_t oid[] = { 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02 };
    struct span context = op->mechanism.aad;
    uint8_t *p = memory;

    if (!is_hashed(op))
        return CKR_OK;
    if (message->len != h->len)
        return CKR_DATA_LEN_RANGE;
    *p++ = 1;
    *p++ = (uint8_t)context.len;
    if (context.len > 0)
        memcpy(p, context.p, context.len);
    p += context.len;
    memcpy(p, oid, sizeof oid);
    p += sizeof oid;
    *p++ = h->oid_arc;
    memcpy(p, message->p, h->len);
    *message = span_of(memory, (size_t)(p - memory) + h->len);
    return CKR_OK;
}

static EVP_PKEY_CTX *make_context(const struct operation *op, bool signing)
{
    const struct mechanism *m = &op->mechanism;
    int deterministic = m->number == CKH_DETERMINISTIC_REQUIRED, pure = !is_hashed(op);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, op->key->pkey, NULL);
    EVP_SIGNATURE *algorithm = EVP_SIGNATURE_fetch(NULL, op->key->pqc->name, NULL);
    OSSL_PARAM list[4];
    unsigned n = 0;

    list[n++] = OSSL_PARAM_construct_int(OSSL_SIGNATURE_PARAM_MESSAGE_ENCODING, &pure);
    if (signing)
        list[n++] = OSSL_PARAM_construct_int(OSSL_SIGNATURE_PARAM_DETERMINISTIC, &deterministic);
    if (pure && m->aad.len > 0)
        list[n++] =
            OSSL_PARAM_construct_octet_string(OSSL_SIGNATURE_PARAM_CONTEXT_STRING, (void *)m->aad.p, m->aad.len);
    list[n] = OSSL_PARAM_construct_end();
    if (context == NULL || algorithm == NULL ||
        (signing ? EVP_PKEY_sign_message_init(context, algorithm, list)
                 : EVP_PKEY_verify_message_init(context, algorithm, list)) != 1) {
        EVP_PKEY_CTX_free(context);
        context = NULL;
    }
    EVP_SIGNATURE_free(algorithm);
    return context;
}

static CK_RV verify_message(const struct operation *op, struct span message, struct span signature)
{
    EVP_PKEY_CTX *context;
    CK_RV rv;

    if (signature.len != op->key->pqc->output_len)
        return CKR_SIGNATURE_LEN_RANGE;
    if ((context = make_context(op, false)) == NULL)
        return CKR_DEVICE_ERROR;
    rv = EVP_PKEY_verify(context, signature.p, signature.len, message.p, message.len) == 1 ? CKR_OK
                                                                                           : CKR_SIGNATURE_INVALID;
    EVP_PKEY_CTX_free(context);
    ERR_clear_error();
    return rv;
}

static CK_RV check(struct operation *op, struct span in, struct span signature)
{
    uint8_t memory[REPRESENTATIVE_MAX];
    CK_RV rv = represent(op, memory, &in);

    return rv == CKR_OK ? verify_message(op, in, signature) : rv;
}

static CK_RV sign(struct operation *op, struct span in, struct output *out)
{
    uint8_t memory[REPRESENTATIVE_MAX];
    EVP_PKEY_CTX *context;
    size_t len = out->room;
    CK_RV rv = represent(op, memory, &in);

    if (rv != CKR_OK)
        return rv;
    if (!entropy_is_healthy() || (context = make_context(op, true)) == NULL)
        return CKR_DEVICE_ERROR;
    if (EVP_PKEY_sign(context, out->p, &len, in.p, in.len) == 1 &&
        verify_message(op, in, span_of(out->p, len)) == CKR_OK)
        out->len = len;
    else
        rv = CKR_DEVICE_ERROR;
    EVP_PKEY_CTX_free(context);
    ERR_clear_error();
    return rv;
}

const struct mechanism_family ml_dsa_family = {
    .begin = begin, .output_max = output_max, .once = signature_once, SIGNATURE_MEMBERS, .sign = sign, .check = check
};
const struct mechanism_family slh_dsa_family = {
    .begin = begin, .output_max = output_max, .once = sign, .verify = check
};
