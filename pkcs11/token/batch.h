/* batch.h - a worker's jobs handed to the token together, by the batch interface that our own module offers: one write
 * for all of them, one wake-up when they are done. Belongs to one worker. */
#ifndef STRONGROOM_PKCS11_BATCH_H
#define STRONGROOM_PKCS11_BATCH_H

#include "pkcs11/token/shape.h"

struct batch;

/* Errors: ST_UNAVAILABLE. */
MUST_CHECK enum status batch_open(struct worker *w, const CK_STRONGROOM_FUNCTION_LIST *f, struct batch **out);
void batch_close(struct batch *b); /* NULL is fine */
bool batch_is_full(const struct batch *b);
/* Take the job in. `pinned` (may be NULL) is released when it is done. Any status but ST_OK: it was not taken. */
MUST_CHECK enum status batch_add(struct batch *b, struct token_job *job, const struct token_key *key,
                                 struct cached_key *pinned);
/* Have them all done, and call their `done`. */
void batch_run(struct worker *w);

#endif
