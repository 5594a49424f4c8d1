#include "firmware/transfer_key.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "firmware/base/secret.h"
#include "firmware/certificate.h"
#include "firmware/device.h"

/* Never renumbered. */
enum field { FIELD_KEY = 1, FIELD_CERTIFICATE };

CK_RV transfer_key_make(struct transfer_key *t, EVP_PKEY *device)
{
    *t = (struct transfer_key){ .key = EVP_RSA_gen(TRANSFER_KEY_BITS) };
    if (t->key != NULL &&
        (t->certificate = certificate_make(t->key, device, "Strongroom domain transfer", DEVICE_NAME)) != NULL)
        return CKR_OK;
    transfer_key_clear(t);
    return CKR_DEVICE_ERROR;
}

enum status transfer_key_unpack(struct transfer_key *t, struct span record)
{
    struct attributes a;
    struct span key, certificate;
    const uint8_t *p;

    transfer_key_clear(t);
    if (attributes_unpack(&a, record) != CKR_OK)
        return ST_CORRUPT;
    key = attributes_get(&a, FIELD_KEY);
    certificate = attributes_get(&a, FIELD_CERTIFICATE);
    p = key.p;
    t->key = d2i_PrivateKey(EVP_PKEY_RSA, NULL, &p, (long)key.len);
    p = certificate.p;
    t->certificate = d2i_X509(NULL, &p, (long)certificate.len);
    attributes_clear(&a);
    if (t->key != NULL && t->certificate != NULL)
        return ST_OK;
    transfer_key_clear(t);
    return ST_CORRUPT;
}

CK_RV transfer_key_change(const struct transfer_key *t, struct flash_change *change, struct bytes *buffer)
{
    struct attributes a = { 0 };
    CK_RV rv = certificate_pack(t->key, t->certificate, &a, FIELD_KEY, FIELD_CERTIFICATE);

    if (rv == CKR_OK)
        rv = storage_pack(&a, &(struct flash_key){ .kind = RECORD_TRANSFER }, change, buffer);
    attributes_clear(&a);
    return rv;
}

void transfer_key_clear(struct transfer_key *t)
{
    EVP_PKEY_free(t->key);
    X509_free(t->certificate);
    *t = (struct transfer_key){ 0 };
}
