/* key_op.h - the operations a key may be used for: the `key_ops` of a JSON Web Key (RFC 7517, 4.3). */
#ifndef STRONGROOM_VAULT_KEY_OP_H
#define STRONGROOM_VAULT_KEY_OP_H

#include "pkcs11/token/key_spec.h"

enum key_op { /* bit numbers are stored: never renumber */
              KEY_OP_ENCRYPT = 0,
              KEY_OP_DECRYPT,
              KEY_OP_SIGN,
              KEY_OP_VERIFY,
              KEY_OP_WRAP_KEY,
              KEY_OP_UNWRAP_KEY,
              KEY_OP_IMPORT,
              KEY_OP_EXPORT,
              KEY_OP_COUNT
};

/* "wrapKey". Never NULL for a valid op. */
const char *key_op_name(enum key_op op);
/* KEY_OP_COUNT when unknown; case matters, as in the RFC. */
enum key_op key_op_by_name(struct span name);
/* The operations of a key for which none were asked. */
unsigned key_ops_default(enum key_type type);
/* May a key of this kind have these operations at all? An oct key is for MACs or for ciphers, not both. */
bool key_ops_fit(enum key_type type, unsigned ops);
/* What the token must let the key do (KEY_USE_*); never 0. */
unsigned key_ops_uses(enum key_type type, unsigned ops);

#endif
