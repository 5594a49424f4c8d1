#include "firmware/transfer.h"

#include "firmware/crypto/curve.h"

/* Parameter sets are numbered upwards by security category (FIPS 203 to 205): `each` for one of 1 or 2, 3, and 5. */
static unsigned category_strength(const struct attributes *a, CK_ULONG each)
{
    CK_ULONG category = (attributes_ulong(a, CKA_PARAMETER_SET, 0) - 1) / each;

    return category == 0 ? 128 : category == 1 ? 192 : 256;
}

/* Security strength in bits, SP 800-57 part 1, table 2. */
static unsigned strength(const struct object *o)
{
    const struct attributes *a = &o->attributes;
    unsigned modulus = (unsigned)attributes_get(a, CKA_MODULUS).len * 8;

    switch (o->key_type) {
    case CKK_RSA:
        return modulus >= 15360 ? 256 : modulus >= 7680 ? 192 : modulus >= 3072 ? 128 : modulus >= 2048 ? 112 : 80;
    case CKK_AES:
    case CKK_GENERIC_SECRET:
    case CKK_HKDF: {
        size_t bits = attributes_get(a, CKA_VALUE).len * 8;

        return bits > 256 ? 256 : (unsigned)bits;
    }
    case CKK_EC:
    case CKK_EC_EDWARDS:
    case CKK_EC_MONTGOMERY: {
        const struct curve *c = curve_by_params(o->key_type, attributes_get(a, CKA_EC_PARAMS));

        return c == NULL || c->bits >= 512 ? 256 : c->bits >= 384 ? 192 : 128;
    }
    case CKK_ML_DSA:
    case CKK_ML_KEM:
        return category_strength(a, 1);
    case CKK_SLH_DSA:
        return category_strength(a, 4);
    default:
        return 256;
    }
}

static bool authenticates(CK_MECHANISM_TYPE mechanism)
{
    return mechanism == CKM_AES_KEY_WRAP || mechanism == CKM_AES_KEY_WRAP_PAD || mechanism == CKM_AES_KEY_WRAP_KWP ||
           mechanism == CKM_RSA_PKCS_OAEP || mechanism == CKM_RSA_AES_KEY_WRAP;
}

/* A key that nobody has ever seen and that can only wrap, or one that the security officer vouches for. */
static bool is_safe_wrapper(const struct object *kek)
{
    const struct attributes *a = &kek->attributes;

    if ((kek->rights & (RIGHTS_OF_DATA | RIGHT_DERIVE)) != 0 || attributes_bool(a, CKA_EXTRACTABLE))
        return false; /* extractable: it could come back with other rights, and decrypt what it wrapped */
    return attributes_bool(a, CKA_TRUSTED) ||
           (kek->class == CKO_SECRET_KEY && attributes_bool(a, CKA_LOCAL) && attributes_bool(a, CKA_ALWAYS_SENSITIVE) &&
            attributes_bool(a, CKA_NEVER_EXTRACTABLE));
}

CK_RV transfer_check_wrap(enum policy policy, const struct object *kek, const struct object *target,
                          CK_MECHANISM_TYPE mechanism)
{
    const struct attributes *a = &target->attributes;

    if (target->class != CKO_PRIVATE_KEY && target->class != CKO_SECRET_KEY)
        return CKR_KEY_NOT_WRAPPABLE;
    if (!attributes_bool(a, CKA_EXTRACTABLE))
        return CKR_KEY_UNEXTRACTABLE;
    if (attributes_bool(a, CKA_WRAP_WITH_TRUSTED) && !attributes_bool(&kek->attributes, CKA_TRUSTED))
        return CKR_KEY_NOT_WRAPPABLE;
    if (!template_nested_met(&kek->attributes, CKA_WRAP_TEMPLATE, a))
        return CKR_KEY_NOT_WRAPPABLE;
    if (policy == POLICY_COMPATIBLE && !attributes_bool(a, CKA_SENSITIVE))
        return CKR_OK; /* its value can be read as it is */
    if (!authenticates(mechanism))
        return CKR_MECHANISM_INVALID;
    if (!is_safe_wrapper(kek))
        return CKR_KEY_NOT_WRAPPABLE;
    return strength(kek) < strength(target) ? CKR_WRAPPING_KEY_SIZE_RANGE : CKR_OK;
}

CK_RV transfer_apply_template(const struct object *key, CK_ATTRIBUTE_TYPE nested, struct attributes *template)
{
    struct span packed = attributes_get(&key->attributes, nested);
    struct attributes demands;
    CK_RV rv = CKR_OK;

    if (packed.len == 0)
        return CKR_OK;
    if (attributes_unpack(&demands, packed) != CKR_OK)
        return CKR_DEVICE_ERROR;
    for (unsigned i = 0; i < demands.count && rv == CKR_OK; i++) {
        const struct attribute *d = &demands.items[i];
        struct span value = span_of(d->p, d->len);

        if (!attributes_has(template, d->type))
            rv = attributes_set(template, d->type, value);
        else if (!span_equal(attributes_get(template, d->type), value))
            rv = CKR_TEMPLATE_INCONSISTENT;
    }
    attributes_clear(&demands);
    return rv;
}

CK_RV transfer_check_derive(const struct object *base, const struct attributes *template)
{
    const struct attributes *a = &base->attributes;
    bool readable = attributes_has(template, CKA_SENSITIVE) && !attributes_bool(template, CKA_SENSITIVE);

    if ((attributes_bool(a, CKA_SENSITIVE) && readable) ||
        (!attributes_bool(a, CKA_EXTRACTABLE) && attributes_bool(template, CKA_EXTRACTABLE)))
        return CKR_TEMPLATE_INCONSISTENT;
    return CKR_OK;
}

CK_RV transfer_check_unwrap(enum policy policy, const struct object *kek, CK_MECHANISM_TYPE mechanism,
                            struct attributes *template)
{
    CK_RV rv;

    /* Without authentication, whether an unwrap succeeds tells of the plaintext, byte by byte. PKCS#1 v1.5 fails for no
     * padding here (implicit rejection), so stock tools may have it; CBC padding is closed to everybody. */
    if (!authenticates(mechanism) && !(policy == POLICY_COMPATIBLE && mechanism == CKM_RSA_PKCS))
        return CKR_MECHANISM_INVALID;
    if ((rv = transfer_apply_template(kek, CKA_UNWRAP_TEMPLATE, template)) != CKR_OK)
        return rv;
    /* What is unwrapped is never readable: its value was another's. */
    if ((attributes_has(template, CKA_SENSITIVE) && !attributes_bool(template, CKA_SENSITIVE)) ||
        attributes_bool(template, CKA_EXTRACTABLE))
        return policy == POLICY_STRICT ? CKR_TEMPLATE_INCONSISTENT : attributes_set_bool(template, CKA_SENSITIVE, true);
    return CKR_OK;
}
