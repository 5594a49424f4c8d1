/* keyed.h - contexts of libcrypto that hold a key already, so a warm key costs neither memory nor a key schedule.
 * An operation takes one, re-initialises it with its own IV, and gives it back; while it is taken it belongs to the
 * operation alone. Those that wait lie in the key, a slot per thread and direction, and are wiped with it
 * (keyed_forget). For the files of this folder. */
#ifndef STRONGROOM_KEYED_H
#define STRONGROOM_KEYED_H

#include "firmware/crypto/key_inside.h"

enum keyed_algorithm {
    KEYED_AES_ECB,
    KEYED_AES_CBC,
    KEYED_AES_CTR,
    KEYED_AES_GCM,
    KEYED_AES_WRAP,
    KEYED_AES_WRAP_PAD,
    KEYED_CMAC,
    KEYED_HMAC,
};

struct keyed {
    enum keyed_algorithm algorithm;
    bool encrypting;
    const EVP_MD *md; /* HMAC */
    size_t iv_len;    /* GCM: what the context is set to */
    bool padded;      /* block modes: likewise */
    EVP_CIPHER_CTX *cipher;
    EVP_MAC_CTX *mac; /* CMAC, HMAC */
};

/* `key` is a secret key of a type and size that fit. Errors: CKR_HOST_MEMORY; CKR_DEVICE_ERROR. */
MUST_CHECK CK_RV keyed_take(struct key *key, enum keyed_algorithm algorithm, const EVP_MD *md, bool encrypting,
                            struct keyed **out);
void keyed_give(struct key *key, struct keyed *c); /* NULL is fine */

#endif
