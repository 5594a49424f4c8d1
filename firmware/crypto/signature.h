/* signature.h - what the families of signatures share: the hash in front of a combined mechanism, and how often a
 * signature is verified before it leaves. For the files of this folder alone. */
#ifndef STRONGROOM_SIGNATURE_H
#define STRONGROOM_SIGNATURE_H

#include "firmware/crypto/hash.h"
#include "firmware/crypto/mechanism_table.h"

/* What is signed: for a combined mechanism the hash of `in`, made in `memory`; else `in` itself. */
MUST_CHECK CK_RV signature_input(const struct operation *op, struct span in, uint8_t memory[HASH_LEN_MAX],
                                 struct span *out);
/* The same in parts; update and clear are members of mechanism_family. CKR_FUNCTION_NOT_SUPPORTED without a hash. */
CK_RV signature_update(struct operation *op, struct span in, struct output *out);
MUST_CHECK CK_RV signature_input_end(struct operation *op, uint8_t memory[HASH_LEN_MAX], struct span *out);
void signature_clear(struct operation *op);

/* One signature in `gap`, at random: nobody can foresee which. *left counts down to the next; the caller keeps one for
 * each thread, starting at 0. Errors: CKR_DEVICE_ERROR no randomness. */
MUST_CHECK CK_RV signature_must_verify(unsigned *left, unsigned gap, bool *must);

#endif
