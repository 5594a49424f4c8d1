/* persistent.h - the token's own key pairs, by label: their handles for signing through the workers, and as EVP_PKEYs
 * through libp11. */
#ifndef STRONGROOM_PKCS11_PERSISTENT_H
#define STRONGROOM_PKCS11_PERSISTENT_H

#include "pkcs11/token/state.h"

/* The private key with this label, from a small table that a new connection empties.
 * Errors: ST_NOT_FOUND none, or several; ST_UNSUPPORTED no kind of ours; ST_UNAVAILABLE. */
MUST_CHECK enum status persistent_find(struct worker *w, const char *label, struct token_key *out);
void persistent_forget(struct token *t);

#endif
