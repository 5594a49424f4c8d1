/* shape.h - one operation of a job as one call of the token: mechanism, input, room for the result. For tokens that
 * offer all of an algorithm (our keystore); what SoftHSM lacks is made up for in mech_*.c. The call itself is the
 * caller's: by the standard's functions, or many at a time (batch.h). */
#ifndef STRONGROOM_PKCS11_SHAPE_H
#define STRONGROOM_PKCS11_SHAPE_H

#include "pkcs11/module/strongroom.h"
#include "pkcs11/token/state.h"

#define SHAPE_INFO_MAX (19 + 64) /* DigestInfo of SHA-512 */
#define SHAPE_MAC_MAX  64

struct shape {
    CK_STRONGROOM_OPERATION operation;
    CK_MECHANISM mechanism;
    union {
        CK_RSA_PKCS_PSS_PARAMS pss;
        CK_RSA_PKCS_OAEP_PARAMS oaep;
        CK_GCM_PARAMS gcm;
    } params;
    struct span input;
    uint8_t own[SHAPE_INFO_MAX]; /* an input that is made here; the MAC that is compared */
    struct bytes joined;         /* ciphertext and tag, in one */
    uint8_t *out;
    size_t room;
};

/* Errors: ST_BAD_REQUEST, ST_BAD_CIPHERTEXT a length; ST_NO_MEMORY; ST_INTERNAL no random bytes. */
MUST_CHECK enum status shape_make(struct token_job *job, const struct token_key *key, struct shape *s);
/* The result of the call, of `len` bytes, into the job's results. */
MUST_CHECK enum status shape_finish(struct token *t, struct token_job *job, struct shape *s, CK_RV rv, size_t len);
void shape_clear(struct shape *s);

#endif
