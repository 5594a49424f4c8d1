/* operation.h - one job from check to result: which key, may it, which mechanism. */
#ifndef STRONGROOM_PKCS11_OPERATION_H
#define STRONGROOM_PKCS11_OPERATION_H

#include "pkcs11/token/state.h"

/* Carry out `job`. True: its status and results are set. False: it is not the caller's any more. Either it waits for
 * another worker that is opening the same key, and comes back through the queue; or it is in the worker's batch, whose
 * batch_run() ends it. */
bool operation_run(struct worker *w, struct token_job *job);

#endif
