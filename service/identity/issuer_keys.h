/* issuer_keys.h - keeps a verifier's keys those of the built-in authority, as it publishes them in the management
 * store. */
#ifndef STRONGROOM_IDENTITY_ISSUER_KEYS_H
#define STRONGROOM_IDENTITY_ISSUER_KEYS_H

#include "service/identity/verifier.h"
#include "service/store/store.h"

struct issuer_keys;

/* Errors: ST_IO; ST_NO_MEMORY. That nothing is published yet is no error: tokens verify once it is. */
MUST_CHECK enum status issuer_keys_watch(struct store *management, struct verifier *v, struct issuer_keys **out);
void issuer_keys_unwatch(struct issuer_keys *k);

#endif
