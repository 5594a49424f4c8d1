/* transport.h - keys that leave and enter, or follow from others: wrapping, unwrapping, derivation, encapsulation.
 * Rights and policy are the caller's; here are the mechanisms. */
#ifndef STRONGROOM_TRANSPORT_H
#define STRONGROOM_TRANSPORT_H

#include "firmware/crypto/operation.h"

/* Wrap `target` (class, type and value attributes) under `kek`: AES_KEY_WRAP (lengths of a multiple of 8), _PAD and
 * _KWP, RSA_PKCS_OAEP and RSA_PKCS (secret keys), RSA_AES_KEY_WRAP, AES_CBC_PAD and AES_GCM (policy decides whether).
 * `room` of `out` as wrap_max(). Errors: CKR_MECHANISM_INVALID, CKR_MECHANISM_PARAM_INVALID,
 * CKR_WRAPPING_KEY_TYPE_INCONSISTENT, CKR_WRAPPING_KEY_SIZE_RANGE, CKR_KEY_NOT_WRAPPABLE, CKR_KEY_SIZE_RANGE. */
size_t wrap_max(const struct mechanism *m, const struct key *kek, const struct attributes *target);
MUST_CHECK CK_RV wrap_key(const struct mechanism *m, struct key *kek, const struct attributes *target,
                          struct output *out);
/* The reverse: `target` has CKA_CLASS and CKA_KEY_TYPE (and CKA_VALUE_LEN, if the caller gave one, which must then fit)
 * and gets the value attributes, checked by key_complete(). Errors: CKR_WRAPPED_KEY_INVALID whatever is wrong with the
 * wrapped bytes; CKR_WRAPPED_KEY_LEN_RANGE; CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT; as above. */
MUST_CHECK CK_RV unwrap_key(const struct mechanism *m, struct key *kek, struct span wrapped, struct attributes *target);

/* C_DeriveKey: ECDH1_DERIVE (EC and MONTGOMERY; raw or X9.63 KDF with SHA-1, SHA-2), HKDF_DERIVE (RFC 5869),
 * ECDH1_COFACTOR. `salt_key` for HKDF with CKF_HKDF_SALT_KEY. `target` as in unwrap_key(): needs CKA_VALUE_LEN unless
 * the type fixes it. Errors: CKR_MECHANISM_INVALID (byte-wise derivations are not offered: THREATS.md 5.7);
 * CKR_MECHANISM_PARAM_INVALID (point off the curve, and so on); CKR_KEY_TYPE_INCONSISTENT; CKR_KEY_SIZE_RANGE;
 * CKR_TEMPLATE_INCOMPLETE. */
MUST_CHECK CK_RV derive_key(const struct mechanism *m, struct key *base, struct key *salt_key,
                            struct attributes *target);

/* ML-KEM (FIPS 203; PKCS#11 3.2, C_EncapsulateKey): `target` gets the shared secret. Decapsulation never fails for its
 * ciphertext's content (implicit rejection). Errors: as above; CKR_WRAPPED_KEY_LEN_RANGE. */
MUST_CHECK CK_RV encapsulate_key(const struct mechanism *m, struct key *public, struct output *ciphertext,
                                 struct attributes *target);
MUST_CHECK CK_RV decapsulate_key(const struct mechanism *m, struct key *private, struct span ciphertext,
                                 struct attributes *target);
size_t encapsulated_len(const struct key *public);

#endif
