#include "pkcs11/module/identity.h"

#include <openssl/x509.h>

struct kept {
    X509 *certificate; /* and so its key */
    uint8_t pinned[LINK_FINGERPRINT_LEN];
    struct link_identity *identity;
    struct kept *next;
};

static struct kept *all;

static struct kept *find(X509 *certificate, const uint8_t pinned[LINK_FINGERPRINT_LEN])
{
    struct kept *k = all;

    while (k != NULL &&
           (X509_cmp(k->certificate, certificate) != 0 || memcmp(k->pinned, pinned, LINK_FINGERPRINT_LEN) != 0))
        k = k->next;
    return k;
}

enum status identity_get(EVP_PKEY *key, X509 *certificate, const uint8_t pinned[LINK_FINGERPRINT_LEN],
                         struct link_identity **out)
{
    struct kept *k = find(certificate, pinned);
    enum status st;

    *out = NULL;
    if (k != NULL) {
        *out = k->identity;
        return X509_check_private_key(certificate, key) == 1 ? ST_OK : ST_BAD_REQUEST;
    }
    if ((k = calloc(1, sizeof *k)) == NULL)
        return ST_NO_MEMORY;
    if ((st = link_identity_client(key, certificate, pinned, &k->identity)) != ST_OK) {
        free(k);
        return st;
    }
    X509_up_ref(certificate);
    k->certificate = certificate;
    memcpy(k->pinned, pinned, LINK_FINGERPRINT_LEN);
    k->next = all;
    all = k;
    *out = k->identity;
    return ST_OK;
}

void identity_abandon_all(void)
{
    all = NULL; /* not freed: another thread of the parent may have held their locks */
}
