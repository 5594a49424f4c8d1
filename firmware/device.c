#include "firmware/device.h"

#include "firmware/base/secret.h"
#include "firmware/crypto/entropy.h"
#include "firmware/crypto/key.h"

/* Never renumbered. */
enum field {
    FIELD_OWNER = 1,
    FIELD_KEY,
    FIELD_CERTIFICATE,
    FIELD_DOMAIN_NAME,
    FIELD_DOMAIN_KEY,
    FIELD_DOMAIN_ID,
    FIELD_NEXT_PARTITION,
};

#define SERIAL_LEN 16
#define NO_END     "99991231235959Z" /* RFC 5280, 4.1.2.5: no well-defined end; the board has no clock to trust */

static bool name_and_sign(X509 *x, EVP_PKEY *key, const uint8_t serial[SERIAL_LEN])
{
    X509_NAME *name = X509_get_subject_name(x);
    BIGNUM *n = BN_bin2bn(serial, SERIAL_LEN, NULL);
    bool ok = n != NULL && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)) != NULL && X509_set_version(x, 2) == 1 &&
              X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"Strongroom keystore", -1, -1,
                                         0) == 1 &&
              X509_set_issuer_name(x, name) == 1 &&
              ASN1_TIME_set_string(X509_getm_notBefore(x), "20200101000000Z") == 1 &&
              ASN1_TIME_set_string(X509_getm_notAfter(x), NO_END) == 1 && X509_set_pubkey(x, key) == 1 &&
              X509_sign(x, key, EVP_sha256()) > 0;

    BN_free(n);
    return ok;
}

enum status device_make_identity(struct device *d)
{
    uint8_t serial[SERIAL_LEN];

    if (entropy_draw(serial, sizeof serial) != ST_OK)
        return ST_CORRUPT;
    serial[0] = (serial[0] & 0x7f) | 0x40; /* positive, and of full length */
    if ((d->key = EVP_EC_gen("P-256")) == NULL || (d->certificate = X509_new()) == NULL ||
        !name_and_sign(d->certificate, d->key, serial))
        return ST_INTERNAL;
    d->next_partition = 1;
    return ST_OK;
}

static bool take_identity(struct device *d, const struct attributes *a)
{
    struct span key = attributes_get(a, FIELD_KEY), certificate = attributes_get(a, FIELD_CERTIFICATE);
    const uint8_t *p = key.p;

    d->key = d2i_PrivateKey(EVP_PKEY_EC, NULL, &p, (long)key.len);
    p = certificate.p;
    d->certificate = d2i_X509(NULL, &p, (long)certificate.len);
    return d->key != NULL && d->certificate != NULL;
}

enum status device_unpack(struct device *d, struct span record)
{
    struct attributes a;
    struct span name;
    bool ok;

    if (attributes_unpack(&a, record) != CKR_OK)
        return ST_CORRUPT;
    d->next_partition = (uint32_t)attributes_ulong(&a, FIELD_NEXT_PARTITION, 1);
    d->owned = attributes_take(&a, FIELD_OWNER, d->owner, sizeof d->owner);
    d->has_domain = attributes_take(&a, FIELD_DOMAIN_KEY, d->domain_key, sizeof d->domain_key) &&
                    attributes_take(&a, FIELD_DOMAIN_ID, d->domain_id, sizeof d->domain_id);
    name = attributes_get(&a, FIELD_DOMAIN_NAME);
    if (name.len > 0 && name.len <= PARTITION_NAME_MAX)
        memcpy(d->domain_name, name.p, name.len);
    ok = take_identity(d, &a);
    attributes_clear(&a);
    return ok ? ST_OK : ST_CORRUPT;
}

static CK_RV pack_identity(const struct device *d, struct attributes *a)
{
    unsigned char *key = NULL, *certificate = NULL;
    int key_len = i2d_PrivateKey(d->key, &key), certificate_len = i2d_X509(d->certificate, &certificate);
    CK_RV rv = CKR_HOST_MEMORY;

    if (key_len > 0 && certificate_len > 0 &&
        (rv = attributes_set(a, FIELD_KEY, span_of(key, (size_t)key_len))) == CKR_OK)
        rv = attributes_set(a, FIELD_CERTIFICATE, span_of(certificate, (size_t)certificate_len));
    if (key_len > 0)
        secret_wipe(key, (size_t)key_len);
    OPENSSL_free(key);
    OPENSSL_free(certificate);
    return rv;
}

static CK_RV pack_domain(const struct device *d, struct attributes *a)
{
    CK_RV rv;

    if (!d->has_domain)
        return CKR_OK;
    if ((rv = attributes_set(a, FIELD_DOMAIN_NAME, span_text(d->domain_name))) == CKR_OK &&
        (rv = attributes_set(a, FIELD_DOMAIN_KEY, span_of(d->domain_key, sizeof d->domain_key))) == CKR_OK)
        rv = attributes_set(a, FIELD_DOMAIN_ID, span_of(d->domain_id, sizeof d->domain_id));
    return rv;
}

static CK_RV pack(const struct device *d, struct attributes *a)
{
    CK_RV rv;

    if ((rv = attributes_set_ulong(a, FIELD_NEXT_PARTITION, d->next_partition)) != CKR_OK ||
        (d->owned && (rv = attributes_set(a, FIELD_OWNER, span_of(d->owner, sizeof d->owner))) != CKR_OK) ||
        (rv = pack_identity(d, a)) != CKR_OK)
        return rv;
    return pack_domain(d, a);
}

enum status device_store(const struct device *d, struct storage *s)
{
    struct flash_change change = { .key = { .kind = RECORD_DEVICE } };
    struct attributes a = { 0 };
    enum status st = ST_NO_MEMORY;
    uint8_t *packed = NULL;
    size_t len = 0;

    if (pack(d, &a) == CKR_OK && (packed = malloc(len = attributes_packed_len(&a))) != NULL) {
        attributes_pack(&a, packed);
        change.value = span_of(packed, len);
        st = storage_commit(s, &change, 1, true) == CKR_OK ? ST_OK : ST_IO;
        secret_wipe(packed, len);
    }
    free(packed);
    attributes_clear(&a);
    return st;
}

enum status device_certificate(const struct device *d, struct bytes *out)
{
    unsigned char *der = NULL;
    int len = i2d_X509(d->certificate, &der);
    enum status st = len > 0 ? bytes_set(out, span_of(der, (size_t)len)) : ST_NO_MEMORY;

    OPENSSL_free(der);
    return st;
}

void device_clear(struct device *d)
{
    EVP_PKEY_free(d->key);
    X509_free(d->certificate);
    secret_wipe(d, sizeof *d);
}
