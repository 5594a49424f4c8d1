#include "provisioning/link/self_signed.h"

#include <openssl/rand.h>
#include <stdbool.h>

static bool fill_in(X509 *x, EVP_PKEY *key, const char *name, const char *end)
{
    X509_NAME *subject = X509_get_subject_name(x);
    unsigned char serial[16];
    BIGNUM *n = NULL;
    bool ok;

    if (RAND_bytes(serial, sizeof serial) != 1)
        return false;
    serial[0] = (serial[0] & 0x7f) | 0x40;
    ok = (n = BN_bin2bn(serial, sizeof serial, NULL)) != NULL &&
         BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)) != NULL && X509_set_version(x, 2) == 1 &&
         X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0) == 1 &&
         X509_set_issuer_name(x, subject) == 1 && X509_gmtime_adj(X509_getm_notBefore(x), -3600) != NULL &&
         ASN1_TIME_set_string_X509(X509_getm_notAfter(x), end) == 1 && X509_set_pubkey(x, key) == 1 &&
         X509_sign(x, key, EVP_sha256()) > 0;
    BN_free(n);
    return ok;
}

X509 *self_signed(EVP_PKEY *key, const char *name, const char *end)
{
    X509 *x = X509_new();

    if (x != NULL && fill_in(x, key, name, end))
        return x;
    X509_free(x);
    return NULL;
}
