/* The device's identity: what a factory certifies, and the certificates it gives. */
#include "firmware/statement.h"

CK_RV on_device_identity(struct call *c, const ProtobufCMessage *request)
{
    Ks__DeviceIdentity *out = &c->answer.device_identity;
    struct device *d = &c->ks->device;
    struct bytes der = { 0 };
    CK_RV rv = CKR_HOST_MEMORY;

    (void)request;
    ks__device_identity__init(out);
    pthread_mutex_lock(&c->ks->lock);
    if (device_certificate(d, &der) == ST_OK && (out->certificate.data = call_memory(c, der.len)) != NULL) {
        memcpy(out->certificate.data, der.p, der.len);
        out->certificate.len = der.len;
        rv = d->chain_count == 0 ? CKR_OK : statement_chain(c, &out->n_chain, &out->chain);
    }
    pthread_mutex_unlock(&c->ks->lock);
    bytes_clear(&der);
    if (rv == CKR_OK)
        rv = statement_quote_key(c, &out->quote_key);
    c->reply = &out->base;
    return rv;
}

static X509 *parse(ProtobufCBinaryData d)
{
    const uint8_t *p = d.data;
    X509 *x = d2i_X509(NULL, &p, (long)d.len);

    if (x == NULL || p == d.data + d.len)
        return x;
    X509_free(x);
    return NULL;
}

/* The factory's CA is not known here: whoever verifies a statement knows it. What is not a chain for this key would
 * only be in the way then. */
static bool is_chain(const Ks__CertificateInstall *m, EVP_PKEY *device_key)
{
    X509 *links[CERTIFICATE_CHAIN_MAX] = { 0 };
    bool ok = m->n_chain > 0 && m->n_chain <= CERTIFICATE_CHAIN_MAX;

    for (size_t i = 0; ok && i < m->n_chain; i++)
        ok = (links[i] = parse(m->chain[i])) != NULL;
    ok = ok && X509_get0_pubkey(links[0]) != NULL && EVP_PKEY_eq(X509_get0_pubkey(links[0]), device_key) == 1;
    for (size_t i = 0; ok && i + 1 < m->n_chain; i++)
        ok = X509_NAME_cmp(X509_get_issuer_name(links[i]), X509_get_subject_name(links[i + 1])) == 0 &&
             X509_get0_pubkey(links[i + 1]) != NULL && X509_verify(links[i], X509_get0_pubkey(links[i + 1])) == 1;
    for (size_t i = 0; i < CERTIFICATE_CHAIN_MAX; i++)
        X509_free(links[i]);
    return ok;
}

static void clear_chain(struct bytes *chain)
{
    for (unsigned i = 0; i < CERTIFICATE_CHAIN_MAX; i++)
        bytes_clear(&chain[i]);
}

/* In memory and in the flash, or in neither. */
static CK_RV replace(struct keystore *ks, struct bytes *chain, unsigned count)
{
    struct device *d = &ks->device;
    struct bytes before[CERTIFICATE_CHAIN_MAX];
    unsigned before_count = d->chain_count;

    memcpy(before, d->chain, sizeof before);
    memcpy(d->chain, chain, sizeof d->chain);
    d->chain_count = count;
    if (device_store(d, &ks->storage) == ST_OK) {
        memcpy(chain, before, sizeof before); /* for the caller to clear */
        return CKR_OK;
    }
    memcpy(d->chain, before, sizeof d->chain);
    d->chain_count = before_count;
    return CKR_DEVICE_ERROR;
}

CK_RV on_certificate_install(struct call *c, const ProtobufCMessage *request)
{
    const Ks__CertificateInstall *m = (const Ks__CertificateInstall *)request;
    struct bytes chain[CERTIFICATE_CHAIN_MAX] = { 0 };
    CK_RV rv = CKR_OK;

    if (!is_chain(m, c->ks->device.key))
        return CKR_CERTIFICATE_INVALID;
    for (size_t i = 0; i < m->n_chain && rv == CKR_OK; i++)
        rv = bytes_set(&chain[i], span_of(m->chain[i].data, m->chain[i].len)) == ST_OK ? CKR_OK : CKR_HOST_MEMORY;
    if (rv == CKR_OK && (rv = call_enter(c)) == CKR_OK) {
        rv = replace(c->ks, chain, (unsigned)m->n_chain);
        call_leave(c);
    }
    clear_chain(chain);
    return rv;
}
