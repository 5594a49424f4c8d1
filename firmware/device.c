#include "firmware/device.h"

#include "firmware/base/secret.h"
#include "firmware/certificate.h"
#include "firmware/wire/link.h"

/* Never renumbered. */
enum field {
    FIELD_OWNER = 1,
    FIELD_KEY,
    FIELD_CERTIFICATE,
    FIELD_NEXT_PARTITION = 7,
    FIELD_SINK_ADDRESS,
    FIELD_SINK_FINGERPRINT,
    FIELD_FIRMWARE_KEY,
    FIELD_CLOCK,
    FIELD_CLOCK_FREE,
    FIELD_DESTRUCTION,
    FIELD_CHAIN = 100,   /* and on: CERTIFICATE_CHAIN_MAX of them */
    FIELD_AUDITOR = 200, /* and on: one each */
};

enum status device_make_identity(struct device *d)
{
    if ((d->key = EVP_EC_gen("P-256")) == NULL ||
        (d->certificate = certificate_make(d->key, d->key, DEVICE_NAME, DEVICE_NAME)) == NULL)
        return ST_INTERNAL;
    d->next_partition = 1;
    return link_fingerprint(d->certificate, d->fingerprint);
}

static bool take_identity(struct device *d, const struct attributes *a)
{
    struct span key = attributes_get(a, FIELD_KEY), certificate = attributes_get(a, FIELD_CERTIFICATE);
    const uint8_t *p = key.p;

    d->key = d2i_PrivateKey(EVP_PKEY_EC, NULL, &p, (long)key.len);
    p = certificate.p;
    d->certificate = d2i_X509(NULL, &p, (long)certificate.len);
    return d->key != NULL && d->certificate != NULL && link_fingerprint(d->certificate, d->fingerprint) == ST_OK;
}

static bool take_text(const struct attributes *a, enum field field, char *out, size_t room)
{
    struct span v = attributes_get(a, field);

    if (v.len >= room)
        return false;
    if (v.len > 0)
        memcpy(out, v.p, v.len);
    out[v.len] = '\0';
    return true;
}

static bool take_roles(struct device *d, const struct attributes *a)
{
    d->owned = attributes_take(a, FIELD_OWNER, d->owner, sizeof d->owner);
    while (d->auditor_count < AUDITORS_MAX && attributes_has(a, FIELD_AUDITOR + d->auditor_count)) {
        if (!attributes_take(a, FIELD_AUDITOR + d->auditor_count, &d->auditors[d->auditor_count],
                             sizeof d->auditors[0]))
            return false;
        d->auditor_count++;
    }
    if (attributes_has(a, FIELD_SINK_FINGERPRINT) &&
        !attributes_take(a, FIELD_SINK_FINGERPRINT, d->sink.fingerprint, sizeof d->sink.fingerprint))
        return false;
    return take_text(a, FIELD_SINK_ADDRESS, d->sink.address, sizeof d->sink.address);
}

static bool take_chain(struct device *d, const struct attributes *a)
{
    struct span one;

    for (d->chain_count = 0; d->chain_count < CERTIFICATE_CHAIN_MAX; d->chain_count++) {
        if ((one = attributes_get(a, FIELD_CHAIN + d->chain_count)).len == 0)
            return true;
        if (bytes_set(&d->chain[d->chain_count], one) != ST_OK)
            return false;
    }
    return true;
}

static bool unpack(struct device *d, const struct attributes *a)
{
    d->next_partition = (uint32_t)attributes_ulong(a, FIELD_NEXT_PARTITION, 1);
    d->clock_ms = (int64_t)attributes_ulong(a, FIELD_CLOCK, 0);
    d->clock_free_ms = attributes_ulong(a, FIELD_CLOCK_FREE, 0);
    return take_identity(d, a) && take_chain(d, a) && take_roles(d, a) &&
           bytes_set(&d->firmware_key, attributes_get(a, FIELD_FIRMWARE_KEY)) == ST_OK &&
           bytes_set(&d->destruction, attributes_get(a, FIELD_DESTRUCTION)) == ST_OK;
}

enum status device_unpack(struct device *d, struct span record)
{
    struct attributes a;
    bool ok;

    if (attributes_unpack(&a, record) != CKR_OK)
        return ST_CORRUPT;
    ok = unpack(d, &a);
    attributes_clear(&a);
    return ok ? ST_OK : ST_CORRUPT;
}

static CK_RV set_if(struct attributes *a, enum field field, struct span value, bool there)
{
    return there ? attributes_set(a, field, value) : CKR_OK;
}

static CK_RV pack_roles(const struct device *d, struct attributes *a)
{
    CK_RV rv = set_if(a, FIELD_OWNER, span_of(d->owner, sizeof d->owner), d->owned);

    for (unsigned i = 0; i < d->auditor_count && rv == CKR_OK; i++)
        rv = attributes_set(a, FIELD_AUDITOR + i, span_of(&d->auditors[i], sizeof d->auditors[i]));
    if (rv == CKR_OK && d->sink.address[0] != '\0' &&
        (rv = attributes_set(a, FIELD_SINK_ADDRESS, span_text(d->sink.address))) == CKR_OK)
        rv = attributes_set(a, FIELD_SINK_FINGERPRINT, span_of(d->sink.fingerprint, sizeof d->sink.fingerprint));
    return rv;
}

static CK_RV pack_chain(const struct device *d, struct attributes *a)
{
    CK_RV rv = CKR_OK;

    for (unsigned i = 0; i < d->chain_count && rv == CKR_OK; i++)
        rv = attributes_set(a, FIELD_CHAIN + i, bytes_span(&d->chain[i]));
    return rv;
}

static CK_RV pack(const struct device *d, struct attributes *a)
{
    CK_RV rv;

    if ((rv = attributes_set_ulong(a, FIELD_NEXT_PARTITION, d->next_partition)) != CKR_OK ||
        (rv = attributes_set_ulong(a, FIELD_CLOCK, (CK_ULONG)d->clock_ms)) != CKR_OK ||
        (rv = attributes_set_ulong(a, FIELD_CLOCK_FREE, d->clock_free_ms)) != CKR_OK ||
        (rv = set_if(a, FIELD_FIRMWARE_KEY, bytes_span(&d->firmware_key), d->firmware_key.len > 0)) != CKR_OK ||
        (rv = set_if(a, FIELD_DESTRUCTION, bytes_span(&d->destruction), d->destruction.len > 0)) != CKR_OK ||
        (rv = pack_roles(d, a)) != CKR_OK)
        return rv;
    rv = certificate_pack(d->key, d->certificate, a, FIELD_KEY, FIELD_CERTIFICATE);
    return rv == CKR_OK ? pack_chain(d, a) : rv;
}

CK_RV device_change(const struct device *d, struct flash_change *change, struct bytes *buffer)
{
    struct attributes a = { 0 };
    CK_RV rv = pack(d, &a);

    if (rv == CKR_OK)
        rv = storage_pack(&a, &(struct flash_key){ .kind = RECORD_DEVICE }, change, buffer);
    attributes_clear(&a);
    return rv;
}

enum status device_store(const struct device *d, struct storage *s)
{
    struct flash_change change;
    struct bytes buffer = { 0 };
    enum status st = ST_NO_MEMORY;

    if (device_change(d, &change, &buffer) == CKR_OK)
        st = storage_commit(s, &change, 1, true) == CKR_OK ? ST_OK : ST_IO;
    storage_release(&buffer);
    return st;
}

bool device_has_auditor(const struct device *d, const uint8_t fingerprint[LINK_FINGERPRINT_LEN])
{
    for (unsigned i = 0; i < d->auditor_count; i++)
        if (memcmp(d->auditors[i].fingerprint, fingerprint, LINK_FINGERPRINT_LEN) == 0)
            return true;
    return d->sink.address[0] != '\0' && memcmp(d->sink.fingerprint, fingerprint, LINK_FINGERPRINT_LEN) == 0;
}

enum status device_firmware_key_print(const struct device *d, uint8_t out[32])
{
    return EVP_Digest(d->firmware_key.p, d->firmware_key.len, out, NULL, EVP_sha256(), NULL) == 1 ? ST_OK
                                                                                                  : ST_NO_MEMORY;
}

void device_reset(struct device *d)
{
    d->owned = false;
    memset(d->owner, 0, sizeof d->owner);
    d->auditor_count = 0;
    d->sink = (struct audit_sink){ 0 };
    d->clock_free_ms = 0;
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
    for (unsigned i = 0; i < CERTIFICATE_CHAIN_MAX; i++)
        bytes_clear(&d->chain[i]);
    bytes_clear(&d->firmware_key);
    bytes_clear(&d->destruction);
    secret_wipe(d, sizeof *d);
}
