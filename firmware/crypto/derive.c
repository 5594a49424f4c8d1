#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "firmware/base/secret.h"
#include "firmware/crypto/hash.h"
#include "firmware/crypto/key_inside.h"
#include "firmware/crypto/transport.h"
#include "firmware/wire/limits.h"

/* A derived key that is short could be found by trying, and after it, byte by byte, a longer one from the same secret
 * (THREATS.md 5.7). 112 bits is SP 800-131A's floor. */
#define DERIVED_MIN 14

/* How long the derived key will be, at most `max`; `whole` when neither the template nor the type says: 0 for none. */
static CK_RV derived_len(const struct attributes *target, size_t max, size_t whole, size_t *len)
{
    *len = attributes_ulong(target, CKA_VALUE_LEN, whole);
    if (attributes_ulong(target, CKA_CLASS, CKO_DATA) != CKO_SECRET_KEY)
        return CKR_TEMPLATE_INCONSISTENT;
    if (!attributes_has(target, CKA_KEY_TYPE) || *len == 0)
        return CKR_TEMPLATE_INCOMPLETE;
    return *len >= DERIVED_MIN && *len <= max ? CKR_OK : CKR_KEY_SIZE_RANGE;
}

static CK_RV settle(struct attributes *target, struct span value)
{
    CK_RV rv = attributes_set(target, CKA_VALUE, value);

    return rv == CKR_OK ? key_complete(target) : rv;
}

static bool run_kdf(const char *name, const OSSL_PARAM *params, uint8_t *out, size_t len)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, name, NULL);
    EVP_KDF_CTX *context = EVP_KDF_CTX_new(kdf);
    bool ok = context != NULL && EVP_KDF_derive(context, out, len, params) == 1;

    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
    ERR_clear_error();
    return ok;
}

/* The peer's point, which libcrypto checks to lie on the curve; all our groups of that form have a prime order. */
static CK_RV load_peer(const struct curve *c, struct span data, EVP_PKEY **out)
{
    struct span point = curve_point(c, data);
    struct key_params params;

    *out = NULL;
    if (point.p == NULL)
        return CKR_MECHANISM_PARAM_INVALID;
    key_params_begin(&params);
    if (c->type == CKK_EC)
        key_params_text(&params, OSSL_PKEY_PARAM_GROUP_NAME, c->name);
    key_params_octets(&params, OSSL_PKEY_PARAM_PUB_KEY, point);
    return key_params_make(&params, c->type == CKK_EC ? "EC" : c->name, false, out) == CKR_OK
               ? CKR_OK
               : CKR_MECHANISM_PARAM_INVALID;
}

/* The shared secret Z: x of the shared point, as long as the field. For X25519 libcrypto refuses the zeros that a point
 * of low order gives (RFC 7748, 6.1). */
static CK_RV agree(const struct key *base, struct span data, uint8_t z[CURVE_SCALAR_MAX], size_t *len)
{
    EVP_PKEY_CTX *context = NULL;
    EVP_PKEY *peer;
    CK_RV rv = load_peer(base->curve, data, &peer);

    *len = CURVE_SCALAR_MAX;
    if (rv == CKR_OK &&
        ((context = EVP_PKEY_CTX_new_from_pkey(NULL, base->pkey, NULL)) == NULL || EVP_PKEY_derive_init(context) != 1 ||
         EVP_PKEY_derive_set_peer_ex(context, peer, 0) != 1 || EVP_PKEY_derive(context, z, len) != 1))
        rv = CKR_MECHANISM_PARAM_INVALID;
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(peer);
    ERR_clear_error();
    return rv;
}

/* X9.63, 5.6.3, or SEC 1, 3.6.1. */
static bool x963(const struct hash *h, struct span z, struct span shared, uint8_t *out, size_t len)
{
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)h->name, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)z.p, z.len),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)shared.p, shared.len),
        OSSL_PARAM_construct_end(),
    };

    return run_kdf("X963KDF", params, out, len);
}

static CK_RV derive_ecdh(const struct mechanism *m, struct key *base, struct attributes *target)
{
    const struct hash *h = hash_by_kdf(m->number);
    uint8_t z[CURVE_SCALAR_MAX], made[ATTRIBUTE_VALUE_MAX];
    size_t z_len, len = 0;
    CK_RV rv;

    if (base->class != CKO_PRIVATE_KEY ||
        (base->type != CKK_EC && (base->type != CKK_EC_MONTGOMERY || m->type != CKM_ECDH1_DERIVE)))
        return CKR_KEY_TYPE_INCONSISTENT;
    if ((h == NULL && (m->number != CKD_NULL || m->aad.len > 0)) || m->aad.len > MECHANISM_PART_MAX)
        return CKR_MECHANISM_PARAM_INVALID;
    if ((rv = derived_len(target, h == NULL ? base->curve->scalar_len : sizeof made,
                          h == NULL ? base->curve->scalar_len : 0, &len)) != CKR_OK ||
        (rv = agree(base, m->data, z, &z_len)) != CKR_OK)
        return rv;
    if (h == NULL) /* PKCS#11 3.0, 2.3.17: what is too much is removed from the leading end */
        rv = settle(target, span_of(z + z_len - len, len));
    else if (x963(h, span_of(z, z_len), m->aad, made, len))
        rv = settle(target, span_of(made, len));
    else
        rv = CKR_DEVICE_ERROR;
    secret_wipe(z, sizeof z);
    secret_wipe(made, len);
    return rv;
}

static CK_RV find_salt(const struct mechanism *m, const struct key *salt_key, struct span *salt)
{
    *salt = span_of(NULL, 0);
    switch (m->number) {
    case CKF_HKDF_SALT_NULL:
        return CKR_OK;
    case CKF_HKDF_SALT_DATA:
        *salt = m->data;
        return m->data.len > 0 && m->data.len <= MECHANISM_PART_MAX ? CKR_OK : CKR_MECHANISM_PARAM_INVALID;
    case CKF_HKDF_SALT_KEY:
        if (salt_key == NULL || salt_key->class != CKO_SECRET_KEY)
            return CKR_KEY_TYPE_INCONSISTENT;
        *salt = span_of(salt_key->secret, salt_key->secret_len);
        return CKR_OK;
    default:
        return CKR_MECHANISM_PARAM_INVALID;
    }
}

static bool hkdf(const struct mechanism *m, const struct key *base, struct span salt, uint8_t *out, size_t len)
{
    bool extract = (m->flags & MECHANISM_HKDF_EXTRACT) != 0, expand = (m->flags & MECHANISM_HKDF_EXPAND) != 0;
    int mode = extract && expand ? EVP_KDF_HKDF_MODE_EXTRACT_AND_EXPAND
               : extract         ? EVP_KDF_HKDF_MODE_EXTRACT_ONLY
                                 : EVP_KDF_HKDF_MODE_EXPAND_ONLY;
    OSSL_PARAM params[6];
    unsigned n = 0;

    params[n++] = OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode);
    params[n++] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)hash_by_type(m->hash)->name, 0);
    params[n++] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, base->secret, base->secret_len);
    if (extract && salt.len > 0)
        params[n++] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)salt.p, salt.len);
    if (expand && m->aad.len > 0)
        params[n++] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)m->aad.p, m->aad.len);
    params[n] = OSSL_PARAM_construct_end();
    return run_kdf("HKDF", params, out, len);
}

/* RFC 5869; PKCS#11 3.0, 2.44. */
static CK_RV derive_hkdf(const struct mechanism *m, struct key *base, struct key *salt_key, struct attributes *target)
{
    const struct hash *h = hash_by_type(m->hash);
    bool expand = (m->flags & MECHANISM_HKDF_EXPAND) != 0;
    uint8_t made[ATTRIBUTE_VALUE_MAX];
    struct span salt = { 0 };
    size_t len = 0;
    CK_RV rv;

    if (base->class != CKO_SECRET_KEY)
        return CKR_KEY_TYPE_INCONSISTENT;
    if (h == NULL || m->flags == 0 || (m->flags & ~(MECHANISM_HKDF_EXTRACT | MECHANISM_HKDF_EXPAND)) != 0 ||
        m->aad.len > MECHANISM_PART_MAX)
        return CKR_MECHANISM_PARAM_INVALID;
    if ((m->flags & MECHANISM_HKDF_EXTRACT) != 0 && (rv = find_salt(m, salt_key, &salt)) != CKR_OK)
        return rv;
    if ((rv = derived_len(target, expand ? 255 * h->len : h->len, expand ? 0 : h->len, &len)) != CKR_OK)
        return rv;
    if (len > sizeof made || (!expand && len != h->len)) /* extraction gives a whole hash */
        return CKR_KEY_SIZE_RANGE;
    rv = hkdf(m, base, salt, made, len) ? settle(target, span_of(made, len)) : CKR_DEVICE_ERROR;
    secret_wipe(made, len);
    return rv;
}

CK_RV derive_key(const struct mechanism *m, struct key *base, struct key *salt_key, struct attributes *target)
{
    switch (m->type) {
    case CKM_ECDH1_DERIVE:
    case CKM_ECDH1_COFACTOR_DERIVE: /* our cofactors are 1 */
        return derive_ecdh(m, base, target);
    case CKM_HKDF_DERIVE:
        return derive_hkdf(m, base, salt_key, target);
    default:
        return CKR_MECHANISM_INVALID;
    }
}
