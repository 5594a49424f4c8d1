/* signer.h - signs checkpoints on a thread of its own: the key is in a token, which may be slow or away, and records
 * must not wait for it. One signature at a time. Private to this folder; used by the audit thread alone. */
#ifndef STRONGROOM_AUDIT_SIGNER_H
#define STRONGROOM_AUDIT_SIGNER_H

#include "service/audit/checkpoint.h"

struct signer;

/* A checkpoint as it goes into the chain. */
struct signed_checkpoint {
    struct chain_point at;
    enum checkpoint_reason reason;
    enum status status;  /* ST_OK; ST_UNAVAILABLE, ST_NO_MEMORY: there is no signature */
    struct bytes record; /* of its line; the taker's to clear */
};

/* `key` is referenced. `ready` is called on the signer's thread when there is something to take.
 * Errors: ST_NO_MEMORY; ST_UNAVAILABLE no thread. */
MUST_CHECK enum status signer_start(EVP_PKEY *key, void (*ready)(void *arg), void *arg, struct signer **out);
/* Waits for a signature under way. NULL does nothing. */
void signer_stop(struct signer *s);

/* Ask for a checkpoint that speaks for `at`. False: it has one under way, or one that nobody took. */
bool signer_ask(struct signer *s, const struct chain_point *at, enum checkpoint_reason reason);
/* True and *out when a checkpoint is ready. `wait`: wait for the one that was asked for, if any. */
bool signer_take(struct signer *s, bool wait, struct signed_checkpoint *out);

#endif
