/* signature.h - what the families of signatures share: the hash in front of a combined mechanism, and how often a
 * signature is verified before it leaves. For the files of this folder alone. */
#ifndef STRONGROOM_SIGNATURE_H
#define STRONGROOM_SIGNATURE_H

#include "firmware/crypto/hash.h"
#include "firmware/crypto/mechanism_table.h"

/* Members of a family that has `sign` and `check`: they get the hash, or the input itself where the mechanism has none.
 * Without a hash there are no parts: CKR_FUNCTION_NOT_SUPPORTED. */
CK_RV signature_once(struct operation *op, struct span in, struct output *out);
CK_RV signature_verify(struct operation *op, struct span in, struct span signature);
CK_RV signature_update(struct operation *op, struct span in, struct output *out);
CK_RV signature_final(struct operation *op, struct output *out);
CK_RV signature_verify_final(struct operation *op, struct span signature);
void signature_clear(struct operation *op);

/* All but once, which is signature_once() where the family only signs. */
#define SIGNATURE_MEMBERS                                                                                              \
    .verify = signature_verify, .update = signature_update, .final = signature_final,                                  \
    .verify_final = signature_verify_final, .clear = signature_clear

/* One signature in `gap`, at random: nobody can foresee which. *left counts down to the next; the caller keeps one for
 * each thread, starting at 0. Errors: CKR_DEVICE_ERROR no randomness. */
MUST_CHECK CK_RV signature_must_verify(unsigned *left, unsigned gap, bool *must);

#endif
