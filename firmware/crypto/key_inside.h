/* key_inside.h - the inside of struct key, for the files of this folder alone. */
#ifndef STRONGROOM_KEY_INSIDE_H
#define STRONGROOM_KEY_INSIDE_H

#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdatomic.h>

#include "firmware/crypto/curve.h"
#include "firmware/crypto/der.h"
#include "firmware/crypto/key.h"

#define RSA_BITS_MIN     2048u
#define RSA_BITS_MAX     8192u
#define RSA_LEN_MAX      (RSA_BITS_MAX / 8)
#define RSA_EXPONENT_MAX 32 /* bytes; FIPS 186-5, 5.4: e < 2^256 */

/* A parameter set of ML-DSA, ML-KEM or SLH-DSA. */
struct pqc_set {
    CK_KEY_TYPE type;
    CK_ULONG set;                                           /* CKP_ */
    const char *name;                                       /* OpenSSL's */
    uint8_t oid[2];                                         /* last arcs of 2.16.840.1.101.3.4 */
    uint16_t public_len, private_len, seed_len, output_len; /* seed: 0 none; output: signature or ciphertext */
};

/* Contexts that are ready for the plainest operation of the key (ECDSA on a digest, pure Ed25519): making one costs a
 * P-256 signature 4 %. Whoever needs one takes it out, and puts it back unless something failed. */
enum key_context { KEY_CONTEXT_SIGN, KEY_CONTEXT_VERIFY, KEY_CONTEXT_COUNT_ };
#define KEY_CONTEXTS_KEPT 2

#define KEY_STASHES 4

struct keyed;

struct key {
    atomic_uint refs;
    CK_OBJECT_CLASS class;
    CK_KEY_TYPE type;
    unsigned bits;
    EVP_PKEY *pkey;            /* all but secret keys */
    const struct curve *curve; /* EC, EDWARDS, MONTGOMERY */
    const struct pqc_set *pqc; /* ML_DSA, ML_KEM, SLH_DSA */
    atomic_uint verify_in;     /* signatures until one is verified again: signature_must_verify() */
    size_t secret_len;
    uint8_t *secret; /* secret keys; malloc'ed, wiped */
    _Atomic(EVP_PKEY_CTX *) contexts[KEY_CONTEXT_COUNT_][KEY_CONTEXTS_KEPT];
    _Atomic(struct keyed *) stash[KEY_STASHES]; /* contexts that wait for their next use: keyed.h; start as NULL */
};

/* NULL: none is there, make one. */
EVP_PKEY_CTX *key_context_take(struct key *k, enum key_context kind);
void key_context_put(struct key *k, enum key_context kind, EVP_PKEY_CTX *context);

/* The files of the kinds. */
CK_RV rsa_load(const struct attributes *a, struct key *k);
CK_RV rsa_complete(struct attributes *a, bool private);
CK_RV rsa_generate(struct attributes *public, struct attributes *private);
CK_RV ec_load(const struct attributes *a, struct key *k);
CK_RV ec_complete(struct attributes *a, bool private);
CK_RV ec_generate(struct attributes *public, struct attributes *private);
CK_RV edwards_load(const struct attributes *a, struct key *k);
CK_RV edwards_complete(struct attributes *a, bool private);
CK_RV edwards_generate(struct attributes *public, struct attributes *private);
CK_RV pqc_load(const struct attributes *a, struct key *k);
CK_RV pqc_complete(struct attributes *a, bool private);
CK_RV pqc_generate(struct attributes *public, struct attributes *private);
const struct pqc_set *pqc_set(CK_KEY_TYPE type, CK_ULONG set);
const struct pqc_set *pqc_set_by_oid(CK_KEY_TYPE type, struct span last_arcs);
CK_RV secret_load(const struct attributes *a, struct key *k);
CK_RV secret_complete(struct attributes *a);
bool key_type_is_secret(CK_KEY_TYPE type);

/* Is the modulus, or the private key, one that an import must refuse? key_rsa_check.c. */
CK_RV rsa_check_public(struct span modulus, struct span exponent);
CK_RV rsa_check_private(struct attributes *a); /* adds what follows: primes and CRT values */

/* Parameters of a key for EVP_PKEY_fromdata(), held in memory that is wiped: OpenSSL's own builder would allocate each
 * number several times. */
struct key_params {
    OSSL_PARAM list[12];
    unsigned count;
    size_t used;
    bool failed;
    uint8_t memory[6 * RSA_LEN_MAX];
};

void key_params_begin(struct key_params *p);
void key_params_number(struct key_params *p, const char *name, struct span big_endian);
void key_params_octets(struct key_params *p, const char *name, struct span octets); /* borrowed */
void key_params_text(struct key_params *p, const char *name, const char *text);     /* borrowed */
/* The key. Wipes `p`. Errors: CKR_ATTRIBUTE_VALUE_INVALID OpenSSL refuses it. */
MUST_CHECK CK_RV key_params_make(struct key_params *p, const char *type, bool private, EVP_PKEY **out);

/* An attribute from one of the key's parameters. */
MUST_CHECK CK_RV key_octets_attribute(EVP_PKEY *pkey, const char *name, struct attributes *a, CK_ATTRIBUTE_TYPE type);
/* CKA_EC_POINT, in its DER. */
MUST_CHECK CK_RV key_set_point(struct attributes *a, struct span point);
/* A value that follows from others: set it, or, when the caller gave one, compare. CKR_ATTRIBUTE_VALUE_INVALID. */
MUST_CHECK CK_RV key_settle(struct attributes *a, CK_ATTRIBUTE_TYPE type, struct span value);
/* At least as long as what key_encode() gives. */
size_t key_encoded_max(const struct attributes *a);
/* Bits of a big-endian number. */
unsigned key_number_bits(struct span n);
struct span key_number(const struct attributes *a, CK_ATTRIBUTE_TYPE type); /* without leading zeros */

/* keyed.c: wipes and frees the stashed contexts; for the end of a key. */
void keyed_forget(struct key *k);

#endif
