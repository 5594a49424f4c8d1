#include "firmware/holders.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "firmware/wire/name.h"

#define NAME_LEN     (PARTITION_NAME_MAX + 1)
#define EXPONENT_MIN 65537

void holder_set_clear(struct holder_set *s)
{
    for (unsigned i = 0; i < s->count; i++)
        bytes_clear(&s->holders[i].certificate);
    *s = (struct holder_set){ 0 };
}

void holder_set_move(struct holder_set *to, struct holder_set *from)
{
    holder_set_clear(to);
    *to = *from;
    *from = (struct holder_set){ 0 };
}

bool holder_set_same(const struct holder_set *a, const struct holder_set *b)
{
    bool same = a->generation == b->generation && a->required == b->required && a->count == b->count;

    for (unsigned i = 0; i < a->count && same; i++)
        same = memcmp(a->holders[i].id, b->holders[i].id, HOLDER_ID_LEN) == 0 &&
               strcmp(a->holders[i].name, b->holders[i].name) == 0;
    return same;
}

/* NULL: no certificate, or something behind it. The caller frees. */
static EVP_PKEY *public_key(struct span certificate)
{
    const uint8_t *p = certificate.p;
    X509 *x = certificate.len > 0 ? d2i_X509(NULL, &p, (long)certificate.len) : NULL;
    EVP_PKEY *key = x != NULL && p == certificate.p + certificate.len ? X509_get_pubkey(x) : NULL;

    X509_free(x);
    return key;
}

static bool key_is_acceptable(EVP_PKEY *key)
{
    BIGNUM *e = NULL;
    bool ok = EVP_PKEY_is_a(key, "RSA") && EVP_PKEY_get_bits(key) >= HOLDER_KEY_BITS_MIN &&
              EVP_PKEY_get_bits(key) <= HOLDER_KEY_BITS_MAX && EVP_PKEY_get_bn_param(key, "e", &e) == 1 &&
              BN_is_odd(e) && BN_num_bits(e) <= 64 && BN_get_word(e) >= EXPONENT_MIN;

    BN_free(e);
    return ok;
}

/* One key in two certificates would be one person with two votes. */
static bool key_is_there(const struct holder_set *s, const EVP_PKEY *key)
{
    bool there = false;

    for (unsigned i = 0; i < s->count && !there; i++) {
        EVP_PKEY *other = public_key(bytes_span(&s->holders[i].certificate));

        there = other == NULL || EVP_PKEY_eq(key, other) == 1;
        EVP_PKEY_free(other);
    }
    return there;
}

static bool name_is_there(const struct holder_set *s, const char *name)
{
    for (unsigned i = 0; i < s->count; i++)
        if (strcmp(s->holders[i].name, name) == 0)
            return true;
    return false;
}

CK_RV holder_set_add(struct holder_set *s, const char *name, struct span certificate)
{
    struct holder h = { 0 };
    EVP_PKEY *key = NULL;
    CK_RV rv = CKR_HOLDERS_INVALID;

    if (s->count < HOLDERS_MAX && name_is_good(name) && !name_is_there(s, name) && certificate.len <= CERTIFICATE_MAX &&
        (key = public_key(certificate)) != NULL && key_is_acceptable(key) && !key_is_there(s, key)) {
        memcpy(h.name, name, strlen(name));
        rv = EVP_Digest(certificate.p, certificate.len, h.id, NULL, EVP_sha256(), NULL) == 1 &&
                     bytes_set(&h.certificate, certificate) == ST_OK
                 ? CKR_OK
                 : CKR_HOST_MEMORY;
    }
    EVP_PKEY_free(key);
    if (rv == CKR_OK)
        s->holders[s->count++] = h;
    return rv;
}

CK_RV holder_set_check(const struct holder_set *s)
{
    return s->count >= HOLDERS_MIN && s->required >= QUORUM_MIN && s->required <= QUORUM_MAX && s->required <= s->count
               ? CKR_OK
               : CKR_HOLDERS_INVALID;
}

CK_RV holder_set_read(struct holder_set *out, size_t count, Ks__Holder *const *list, uint32_t required)
{
    CK_RV rv = CKR_OK;

    *out = (struct holder_set){ .required = required };
    for (size_t i = 0; i < count && rv == CKR_OK; i++)
        rv = holder_set_add(out, list[i]->name, span_of(list[i]->certificate.data, list[i]->certificate.len));
    if (rv == CKR_OK)
        rv = holder_set_check(out);
    if (rv != CKR_OK)
        holder_set_clear(out);
    return rv;
}

const struct holder *holder_set_find(const struct holder_set *s, struct span id)
{
    for (unsigned i = 0; i < s->count; i++)
        if (span_equal(id, span_of(s->holders[i].id, HOLDER_ID_LEN)))
            return &s->holders[i];
    return NULL;
}

CK_RV holder_verify(const struct holder *h, struct span statement, struct span signature)
{
    EVP_PKEY *key = public_key(bytes_span(&h->certificate));
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    EVP_PKEY_CTX *how = NULL;
    CK_RV rv = CKR_HOST_MEMORY;

    if (key != NULL && md != NULL && EVP_DigestVerifyInit(md, &how, EVP_sha256(), NULL, key) == 1 &&
        EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING) == 1 &&
        EVP_PKEY_CTX_set_rsa_mgf1_md(how, EVP_sha256()) == 1 && EVP_PKEY_CTX_set_rsa_pss_saltlen(how, 32) == 1)
        rv = EVP_DigestVerify(md, signature.p, signature.len, statement.p, statement.len) == 1 ? CKR_OK
                                                                                               : CKR_APPROVAL_INVALID;
    EVP_MD_CTX_free(md);
    EVP_PKEY_free(key);
    return rv;
}

/* Generation and quorum, then for each holder the name, padded with zeros, and the certificate. */
CK_RV holder_set_pack(const struct holder_set *s, struct attributes *a, CK_ATTRIBUTE_TYPE first)
{
    CK_RV rv = CKR_OK;

    if (s->count == 0)
        return CKR_OK;
    if ((rv = attributes_set_ulong(a, first, s->generation)) != CKR_OK ||
        (rv = attributes_set_ulong(a, first + 1, s->required)) != CKR_OK)
        return rv;
    for (unsigned i = 0; i < s->count && rv == CKR_OK; i++) {
        const struct holder *h = &s->holders[i];
        struct bytes value = { 0 };

        bytes_append(&value, h->name, sizeof h->name);
        bytes_append_span(&value, bytes_span(&h->certificate));
        rv = bytes_status(&value) == ST_OK ? attributes_set(a, first + 2 + i, bytes_span(&value)) : CKR_HOST_MEMORY;
        bytes_clear(&value);
    }
    return rv;
}

CK_RV holder_set_unpack(struct holder_set *s, const struct attributes *a, CK_ATTRIBUTE_TYPE first)
{
    CK_RV rv = CKR_OK;

    *s = (struct holder_set){ 0 };
    if (!attributes_has(a, first))
        return CKR_OK;
    s->generation = (uint32_t)attributes_ulong(a, first, 0);
    s->required = (uint32_t)attributes_ulong(a, first + 1, 0);
    for (unsigned i = 0; i < HOLDERS_MAX && attributes_has(a, first + 2 + i) && rv == CKR_OK; i++) {
        struct span v = attributes_get(a, first + 2 + i);

        rv = v.len > NAME_LEN && v.p[NAME_LEN - 1] == '\0'
                 ? holder_set_add(s, (const char *)v.p, span_of(v.p + NAME_LEN, v.len - NAME_LEN))
                 : CKR_DATA_INVALID;
    }
    if (rv == CKR_OK)
        rv = holder_set_check(s);
    if (rv == CKR_OK)
        return rv;
    holder_set_clear(s);
    return rv == CKR_HOST_MEMORY ? rv : CKR_DATA_INVALID;
}
