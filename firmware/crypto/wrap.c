#include "firmware/base/secret.h"
#include "firmware/crypto/entropy.h"
#include "firmware/crypto/key_inside.h"
#include "firmware/crypto/transport.h"
#include "firmware/wire/limits.h"

/* C_WrapKey and C_UnwrapKey: a key's encoding (key_codec.c), encrypted by the mechanism as any other bytes would be. */

#define AES_OVERHEAD 32 /* more than any of the modes adds */
#define AES_KEY_MAX  32

enum wrapping { WRAPPING_NONE, WRAPPING_AES, WRAPPING_RSA, WRAPPING_RSA_AES };

static enum wrapping wrapping_of(CK_MECHANISM_TYPE type)
{
    switch (type) {
    case CKM_AES_KEY_WRAP:
    case CKM_AES_KEY_WRAP_PAD:
    case CKM_AES_KEY_WRAP_KWP:
    case CKM_AES_CBC_PAD:
    case CKM_AES_GCM:
        return WRAPPING_AES;
    case CKM_RSA_PKCS:
    case CKM_RSA_PKCS_OAEP:
        return WRAPPING_RSA;
    case CKM_RSA_AES_KEY_WRAP:
        return WRAPPING_RSA_AES;
    default:
        return WRAPPING_NONE;
    }
}

static CK_RV wrap_verdict(CK_RV rv)
{
    switch (rv) {
    case CKR_KEY_TYPE_INCONSISTENT:
        return CKR_WRAPPING_KEY_TYPE_INCONSISTENT;
    case CKR_KEY_SIZE_RANGE:
        return CKR_WRAPPING_KEY_SIZE_RANGE;
    case CKR_DATA_LEN_RANGE: /* of the key that is wrapped */
        return CKR_KEY_SIZE_RANGE;
    default:
        return rv;
    }
}

/* Whatever is wrong with the wrapped bytes is one error. */
static CK_RV unwrap_verdict(CK_RV rv)
{
    switch (rv) {
    case CKR_KEY_TYPE_INCONSISTENT:
        return CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT;
    case CKR_KEY_SIZE_RANGE:
        return CKR_UNWRAPPING_KEY_SIZE_RANGE;
    case CKR_ENCRYPTED_DATA_LEN_RANGE:
        return CKR_WRAPPED_KEY_LEN_RANGE;
    case CKR_ENCRYPTED_DATA_INVALID:
        return CKR_WRAPPED_KEY_INVALID;
    default:
        return rv;
    }
}

size_t wrap_max(const struct mechanism *m, const struct key *kek, const struct attributes *target)
{
    size_t rsa = (kek->bits + 7) / 8, aes = key_encoded_max(target) + AES_OVERHEAD;

    switch (wrapping_of(m->type)) {
    case WRAPPING_AES:
        return aes;
    case WRAPPING_RSA:
        return rsa;
    case WRAPPING_RSA_AES:
        return rsa + aes;
    default:
        return 0;
    }
}

static CK_RV load_aes(struct span value, struct key **out)
{
    struct attributes a = { 0 };
    CK_RV rv;

    *out = NULL;
    if ((rv = attributes_set_ulong(&a, CKA_CLASS, CKO_SECRET_KEY)) == CKR_OK &&
        (rv = attributes_set_ulong(&a, CKA_KEY_TYPE, CKK_AES)) == CKR_OK &&
        (rv = attributes_set(&a, CKA_VALUE, value)) == CKR_OK)
        rv = key_load(&a, out);
    attributes_clear(&a);
    return rv;
}

static struct mechanism oaep_part(const struct mechanism *m)
{
    return (struct mechanism){
        .type = CKM_RSA_PKCS_OAEP, .has_parameter = m->has_parameter, .hash = m->hash, .mgf = m->mgf, .aad = m->aad
    };
}
static const struct mechanism kwp_part = { .type = CKM_AES_KEY_WRAP_KWP };

/* PKCS#11 3.0, 2.1.21: a fresh AES key under RSA-OAEP, then the key under that with KWP. */
static CK_RV wrap_rsa_aes(const struct mechanism *m, struct key *kek, struct span plain, struct output *out)
{
    struct mechanism oaep = oaep_part(m);
    struct output rest = { 0 };
    uint8_t value[AES_KEY_MAX];
    struct key *aes = NULL;
    size_t len = m->number / 8;
    CK_RV rv;

    if (m->number != 128 && m->number != 192 && m->number != 256)
        return CKR_MECHANISM_PARAM_INVALID;
    if (entropy_draw(value, len) != ST_OK)
        return CKR_DEVICE_ERROR;
    if ((rv = load_aes(span_of(value, len), &aes)) == CKR_OK &&
        (rv = operation_compute(OPERATION_ENCRYPT, &oaep, kek, span_of(value, len), span_of(NULL, 0), out)) == CKR_OK) {
        rest = (struct output){ .p = out->p + out->len, .room = out->room - out->len };
        rv = operation_compute(OPERATION_ENCRYPT, &kwp_part, aes, plain, span_of(NULL, 0), &rest);
        out->len = rv == CKR_OK ? out->len + rest.len : 0;
    }
    secret_wipe(value, sizeof value);
    key_unref(aes);
    return rv;
}

CK_RV wrap_key(const struct mechanism *m, struct key *kek, const struct attributes *target, struct output *out)
{
    enum wrapping wrapping = wrapping_of(m->type);
    CK_OBJECT_CLASS class = attributes_ulong(target, CKA_CLASS, CKO_DATA);
    uint8_t *plain;
    size_t len;
    CK_RV rv;

    out->len = 0;
    if (wrapping == WRAPPING_NONE)
        return CKR_MECHANISM_INVALID;
    if (class != CKO_SECRET_KEY && (class != CKO_PRIVATE_KEY || wrapping == WRAPPING_RSA))
        return CKR_KEY_NOT_WRAPPABLE;
    if (out->room < wrap_max(m, kek, target))
        return CKR_BUFFER_TOO_SMALL;
    if ((rv = key_encode(target, &plain, &len)) != CKR_OK)
        return rv == CKR_TEMPLATE_INCOMPLETE ? CKR_KEY_NOT_WRAPPABLE : rv;
    if (wrapping == WRAPPING_RSA_AES)
        rv = wrap_rsa_aes(m, kek, span_of(plain, len), out);
    else
        rv = operation_compute(OPERATION_ENCRYPT, m, kek, span_of(plain, len), span_of(NULL, 0), out);
    secret_wipe(plain, len);
    free(plain);
    return wrap_verdict(rv);
}

/* When the OAEP part is bad a random key takes the place of the one in it, so that this cannot be told from a bad
 * second part by its time either. */
static CK_RV unwrap_rsa_aes(const struct mechanism *m, struct key *kek, struct span wrapped, struct output *out)
{
    size_t modulus = (kek->bits + 7) / 8;
    struct mechanism oaep = oaep_part(m);
    struct output first = { .p = out->p, .room = out->room };
    uint8_t value[AES_KEY_MAX];
    struct key *aes = NULL;
    bool good;
    CK_RV rv;

    if (wrapped.len <= modulus)
        return CKR_ENCRYPTED_DATA_LEN_RANGE;
    if (entropy_draw(value, sizeof value) != ST_OK)
        return CKR_DEVICE_ERROR;
    rv = operation_compute(OPERATION_DECRYPT, &oaep, kek, span_of(wrapped.p, modulus), span_of(NULL, 0), &first);
    if (rv != CKR_OK && rv != CKR_ENCRYPTED_DATA_INVALID)
        return rv;
    good = rv == CKR_OK && (first.len == 16 || first.len == 24 || first.len == AES_KEY_MAX);
    if ((rv = load_aes(good ? span_of(first.p, first.len) : span_of(value, sizeof value), &aes)) == CKR_OK)
        rv = operation_compute(OPERATION_DECRYPT, &kwp_part, aes, span_of(wrapped.p + modulus, wrapped.len - modulus),
                               span_of(NULL, 0), out);
    secret_wipe(value, sizeof value);
    key_unref(aes);
    return rv == CKR_OK && !good ? CKR_ENCRYPTED_DATA_INVALID : rv;
}

static CK_RV settle(struct attributes *target, struct span plain)
{
    CK_RV rv = key_decode(target, plain);

    if (rv == CKR_OK)
        rv = key_complete(target);
    return rv == CKR_OK || rv == CKR_HOST_MEMORY || rv == CKR_DEVICE_ERROR ? rv : CKR_WRAPPED_KEY_INVALID;
}

CK_RV unwrap_key(const struct mechanism *m, struct key *kek, struct span wrapped, struct attributes *target)
{
    enum wrapping wrapping = wrapping_of(m->type);
    CK_OBJECT_CLASS class = attributes_ulong(target, CKA_CLASS, CKO_DATA);
    struct output plain = { .room = wrapped.len + RSA_LEN_MAX };
    CK_RV rv;

    if (wrapping == WRAPPING_NONE)
        return CKR_MECHANISM_INVALID;
    if (!attributes_has(target, CKA_CLASS) || !attributes_has(target, CKA_KEY_TYPE))
        return CKR_TEMPLATE_INCOMPLETE;
    if (class != CKO_SECRET_KEY && (class != CKO_PRIVATE_KEY || wrapping == WRAPPING_RSA))
        return CKR_TEMPLATE_INCONSISTENT;
    if (wrapped.len > DATA_MAX)
        return CKR_WRAPPED_KEY_LEN_RANGE;
    if ((plain.p = malloc(plain.room)) == NULL)
        return CKR_HOST_MEMORY;
    if (wrapping == WRAPPING_RSA_AES)
        rv = unwrap_rsa_aes(m, kek, wrapped, &plain);
    else
        rv = operation_compute(OPERATION_DECRYPT, m, kek, wrapped, span_of(NULL, 0), &plain);
    rv = rv == CKR_OK ? settle(target, span_of(plain.p, plain.len)) : unwrap_verdict(rv);
    secret_wipe(plain.p, plain.room);
    free(plain.p);
    return rv;
}
