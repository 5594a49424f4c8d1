/* sealing.h - making, opening and rebinding sealed keys, by the domain key (wraps) and the binding key (MACs). */
#ifndef STRONGROOM_PKCS11_SEALING_H
#define STRONGROOM_PKCS11_SEALING_H

#include "pkcs11/token/state.h"

/* TOKEN_GENERATE: a session key, wrapped, MACed and destroyed again. */
MUST_CHECK enum status sealing_generate(struct worker *w, struct token_job *job);
/* TOKEN_RESEAL: the same wrapped bytes under a new MAC; the key itself is not touched. */
MUST_CHECK enum status sealing_reseal(struct worker *w, struct token_job *job);
/* Check the MAC, then unwrap into an object of the worker's owner session; fills k->key, k->mac and k->modulus.
 * Errors: ST_CORRUPT; ST_UNSUPPORTED not provisioned; ST_UNAVAILABLE. */
MUST_CHECK enum status sealing_open(struct worker *w, const struct sealed_key *sealed, struct cached_key *k);
/* Destroy an object that sealing_open() made; any worker may. */
void sealing_close(struct worker *w, CK_OBJECT_HANDLE object);

/* Find the domain keys and the binding key, and refuse those that are not locked down. Leaves the token without them
 * when there are none. Errors: ST_UNAVAILABLE; ST_INTERNAL. */
MUST_CHECK enum status sealing_find_keys(struct worker *w);
/* Make what sealing_find_keys() does not find, in the read-write session `rw`. */
MUST_CHECK enum status sealing_make_keys(struct worker *w, CK_SESSION_HANDLE rw);

#endif
