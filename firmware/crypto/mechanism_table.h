/* mechanism_table.h - what a family of mechanisms gives to the table, and the inside of an operation; for the files of
 * this folder alone. */
#ifndef STRONGROOM_MECHANISM_TABLE_H
#define STRONGROOM_MECHANISM_TABLE_H

#include "firmware/crypto/key_inside.h"
#include "firmware/crypto/operation.h"

/* Functions of a family. Those it does not have are NULL. `once` and `verify` see a fresh operation; a family without
 * `update` is single-part only. begin() checks the parameter and what is particular about the key, and leaves its state
 * in op->state; kind, key type, class and size against the table have been checked. A family needs no `once` when
 * update and final do it, and no `verify` and `verify_final` when it is a MAC or the like whose result is compared.
 * Functions append to `out`, whose room is at least output_max(). output_max() may be asked before begin() (state is
 * NULL then) and of parameters that begin() would refuse. */
struct mechanism_family {
    CK_RV (*begin)(struct operation *op);
    size_t (*output_max)(const struct operation *op, size_t in_len);
    CK_RV (*once)(struct operation *op, struct span in, struct output *out);
    CK_RV (*verify)(struct operation *op, struct span in, struct span signature);
    CK_RV (*update)(struct operation *op, struct span in, struct output *out);
    CK_RV (*final)(struct operation *op, struct output *out);
    CK_RV (*verify_final)(struct operation *op, struct span signature);
    void (*clear)(struct operation *op);
    /* For signature.h, which has all of the above for families that sign: of the hash or the bare input. */
    CK_RV (*sign)(struct operation *op, struct span in, struct output *out);
    CK_RV (*check)(struct operation *op, struct span in, struct span signature);
};

#define ANY_SECRET ((CK_KEY_TYPE)-1)

struct mechanism_entry {
    struct mechanism_facts facts;
    CK_KEY_TYPE key_type;                  /* ANY_SECRET: any secret key */
    const struct mechanism_family *family; /* NULL: generation, derivation, wrapping alone */
    const char *digest;                    /* combined mechanisms: OpenSSL's name of the hash; NULL: none */
    bool is_secret;                        /* works with secret keys */
    bool general;                          /* *_GENERAL: the caller chooses the length of the MAC */
    bool slow;
    const char *needs; /* OpenSSL's name of an algorithm that may be missing: "ML-DSA-65"; NULL */
};
const struct mechanism_entry *mechanism_entry(CK_MECHANISM_TYPE type);

#define OPERATION_INSIDE 96

struct operation {
    enum operation_kind kind;
    struct mechanism mechanism; /* the spans are copied into `parts` when the operation outlives the call */
    const struct mechanism_entry *entry;
    struct key *key;
    void *state; /* the family's */
    bool updated, ended;
    uint8_t *parts;
    _Alignas(16) uint8_t inside[OPERATION_INSIDE];
};
/* State of a family that needs no memory of its own: zeroed, within the operation, wiped with it. */
static inline void *operation_inside(struct operation *op, size_t size)
{
    INVARIANT(size <= sizeof op->inside);
    return op->state = memset(op->inside, 0, size);
}

extern const struct mechanism_family rsa_pkcs1_family, rsa_pss_family, rsa_raw_family, rsa_oaep_family; /* rsa.c */
extern const struct mechanism_family ecdsa_family, eddsa_family;    /* ecdsa.c, eddsa.c */
extern const struct mechanism_family ml_dsa_family, slh_dsa_family; /* pqc_signature.c */
extern const struct mechanism_family aes_ecb_family, aes_cbc_family, aes_ctr_family, aes_gcm_family; /* aes*.c */
extern const struct mechanism_family
    aes_wrap_family; /* AES_KEY_WRAP, _PAD and _KWP as C_Encrypt of the caller's bytes */
extern const struct mechanism_family cmac_family, gmac_family, hmac_family, digest_family;

#endif
