/* known_key.h - key pairs and keys made here by libcrypto, so that their bytes are known, and their import into a
 * token. */
#ifndef STRONGROOM_TESTS_INTEGRATION_KNOWN_KEY_H
#define STRONGROOM_TESTS_INTEGRATION_KNOWN_KEY_H

#include <openssl/evp.h>
#include <stdio.h>

#include "tests/integration/pkcs11_module.h"

enum known_kind { KNOWN_EC, KNOWN_RSA, KNOWN_AES, KNOWN_KIND_COUNT_ };

#define KNOWN_PARTS_MAX 8

struct known_part {
    CK_ATTRIBUTE_TYPE type;
    const char *name;
    bool secret;
    uint8_t value[256];
    CK_ULONG len;
};

struct known_key {
    enum known_kind kind;
    struct known_part part[KNOWN_PARTS_MAX]; /* attributes of the private or secret key */
    unsigned parts;
    uint8_t point[67]; /* EC: the public key as CKA_EC_POINT has it */
};

/* "ec", "rsa" or "aes". False: none of these. */
bool known_kind_parse(const char *name, enum known_kind *out);
bool known_key_make(enum known_kind kind, struct known_key *out);
/* A line for each secret part, as needle.h reads them. */
bool known_key_write(const struct known_key *k, const char *name, FILE *out);
/* As token objects with this label, both halves; or with `token` false the private or secret key as a session object.
 */
CK_RV known_key_import(CK_SESSION_HANDLE s, const struct known_key *k, const char *label, bool token,
                       CK_OBJECT_HANDLE *out);
void known_key_wipe(struct known_key *k);

#endif
