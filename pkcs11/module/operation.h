/* operation.h - the cryptographic operations of a session: begun by C_*Init, whole or in parts.
 *
 *   Init     is checked here, with what the key cache knows, and told to the keystore only when it must be
 *   whole    one request (COMPUTE); longer data than fits into one goes in parts
 *   parts    the first part sends OPERATION_BEGIN
 * An error ends an operation, but CKR_BUFFER_TOO_SMALL, and a question for a length, leave it as it was; output that
 * the keystore has given and that did not fit waits here for the next try (PKCS#11 5.2; THREATS.md 5.7). */
#ifndef STRONGROOM_PKCS11_MODULE_OPERATION_H
#define STRONGROOM_PKCS11_MODULE_OPERATION_H

#include "pkcs11/module/session.h"

/* `mechanism` NULL: end the operation, if there is one (3.0, 5.8). `key` is ignored for digests. */
MUST_CHECK CK_RV operation_init(struct session *s, enum operation_kind kind, const CK_MECHANISM *mechanism,
                                CK_OBJECT_HANDLE key);
/* C_VerifySignatureInit: the signature is given first. */
MUST_CHECK CK_RV operation_init_signature(struct session *s, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key,
                                          CK_BYTE_PTR signature, CK_ULONG signature_len);
MUST_CHECK CK_RV operation_whole(struct session *s, enum operation_kind kind, CK_BYTE_PTR in, CK_ULONG in_len,
                                 CK_BYTE_PTR out, CK_ULONG_PTR out_len);
/* Of encryptions and decryptions. */
MUST_CHECK CK_RV operation_part(struct session *s, enum operation_kind kind, CK_BYTE_PTR in, CK_ULONG in_len,
                                CK_BYTE_PTR out, CK_ULONG_PTR out_len);
/* Of signatures, verifications and digests; `signature_first`: by C_VerifySignatureUpdate. */
MUST_CHECK CK_RV operation_absorb(struct session *s, enum operation_kind kind, CK_BYTE_PTR in, CK_ULONG in_len,
                                  bool signature_first);
MUST_CHECK CK_RV operation_absorb_key(struct session *s, CK_OBJECT_HANDLE key);
MUST_CHECK CK_RV operation_finish(struct session *s, enum operation_kind kind, CK_BYTE_PTR out, CK_ULONG_PTR out_len);
/* Verifications; `signature` is NULL when it was given first. */
MUST_CHECK CK_RV operation_verify(struct session *s, CK_BYTE_PTR data, CK_ULONG data_len, const struct span *signature);
MUST_CHECK CK_RV operation_verify_finish(struct session *s, const struct span *signature);

bool operation_is_active(const struct session *s, enum operation_kind kind);
/* End it, at the keystore too. */
void operation_cancel(struct session *s, enum operation_kind kind);
/* Forget it here; wipes. */
void operation_clear(struct active *a);

#endif
