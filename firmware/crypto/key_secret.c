#include "firmware/base/secret.h"
#include "firmware/crypto/entropy.h"
#include "firmware/crypto/key_inside.h"
#include "firmware/wire/limits.h"

static bool is_aes_len(size_t len)
{
    return len == 16 || len == 24 || len == 32;
}

bool key_type_is_secret(CK_KEY_TYPE type)
{
    return type == CKK_AES || type == CKK_GENERIC_SECRET || type == CKK_HKDF ||
           (type >= CKK_SHA_1_HMAC && type <= CKK_SHA224_HMAC && type != CKK_RIPEMD128_HMAC &&
            type != CKK_RIPEMD160_HMAC);
}

static bool fits(CK_KEY_TYPE type, size_t len)
{
    return type == CKK_AES ? is_aes_len(len) : len > 0 && len <= ATTRIBUTE_VALUE_MAX;
}

CK_RV secret_load(const struct attributes *a, struct key *k)
{
    struct span value = attributes_get(a, CKA_VALUE);

    if (!key_type_is_secret(k->type) || !fits(k->type, value.len))
        return CKR_ATTRIBUTE_VALUE_INVALID;
    if ((k->secret = malloc(value.len)) == NULL)
        return CKR_HOST_MEMORY;
    memcpy(k->secret, value.p, value.len);
    k->secret_len = value.len;
    k->bits = (unsigned)(8 * value.len);
    return CKR_OK;
}

CK_RV secret_complete(struct attributes *a)
{
    CK_KEY_TYPE type = attributes_ulong(a, CKA_KEY_TYPE, CKK_VENDOR_DEFINED);
    struct span value = attributes_get(a, CKA_VALUE);

    if (!attributes_has(a, CKA_VALUE))
        return CKR_TEMPLATE_INCOMPLETE;
    if (!key_type_is_secret(type) || value.len == 0)
        return CKR_ATTRIBUTE_VALUE_INVALID;
    if (!fits(type, value.len))
        return CKR_KEY_SIZE_RANGE;
    if (attributes_has(a, CKA_VALUE_LEN) && attributes_ulong(a, CKA_VALUE_LEN, 0) != value.len)
        return CKR_TEMPLATE_INCONSISTENT;
    return attributes_set_ulong(a, CKA_VALUE_LEN, value.len);
}

static CK_KEY_TYPE generated_type(const struct mechanism *m, const struct attributes *secret)
{
    switch (m->type) {
    case CKM_AES_KEY_GEN:
        return CKK_AES;
    case CKM_HKDF_KEY_GEN:
        return CKK_HKDF;
    case CKM_GENERIC_SECRET_KEY_GEN: /* any type that takes any bytes (PKCS#11 3.0, 2.7.4) */
        return attributes_ulong(secret, CKA_KEY_TYPE, CKK_GENERIC_SECRET);
    default:
        return CKK_VENDOR_DEFINED;
    }
}

CK_RV key_generate_secret(const struct mechanism *m, struct attributes *secret)
{
    CK_KEY_TYPE type = generated_type(m, secret);
    CK_ULONG len = attributes_ulong(secret, CKA_VALUE_LEN, 0);
    uint8_t value[ATTRIBUTE_VALUE_MAX];
    CK_RV rv;

    if (type == CKK_VENDOR_DEFINED)
        return CKR_MECHANISM_INVALID;
    if (!key_type_is_secret(type) || (type == CKK_AES && m->type != CKM_AES_KEY_GEN) ||
        attributes_ulong(secret, CKA_CLASS, CKO_SECRET_KEY) != CKO_SECRET_KEY ||
        attributes_ulong(secret, CKA_KEY_TYPE, type) != type)
        return CKR_TEMPLATE_INCONSISTENT;
    if (!attributes_has(secret, CKA_VALUE_LEN))
        return CKR_TEMPLATE_INCOMPLETE;
    if (!fits(type, len))
        return CKR_KEY_SIZE_RANGE;
    if (entropy_draw(value, len) != ST_OK)
        return CKR_DEVICE_ERROR;
    if ((rv = attributes_set_ulong(secret, CKA_CLASS, CKO_SECRET_KEY)) == CKR_OK &&
        (rv = attributes_set_ulong(secret, CKA_KEY_TYPE, type)) == CKR_OK)
        rv = attributes_set(secret, CKA_VALUE, span_of(value, len));
    secret_wipe(value, len);
    return rv;
}
