#include "firmware/certificate.h"

#include "firmware/base/secret.h"
#include "firmware/crypto/entropy.h"

#define SERIAL_LEN 16
#define NO_END     "99991231235959Z" /* RFC 5280, 4.1.2.5: no well-defined end */

static bool add_name(X509_NAME *name, const char *text)
{
    return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)text, -1, -1, 0) == 1;
}

static bool fill_in(X509 *x, EVP_PKEY *key, const uint8_t serial[SERIAL_LEN])
{
    BIGNUM *n = BN_bin2bn(serial, SERIAL_LEN, NULL);
    bool ok = n != NULL && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)) != NULL && X509_set_version(x, 2) == 1 &&
              ASN1_TIME_set_string(X509_getm_notBefore(x), "20200101000000Z") == 1 &&
              ASN1_TIME_set_string(X509_getm_notAfter(x), NO_END) == 1 && X509_set_pubkey(x, key) == 1;

    BN_free(n);
    return ok;
}

X509 *certificate_make(EVP_PKEY *key, EVP_PKEY *signer, const char *common_name, const char *signer_name)
{
    uint8_t serial[SERIAL_LEN];
    X509 *x;

    if (entropy_draw(serial, sizeof serial) != ST_OK || (x = X509_new()) == NULL)
        return NULL;
    serial[0] = (serial[0] & 0x7f) | 0x40; /* positive, and of full length */
    if (fill_in(x, key, serial) && add_name(X509_get_subject_name(x), common_name) &&
        add_name(X509_get_issuer_name(x), signer_name) && X509_sign(x, signer, EVP_sha256()) > 0)
        return x;
    X509_free(x);
    return NULL;
}

CK_RV certificate_pack(EVP_PKEY *key, X509 *certificate, struct attributes *a, CK_ATTRIBUTE_TYPE key_field,
                       CK_ATTRIBUTE_TYPE certificate_field)
{
    unsigned char *key_der = NULL, *certificate_der = NULL;
    int key_len = i2d_PrivateKey(key, &key_der), certificate_len = i2d_X509(certificate, &certificate_der);
    CK_RV rv = CKR_HOST_MEMORY;

    if (key_len > 0 && certificate_len > 0 &&
        (rv = attributes_set(a, key_field, span_of(key_der, (size_t)key_len))) == CKR_OK)
        rv = attributes_set(a, certificate_field, span_of(certificate_der, (size_t)certificate_len));
    if (key_len > 0)
        secret_wipe(key_der, (size_t)key_len);
    OPENSSL_free(key_der);
    OPENSSL_free(certificate_der);
    return rv;
}
