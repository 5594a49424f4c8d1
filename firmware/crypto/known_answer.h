/* known_answer.h - tables of known answers for the power-on self tests: data alone, in hexadecimal; self_test.c works
 * them off. Each table ends with a NULL name. */
#ifndef STRONGROOM_KNOWN_ANSWER_H
#define STRONGROOM_KNOWN_ANSWER_H

#include "firmware/crypto/operation.h"

struct known_attribute {
    CK_ATTRIBUTE_TYPE type;
    const char *hex;
};

struct known_key {
    CK_KEY_TYPE type;
    CK_ULONG parameters;               /* PQC: CKP_ */
    struct known_attribute private[9]; /* or of the secret key; both lists end with a NULL */
    struct known_attribute public[4];  /* PQC: empty when it follows from the private one */
};

/* One operation. What has been signed is verified, what has been encrypted is decrypted as well. */
struct known_answer {
    const char *name;
    enum operation_kind kind;
    CK_MECHANISM_TYPE type;
    const struct known_key *key; /* NULL: a digest */
    const char *in, *out;        /* `out` is the signature of a verification; NULL: random, only the way back counts */
    const char *iv, *aad;
    CK_ULONG number, mgf;
    CK_MECHANISM_TYPE hash;
    bool hashed; /* `out` is the SHA-256 of the result */
};

/* A derivation, or with CKM_ML_KEM a decapsulation of `data`: `out` is the value of the secret key it gives. */
struct known_derivation {
    const char *name;
    CK_MECHANISM_TYPE type;
    const struct known_key *key;
    const char *data, *aad, *out;
    CK_ULONG number;
    CK_MECHANISM_TYPE hash;
    unsigned flags;
};

extern const struct known_answer symmetric_answers[], asymmetric_answers[], pqc_answers[];
extern const struct known_derivation classic_derivations[], pqc_derivations[];

#endif
