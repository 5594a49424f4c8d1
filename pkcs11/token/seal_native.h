/* seal_native.h - sealed keys on a token that seals by itself (CKM_STRONGROOM_SEAL): type, rights and all other
 * attributes travel inside the blob, authenticated by the token; the binding (public key, uses, the caller's context)
 * is its additional data. The key is made with the rights of its uses and is never extractable, not even for a moment.
 */
#ifndef STRONGROOM_PKCS11_SEAL_NATIVE_H
#define STRONGROOM_PKCS11_SEAL_NATIVE_H

#include "pkcs11/token/seal_blob.h"

/* Wrap `key` under the binding into `out`. Errors: as call_result(). */
MUST_CHECK enum status seal_native_close(struct worker *w, CK_OBJECT_HANDLE key, const struct seal_binding *binding,
                                         struct bytes *out);
/* Unwrap into an object of `session`. Errors: ST_CORRUPT another binding, or an edited blob; as call_result(). */
MUST_CHECK enum status seal_native_open(struct worker *w, CK_SESSION_HANDLE session, const struct sealed_key *sealed,
                                        CK_OBJECT_HANDLE *out);
/* TOKEN_RESEAL. */
MUST_CHECK enum status seal_native_reseal(struct worker *w, struct token_job *job);

#endif
