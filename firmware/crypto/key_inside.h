/* key_inside.h - the inside of struct key, for the files of this folder alone. */
#ifndef STRONGROOM_KEY_INSIDE_H
#define STRONGROOM_KEY_INSIDE_H

#include <openssl/evp.h>
#include <stdatomic.h>

#include "firmware/crypto/key.h"

struct key {
    atomic_uint refs;
    CK_OBJECT_CLASS class;
    CK_KEY_TYPE type;
    unsigned bits;
    EVP_PKEY *pkey;      /* all but secret keys */
    CK_ULONG parameters; /* PQC: CKP_ */
    int curve;           /* EC: NID; 0 otherwise */
    size_t secret_len;
    uint8_t *secret; /* secret keys; malloc'ed, wiped */
};

#endif
