#include "tests/unit/service/identity/certificate.h"

#include <openssl/pem.h>

void certificate_make(struct test_certificate *c, EVP_PKEY *key, int64_t not_before, int64_t not_after)
{
    X509 *x = X509_new();
    BIO *bio = BIO_new(BIO_s_mem());
    uint8_t *der = NULL;
    char *pem = NULL;
    unsigned len = 0;
    bool other = EVP_PKEY_is_a(key, "ED25519");
    int n;

    *c = (struct test_certificate){ 0 };
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    INVARIANT(ASN1_TIME_set(X509_getm_notBefore(x), not_before) != NULL);
    INVARIANT(ASN1_TIME_set(X509_getm_notAfter(x), not_after) != NULL);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, (const unsigned char *)"client", -1, -1,
                               0);
    X509_set_issuer_name(x, X509_get_subject_name(x));
    X509_set_pubkey(x, key);
    INVARIANT(X509_sign(x, key, other ? NULL : EVP_sha256()) > 0);
    n = i2d_X509(x, &der);
    bytes_append(&c->der, der, (size_t)n);
    INVARIANT(PEM_write_bio_X509(bio, x) == 1);
    n = (int)BIO_get_mem_data(bio, &pem);
    bytes_append(&c->pem, pem, (size_t)n);
    INVARIANT(X509_digest(x, EVP_sha1(), c->sha1, &len) == 1 && X509_digest(x, EVP_sha256(), c->sha256, &len) == 1);
    OPENSSL_free(der);
    BIO_free(bio);
    X509_free(x);
}

void certificate_clear(struct test_certificate *c)
{
    bytes_clear(&c->der);
    bytes_clear(&c->pem);
}
