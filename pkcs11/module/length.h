/* length.h - how long the results of an operation are, before the keystore is asked: for C_Sign(..., NULL, &len) and
 * its kin. */
#ifndef STRONGROOM_PKCS11_MODULE_LENGTH_H
#define STRONGROOM_PKCS11_MODULE_LENGTH_H

#include "pkcs11/module/session.h"

struct length {
    size_t max;
    bool exact; /* the result has just this length, so less room need not be tried */
};

/* Of a whole operation on `in_len` bytes; for signatures and digests also of its final part. */
struct length length_of_whole(const struct active *a, enum operation_kind kind, size_t in_len);
/* Of one more part of `in_len` bytes, and of the final one (encryption, decryption). */
size_t length_of_part(const struct active *a, size_t in_len);
size_t length_of_final(const struct active *a, enum operation_kind kind);
/* The ciphertext of ML-KEM, by CKP_; 0: unknown. */
size_t length_of_encapsulation(unsigned parameter_set);

#endif
