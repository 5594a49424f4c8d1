#include "firmware/base/secret.h"
#include "firmware/crypto/key_inside.h"

/* Private keys as PKCS#8 (RFC 5208, 5958) and public ones as SubjectPublicKeyInfo (RFC 5280), written and read here:
 * libcrypto's encoders and decoders are slow and leave copies of keys behind. Inside: RSA RFC 8017 A.1, EC RFC 5915 and
 * 5480, Edwards and Montgomery RFC 8410, ML-DSA RFC 9881, ML-KEM RFC 9935, SLH-DSA RFC 9909. */

#define OVERHEAD 256 /* tags, lengths and OIDs of any of them */

static const uint8_t oid_rsa[] = { 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01 };
static const uint8_t oid_ec[] = { 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01 };
static const uint8_t oid_nist[] = { 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04 }; /* and two arcs more */
static const uint8_t null[] = { DER_NULL, 0 };
#define SPAN(array) span_of(array, sizeof(array))

static const CK_ATTRIBUTE_TYPE rsa_numbers[] = {
    CKA_MODULUS, CKA_PUBLIC_EXPONENT, CKA_PRIVATE_EXPONENT, CKA_PRIME_1,
    CKA_PRIME_2, CKA_EXPONENT_1,      CKA_EXPONENT_2,       CKA_COEFFICIENT
};

static CK_KEY_TYPE type_of(const struct attributes *a)
{
    return attributes_ulong(a, CKA_KEY_TYPE, CKK_VENDOR_DEFINED);
}

static const struct curve *curve_of(const struct attributes *a)
{
    return curve_by_params(type_of(a), attributes_get(a, CKA_EC_PARAMS));
}

static struct span point_of(const struct attributes *a)
{
    const struct curve *c = curve_of(a);

    return c != NULL ? curve_point(c, attributes_get(a, CKA_EC_POINT)) : span_of(NULL, 0);
}

static const struct pqc_set *set_of(const struct attributes *a)
{
    return pqc_set(type_of(a), attributes_ulong(a, CKA_PARAMETER_SET, 0));
}

/* Writing, from the end. False: an attribute is missing. */

static bool put_algorithm(struct der_writer *w, const struct attributes *a)
{
    CK_KEY_TYPE type = type_of(a);
    const struct curve *c = curve_of(a);
    const struct pqc_set *set = set_of(a);
    size_t mark = der_mark(w);

    if (type == CKK_RSA) {
        der_put(w, SPAN(null));
        der_put(w, SPAN(oid_rsa));
    } else if (c != NULL) {
        der_put(w, c->oid);
        if (type == CKK_EC)
            der_put(w, SPAN(oid_ec));
    } else if (set != NULL) {
        der_put(w, SPAN(set->oid));
        der_put(w, SPAN(oid_nist));
    } else {
        return false;
    }
    der_wrap(w, DER_SEQUENCE, mark);
    return true;
}

static bool put_rsa(struct der_writer *w, const struct attributes *a, unsigned count)
{
    size_t mark = der_mark(w);

    for (unsigned i = count; i-- > 0;) {
        if (!attributes_has(a, rsa_numbers[i]))
            return false;
        der_put_number(w, attributes_get(a, rsa_numbers[i]));
    }
    if (count == ARRAY_LEN(rsa_numbers))
        der_put_number(w, span_of(NULL, 0)); /* version: two primes */
    der_wrap(w, DER_SEQUENCE, mark);
    return true;
}

static bool put_ec(struct der_writer *w, const struct attributes *a)
{
    static const uint8_t version[] = { 1 };
    struct span point = point_of(a);
    size_t mark = der_mark(w), inner = mark;

    if (point.p != NULL) {
        der_put_bits(w, point);
        der_wrap(w, DER_CONTEXT(1), inner);
    }
    der_put_element(w, DER_OCTETS, attributes_get(a, CKA_VALUE));
    der_put_number(w, SPAN(version));
    der_wrap(w, DER_SEQUENCE, mark);
    return true;
}

static bool put_pqc(struct der_writer *w, const struct attributes *a)
{
    struct span seed = attributes_get(a, CKA_SEED);
    size_t mark = der_mark(w);

    if (type_of(a) == CKK_SLH_DSA) {
        der_put(w, attributes_get(a, CKA_VALUE));
        return true;
    }
    der_put_element(w, DER_OCTETS, attributes_get(a, CKA_VALUE));
    if (seed.len > 0) {
        der_put_element(w, DER_OCTETS, seed);
        der_wrap(w, DER_SEQUENCE, mark);
    }
    return true;
}

static bool put_private(struct der_writer *w, const struct attributes *a)
{
    if (type_of(a) == CKK_RSA)
        return put_rsa(w, a, ARRAY_LEN(rsa_numbers));
    if (!attributes_has(a, CKA_VALUE))
        return false;
    if (type_of(a) == CKK_EC)
        return put_ec(w, a);
    if (curve_of(a) == NULL)
        return put_pqc(w, a);
    der_put_element(w, DER_OCTETS, attributes_get(a, CKA_VALUE));
    return true;
}

size_t key_encoded_max(const struct attributes *a)
{
    size_t room = OVERHEAD;

    for (unsigned i = 0; i < ARRAY_LEN(rsa_numbers); i++)
        room += attributes_get(a, rsa_numbers[i]).len;
    return room + attributes_get(a, CKA_VALUE).len + attributes_get(a, CKA_SEED).len +
           attributes_get(a, CKA_EC_POINT).len;
}

static CK_RV encode_pair(struct der_writer *w, const struct attributes *a)
{
    size_t mark = der_mark(w);

    if (!put_private(w, a))
        return CKR_TEMPLATE_INCOMPLETE;
    der_wrap(w, DER_OCTETS, mark);
    if (!put_algorithm(w, a))
        return CKR_TEMPLATE_INCOMPLETE;
    der_put_number(w, span_of(NULL, 0));
    der_wrap(w, DER_SEQUENCE, mark);
    return w->failed ? CKR_DEVICE_ERROR : CKR_OK;
}

CK_RV key_encode(const struct attributes *a, uint8_t **out, size_t *len)
{
    struct span secret = attributes_get(a, CKA_VALUE);
    bool is_secret = attributes_ulong(a, CKA_CLASS, CKO_DATA) == CKO_SECRET_KEY;
    size_t room = key_encoded_max(a);
    struct der_writer w;
    CK_RV rv = CKR_OK;

    *len = 0;
    if ((*out = malloc(room)) == NULL)
        return CKR_HOST_MEMORY;
    der_begin(&w, *out, room);
    if (is_secret)
        der_put(&w, secret);
    else
        rv = encode_pair(&w, a);
    if (rv == CKR_OK) {
        *len = der_written(&w).len;
        memmove(*out, der_written(&w).p, *len);
        secret_wipe(*out + *len, room - *len);
    } else {
        secret_wipe(*out, room);
        free(*out);
        *out = NULL;
    }
    return rv;
}

/* Reading. False: it is not that. */

static bool starts_with_oid(struct span *in, struct span oid)
{
    if (!span_starts_with(*in, oid))
        return false;
    *in = span_of(in->p + oid.len, in->len - oid.len);
    return true;
}

/* The AlgorithmIdentifier's content. What the template says of curve or parameter set must be the same; else it is
 * set. */
static CK_RV take_algorithm(struct span in, struct attributes *a)
{
    const struct pqc_set *set;
    const struct curve *c;
    CK_KEY_TYPE type = type_of(a);

    if (type == CKK_RSA)
        return starts_with_oid(&in, SPAN(oid_rsa)) && span_equal(in, SPAN(null)) ? CKR_OK : CKR_WRAPPED_KEY_INVALID;
    if (type == CKK_EC || type == CKK_EC_EDWARDS || type == CKK_EC_MONTGOMERY) {
        if ((type == CKK_EC && !starts_with_oid(&in, SPAN(oid_ec))) || (c = curve_by_params(type, in)) == NULL)
            return CKR_WRAPPED_KEY_INVALID;
        if (attributes_has(a, CKA_EC_PARAMS))
            return curve_of(a) == c ? CKR_OK : CKR_WRAPPED_KEY_INVALID;
        return attributes_set(a, CKA_EC_PARAMS, c->oid);
    }
    if (!starts_with_oid(&in, SPAN(oid_nist)) || (set = pqc_set_by_oid(type, in)) == NULL ||
        attributes_ulong(a, CKA_PARAMETER_SET, set->set) != set->set)
        return CKR_WRAPPED_KEY_INVALID;
    return attributes_set_ulong(a, CKA_PARAMETER_SET, set->set);
}

static CK_RV take_rsa(struct span in, struct attributes *a)
{
    struct span body, n;
    CK_RV rv = CKR_OK;

    if (!der_take(&in, DER_SEQUENCE, &body) || in.len != 0 || !der_take_number(&body, &n) || n.len != 0)
        return CKR_WRAPPED_KEY_INVALID;
    for (unsigned i = 0; i < ARRAY_LEN(rsa_numbers) && rv == CKR_OK; i++)
        rv = der_take_number(&body, &n) ? attributes_set(a, rsa_numbers[i], n) : CKR_WRAPPED_KEY_INVALID;
    return rv == CKR_OK && body.len != 0 ? CKR_WRAPPED_KEY_INVALID : rv;
}

static CK_RV take_ec(struct span in, struct attributes *a)
{
    struct span body, n, value, part;

    if (!der_take(&in, DER_SEQUENCE, &body) || in.len != 0 || !der_take_number(&body, &n) || n.len != 1 ||
        n.p[0] != 1 || !der_take(&body, DER_OCTETS, &value))
        return CKR_WRAPPED_KEY_INVALID;
    if (der_take(&body, DER_CONTEXT(0), &part) && curve_by_params(CKK_EC, part) != curve_of(a))
        return CKR_WRAPPED_KEY_INVALID;
    if (der_take(&body, DER_CONTEXT(1), &part)) {
        struct span point;

        if (!der_take_bits(&part, &point) || part.len != 0 || attributes_set(a, CKA_EC_POINT, point) != CKR_OK)
            return CKR_WRAPPED_KEY_INVALID;
    }
    return body.len == 0 ? attributes_set(a, CKA_VALUE, value) : CKR_WRAPPED_KEY_INVALID;
}

/* RFC 9881, 6 and RFC 9935, 6: the seed ([0] IMPLICIT), the expanded key, or both. */
static CK_RV take_pqc(struct span in, struct attributes *a)
{
    struct span body = in, seed = { 0 }, value = { 0 };
    CK_RV rv = CKR_OK;

    if (type_of(a) == CKK_SLH_DSA)
        return attributes_set(a, CKA_VALUE, in);
    if (der_take(&in, DER_SEQUENCE, &body)) {
        if (in.len != 0 || !der_take(&body, DER_OCTETS, &seed) || !der_take(&body, DER_OCTETS, &value))
            return CKR_WRAPPED_KEY_INVALID;
    } else if (!der_take(&body, DER_CONTEXT_PRIMITIVE(0), &seed) && !der_take(&body, DER_OCTETS, &value)) {
        return CKR_WRAPPED_KEY_INVALID;
    }
    if (body.len != 0)
        return CKR_WRAPPED_KEY_INVALID;
    if (seed.p != NULL)
        rv = attributes_set(a, CKA_SEED, seed);
    return rv == CKR_OK && value.p != NULL ? attributes_set(a, CKA_VALUE, value) : rv;
}

static CK_RV take_private(struct span in, struct attributes *a)
{
    struct span seed;

    switch (type_of(a)) {
    case CKK_RSA:
        return take_rsa(in, a);
    case CKK_EC:
        return take_ec(in, a);
    case CKK_EC_EDWARDS:
    case CKK_EC_MONTGOMERY:
        return der_take(&in, DER_OCTETS, &seed) && in.len == 0 ? attributes_set(a, CKA_VALUE, seed)
                                                               : CKR_WRAPPED_KEY_INVALID;
    default:
        return take_pqc(in, a);
    }
}

/* [0] attributes, which we have no use for, and [1] the public key (RFC 5958), which must be that of a curve. */
static CK_RV take_rest(struct span in, bool version_2, struct attributes *a)
{
    struct span part, point;

    (void)der_take(&in, DER_CONTEXT(0), &part);
    if (in.len == 0)
        return CKR_OK;
    if (!version_2 || curve_of(a) == NULL || !der_take(&in, DER_CONTEXT_PRIMITIVE(1), &part) || in.len != 0 ||
        part.len < 2 || part.p[0] != 0)
        return CKR_WRAPPED_KEY_INVALID;
    point = span_of(part.p + 1, part.len - 1);
    return attributes_set(a, CKA_EC_POINT, point);
}

CK_RV key_decode(struct attributes *a, struct span encoded)
{
    struct span body, version, algorithm, inner;
    CK_RV rv;

    if (attributes_ulong(a, CKA_CLASS, CKO_DATA) == CKO_SECRET_KEY)
        return attributes_set(a, CKA_VALUE, encoded);
    if (!der_take(&encoded, DER_SEQUENCE, &body) || encoded.len != 0 || !der_take_number(&body, &version) ||
        version.len > 1 || (version.len == 1 && version.p[0] != 1) || !der_take(&body, DER_SEQUENCE, &algorithm) ||
        !der_take(&body, DER_OCTETS, &inner))
        return CKR_WRAPPED_KEY_INVALID;
    if ((rv = take_algorithm(algorithm, a)) != CKR_OK || (rv = take_private(inner, a)) != CKR_OK)
        return rv;
    return take_rest(body, version.len == 1, a);
}

static CK_RV put_public(struct der_writer *w, const struct attributes *a)
{
    struct attributes made = { 0 };
    struct key *k = NULL;
    CK_RV rv = CKR_OK;

    if (type_of(a) == CKK_RSA)
        return put_rsa(w, a, 2) ? CKR_OK : CKR_TEMPLATE_INCOMPLETE;
    if (curve_of(a) != NULL) {
        der_put(w, point_of(a));
        return point_of(a).p != NULL ? CKR_OK : CKR_TEMPLATE_INCOMPLETE;
    }
    if (attributes_ulong(a, CKA_CLASS, CKO_DATA) == CKO_PUBLIC_KEY) {
        der_put(w, attributes_get(a, CKA_VALUE));
        return CKR_OK;
    }
    if ((rv = key_load(a, &k)) == CKR_OK && (rv = key_octets_attribute(k->pkey, "pub", &made, CKA_VALUE)) == CKR_OK)
        der_put(w, attributes_get(&made, CKA_VALUE));
    attributes_clear(&made);
    key_unref(k);
    return rv;
}

CK_RV key_add_public_info(struct attributes *a)
{
    uint8_t memory[OVERHEAD + 4 * 1024]; /* ML-DSA-87: 2,592; RSA-8192: 1,060 */
    struct der_writer w;
    CK_RV rv;

    if (attributes_has(a, CKA_PUBLIC_KEY_INFO))
        return CKR_OK;
    der_begin(&w, memory, sizeof memory);
    if ((rv = put_public(&w, a)) != CKR_OK)
        return rv;
    der_put(&w, span_of("", 1)); /* no unused bits */
    der_wrap(&w, DER_BITS, sizeof memory);
    if (!put_algorithm(&w, a))
        return CKR_TEMPLATE_INCOMPLETE;
    der_wrap(&w, DER_SEQUENCE, sizeof memory);
    return w.failed ? CKR_DEVICE_ERROR : attributes_set(a, CKA_PUBLIC_KEY_INFO, der_written(&w));
}
