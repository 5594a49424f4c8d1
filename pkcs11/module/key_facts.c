#include "pkcs11/module/key_facts.h"

static const uint64_t asked[] = {
    CKA_CLASS,
    CKA_KEY_TYPE,
    CKA_ENCRYPT,
    CKA_DECRYPT,
    CKA_SIGN,
    CKA_VERIFY,
    CKA_SIGN_RECOVER,
    CKA_VERIFY_RECOVER,
    CKA_MODULUS,
    CKA_EC_PARAMS,
    CKA_PARAMETER_SET,
    CKA_ALWAYS_AUTHENTICATE,
    CKA_ALLOWED_MECHANISMS,
};
enum {
    AT_CLASS,
    AT_KEY_TYPE,
    AT_USES, /* six, in the order of `uses` */
    AT_MODULUS = AT_USES + 6,
    AT_EC_PARAMS,
    AT_PARAMETER_SET,
    AT_ALWAYS_AUTHENTICATE,
    AT_ALLOWED_MECHANISMS,
    AT_COUNT_
};
static const enum operation_kind uses[] = { OPERATION_ENCRYPT, OPERATION_DECRYPT,      OPERATION_SIGN,
                                            OPERATION_VERIFY,  OPERATION_SIGN_RECOVER, OPERATION_VERIFY_RECOVER };

/* Curves by the DER of their CKA_EC_PARAMS: bits of the order, or of the encoded key for Edwards curves. A curve that
 * is not here only lacks its exact signature length. */
static const struct {
    const char *der;
    uint8_t len;
    unsigned bits;
} curves[] = {
    { "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", 10, 256 }, /* P-256 */
    { "\x06\x05\x2b\x81\x04\x00\x22", 7, 384 },              /* P-384 */
    { "\x06\x05\x2b\x81\x04\x00\x23", 7, 521 },              /* P-521 */
    { "\x06\x05\x2b\x81\x04\x00\x0a", 7, 256 },              /* secp256k1 */
    { "\x06\x03\x2b\x65\x70", 5, 256 },                      /* Ed25519 */
    { "\x06\x03\x2b\x65\x71", 5, 456 },                      /* Ed448 */
    { "\x13\x0c"
      "edwards25519",
      14, 256 },
    { "\x13\x0a"
      "edwards448",
      12, 456 },
};

static unsigned curve_bits(struct span der)
{
    for (unsigned i = 0; i < ARRAY_LEN(curves); i++)
        if (span_equal(der, span_of(curves[i].der, curves[i].len)))
            return curves[i].bits;
    return 0;
}

static CK_ULONG read_number(const Ks__Attribute *a, CK_ULONG otherwise)
{
    CK_ULONG v = otherwise;

    if (a->state == 0 && a->value.len == sizeof v)
        memcpy(&v, a->value.data, sizeof v);
    return v;
}

static bool read_flag(const Ks__Attribute *a)
{
    return a->state == 0 && a->value.len == 1 && a->value.data[0] != 0;
}

static unsigned read_bits(Ks__Attribute *const *a)
{
    if (a[AT_MODULUS]->state == 0 && a[AT_MODULUS]->value.len > 0)
        return (unsigned)a[AT_MODULUS]->value.len * 8;
    if (a[AT_EC_PARAMS]->state == 0)
        return curve_bits(span_of(a[AT_EC_PARAMS]->value.data, a[AT_EC_PARAMS]->value.len));
    return (unsigned)read_number(a[AT_PARAMETER_SET], 0);
}

static void read_mechanisms(const Ks__Attribute *a, struct key_summary *k)
{
    k->mechanism_count = KEY_MECHANISMS_UNKNOWN;
    /* An empty list is "no restriction" to some tokens and "none" to others: that is for the keystore to decide. */
    if (a->state != 0 || a->value.len == 0 || a->value.len > sizeof k->mechanisms)
        return;
    k->mechanism_count = (unsigned)(a->value.len / sizeof k->mechanisms[0]);
    memcpy(k->mechanisms, a->value.data, k->mechanism_count * sizeof k->mechanisms[0]);
}

static CK_RV read_answer(const Ks__Template *t, struct key_summary *k)
{
    Ks__Attribute *const *a = t->attributes;

    if (t->n_attributes != AT_COUNT_)
        return CKR_DEVICE_ERROR;
    k->class = read_number(a[AT_CLASS], CKO_DATA);
    if (k->class != CKO_PUBLIC_KEY && k->class != CKO_PRIVATE_KEY && k->class != CKO_SECRET_KEY)
        return CKR_KEY_HANDLE_INVALID;
    k->type = read_number(a[AT_KEY_TYPE], NO_KEY);
    for (unsigned i = 0; i < ARRAY_LEN(uses); i++)
        k->uses |= read_flag(a[AT_USES + i]) ? BIT(uses[i]) : 0;
    k->bits = read_bits(a);
    k->always_authenticate = read_flag(a[AT_ALWAYS_AUTHENTICATE]);
    read_mechanisms(a[AT_ALLOWED_MECHANISMS], k);
    return CKR_OK;
}

CK_RV key_facts_get(struct session *s, CK_OBJECT_HANDLE key, struct key_summary *out)
{
    Ks__GetAttributes request = KS__GET_ATTRIBUTES__INIT;
    uint64_t types[AT_COUNT_], epoch;
    struct reply reply;
    CK_RV rv;

    if (key_cache_get(&s->slot->keys, s->generation, key, out, &epoch))
        return CKR_OK;
    memcpy(types, asked, sizeof types);
    request.session = s->number;
    request.object = key;
    request.types = types;
    request.n_types = AT_COUNT_;
    *out = (struct key_summary){ .handle = key, .generation = s->generation };
    if ((rv = session_call(s, MESSAGE_GET_ATTRIBUTES, &request.base, CALL_MS, &reply)) == CKR_OK &&
        (rv = read_answer((const Ks__Template *)reply.message, out)) == CKR_OK)
        key_cache_put(&s->slot->keys, out, epoch);
    reply_done(&reply);
    return rv == CKR_OBJECT_HANDLE_INVALID ? CKR_KEY_HANDLE_INVALID : rv;
}

static bool is_secret_type(CK_KEY_TYPE type)
{
    return type != CKK_RSA && type != CKK_EC && type != CKK_EC_EDWARDS && type != CKK_ML_DSA && type != CKK_SLH_DSA;
}

/* Of the MACs that are no HMAC, all take AES keys. */
static bool is_hmac(const struct mechanism_shape *shape)
{
    return (shape->rule == LENGTH_FIXED || shape->rule == LENGTH_NUMBER) && shape->key_type != CKK_AES;
}

static bool type_fits(const struct key_summary *k, const struct mechanism_shape *shape)
{
    /* 3.0, 2.20: an HMAC takes generic secrets and keys of its own type. */
    return shape->key_type == ANY_SECRET_KEY || k->type == shape->key_type ||
           (is_hmac(shape) && k->type == CKK_GENERIC_SECRET);
}

static bool class_fits(const struct key_summary *k, enum operation_kind kind, const struct mechanism_shape *shape)
{
    if (is_secret_type(shape->key_type))
        return k->class == CKO_SECRET_KEY;
    return k->class == (kind == OPERATION_SIGN || kind == OPERATION_DECRYPT || kind == OPERATION_SIGN_RECOVER
                            ? CKO_PRIVATE_KEY
                            : CKO_PUBLIC_KEY);
}

CK_RV key_facts_permit(const struct key_summary *k, enum operation_kind kind, const struct mechanism_shape *shape,
                       CK_MECHANISM_TYPE type)
{
    if (!type_fits(k, shape))
        return CKR_KEY_TYPE_INCONSISTENT;
    if ((k->uses & BIT(kind)) == 0)
        return CKR_KEY_FUNCTION_NOT_PERMITTED;
    if (!class_fits(k, kind, shape))
        return CKR_KEY_TYPE_INCONSISTENT;
    if (k->mechanism_count == KEY_MECHANISMS_UNKNOWN)
        return CKR_OK;
    for (unsigned i = 0; i < k->mechanism_count; i++)
        if (k->mechanisms[i] == type)
            return CKR_OK;
    return CKR_MECHANISM_INVALID;
}
