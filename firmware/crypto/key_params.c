#include <openssl/err.h>

#include "firmware/base/secret.h"
#include "firmware/crypto/key_inside.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "OSSL_PARAM numbers are in the order of the machine");

void key_params_begin(struct key_params *p)
{
    p->count = 0;
    p->used = 0;
    p->failed = false;
}

static void add(struct key_params *p, OSSL_PARAM param)
{
    if (p->count == ARRAY_LEN(p->list) - 1)
        p->failed = true;
    else
        p->list[p->count++] = param;
}

void key_params_number(struct key_params *p, const char *name, struct span big_endian)
{
    uint8_t *to = p->memory + p->used;

    if (big_endian.len == 0 || big_endian.len > sizeof p->memory - p->used) {
        p->failed = true;
        return;
    }
    for (size_t i = 0; i < big_endian.len; i++)
        to[i] = big_endian.p[big_endian.len - 1 - i];
    p->used += big_endian.len;
    add(p, OSSL_PARAM_construct_BN(name, to, big_endian.len));
}

void key_params_octets(struct key_params *p, const char *name, struct span octets)
{
    add(p, OSSL_PARAM_construct_octet_string(name, (void *)octets.p, octets.len));
}

void key_params_text(struct key_params *p, const char *name, const char *text)
{
    add(p, OSSL_PARAM_construct_utf8_string(name, (char *)text, 0));
}

CK_RV key_params_make(struct key_params *p, const char *type, bool private, EVP_PKEY **out)
{
    EVP_PKEY_CTX *context = NULL;
    CK_RV rv = CKR_ATTRIBUTE_VALUE_INVALID;

    *out = NULL;
    p->list[p->count] = OSSL_PARAM_construct_end();
    if (!p->failed && (context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL)) != NULL &&
        EVP_PKEY_fromdata_init(context) == 1 &&
        EVP_PKEY_fromdata(context, out, private ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, p->list) == 1)
        rv = CKR_OK;
    else
        ERR_clear_error();
    EVP_PKEY_CTX_free(context);
    secret_wipe(p->memory, p->used);
    return rv;
}

CK_RV key_octets_attribute(EVP_PKEY *pkey, const char *name, struct attributes *a, CK_ATTRIBUTE_TYPE type)
{
    uint8_t value[8 * 1024]; /* ML-DSA-87: 4,896 */
    size_t len;
    CK_RV rv = CKR_DEVICE_ERROR;

    if (EVP_PKEY_get_octet_string_param(pkey, name, value, sizeof value, &len) == 1) {
        rv = attributes_set(a, type, span_of(value, len));
        secret_wipe(value, len);
    }
    return rv;
}

CK_RV key_set_point(struct attributes *a, struct span point)
{
    uint8_t der[3 + CURVE_POINT_MAX];
    struct der_writer w;

    der_begin(&w, der, sizeof der);
    der_put_element(&w, DER_OCTETS, point);
    return attributes_set(a, CKA_EC_POINT, der_written(&w));
}

CK_RV key_settle(struct attributes *a, CK_ATTRIBUTE_TYPE type, struct span value)
{
    struct span given = attributes_get(a, type);

    if (given.p == NULL || given.len == 0)
        return attributes_set(a, type, value);
    return secret_equal(given, value) ? CKR_OK : CKR_ATTRIBUTE_VALUE_INVALID;
}

struct span key_number(const struct attributes *a, CK_ATTRIBUTE_TYPE type)
{
    struct span n = attributes_get(a, type);

    while (n.len > 0 && n.p[0] == 0)
        n = span_of(n.p + 1, n.len - 1);
    return n;
}

unsigned key_number_bits(struct span n)
{
    while (n.len > 0 && n.p[0] == 0)
        n = span_of(n.p + 1, n.len - 1);
    return n.len == 0 ? 0 : (unsigned)(8 * (n.len - 1)) + 32 - (unsigned)__builtin_clz(n.p[0]);
}
