/* operation.h - one cryptographic operation with one key: whole or in parts. Which mechanisms there are stands in one
 * table (mechanism_table.c); each family (rsa.c, ecdsa.c, aes.c, ...) gives it functions.
 *
 * The caller has checked that the key may do it (rights, CKA_ALLOWED_MECHANISMS). Here it is checked that mechanism,
 * its parameter, the key's type and size, and the data's length fit. Faults (THREATS.md C13): signatures of EdDSA,
 * ML-DSA, SLH-DSA and the slow curves are all verified before they leave, those of RSA and the fast curves as rsa.c and
 * ecdsa.c argue. An error ends an operation; nothing is left in `out` then. Not thread-safe per
 * operation; any number of operations may share one key. */
#ifndef STRONGROOM_OPERATION_H
#define STRONGROOM_OPERATION_H

#include "firmware/crypto/key.h"
#include "firmware/wire/message.h"

/* What the mechanisms are: for C_GetMechanismList and C_GetMechanismInfo. Only those that this build's libcrypto
 * offers. */
struct mechanism_facts {
    CK_MECHANISM_TYPE type;
    CK_ULONG min, max; /* key sizes in PKCS#11's units for it */
    CK_FLAGS flags;    /* CKF_SIGN ... */
};
/* NULL: there is no such mechanism. */
const struct mechanism_facts *mechanism_facts(CK_MECHANISM_TYPE type);
unsigned mechanism_count(void);
const struct mechanism_facts *mechanism_at(unsigned index);
/* Takes so long that it must not run in the loop: RSA and SLH-DSA key generation, SLH-DSA signatures. */
bool mechanism_is_slow(CK_MECHANISM_TYPE type);

/* Where results go: memory of the caller, of which `len` bytes are filled. */
struct output {
    uint8_t *p;
    size_t room;
    size_t len;
};

struct operation;

/* `key` is referenced; NULL for digests. Errors: CKR_MECHANISM_INVALID there is none for this kind;
 * CKR_MECHANISM_PARAM_INVALID; CKR_KEY_TYPE_INCONSISTENT; CKR_KEY_SIZE_RANGE; CKR_HOST_MEMORY; CKR_DEVICE_ERROR. */
MUST_CHECK CK_RV operation_begin(enum operation_kind kind, const struct mechanism *m, struct key *key,
                                 struct operation **out);
void operation_free(struct operation *op); /* wipes; NULL is fine */
/* The most that the rest of the operation can give for `in_len` more bytes of input (one-shot, update or final). */
size_t operation_output_max(const struct operation *op, size_t in_len);

/* The whole of it at once. Sign, encrypt, decrypt, digest, recover: the result in `out`. Verify: `signature`.
 * Errors: CKR_DATA_LEN_RANGE, CKR_DATA_INVALID; CKR_ENCRYPTED_DATA_INVALID for whatever is wrong with a ciphertext, in
 * constant time (RSA PKCS#1 v1.5 never fails for its padding: implicit rejection); CKR_ENCRYPTED_DATA_LEN_RANGE;
 * CKR_SIGNATURE_INVALID; CKR_SIGNATURE_LEN_RANGE; CKR_BUFFER_TOO_SMALL out->room; CKR_DEVICE_ERROR. */
MUST_CHECK CK_RV operation_once(struct operation *op, struct span in, struct span signature, struct output *out);
/* In parts. CKR_FUNCTION_NOT_SUPPORTED when the mechanism is single-part only. A decryption with GCM gives out nothing
 * before its tag has been checked, so its update gathers (at most DATA_MAX: CKR_DATA_LEN_RANGE) and its final gives
 * all. */
MUST_CHECK CK_RV operation_update(struct operation *op, struct span in, struct output *out);
/* C_DigestKey: the value of a secret key into a digest. Errors: CKR_KEY_INDIGESTIBLE; CKR_KEY_SIZE_RANGE below
 * 112 bits. */
MUST_CHECK CK_RV operation_update_key(struct operation *op, const struct key *secret);
MUST_CHECK CK_RV operation_final(struct operation *op, struct span signature, struct output *out);

/* begin, once and free in one: what COMPUTE uses; saves what the three apart would cost. */
MUST_CHECK CK_RV operation_compute(enum operation_kind kind, const struct mechanism *m, struct key *key, struct span in,
                                   struct span signature, struct output *out);
/* The room that operation_compute() needs for its result. */
size_t operation_compute_max(enum operation_kind kind, const struct mechanism *m, const struct key *key, size_t in_len);

#endif
