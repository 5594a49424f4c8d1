/* public_key.h - public keys as PKCS#11 attributes, as keys of libcrypto and as SubjectPublicKeyInfo. */
#ifndef STRONGROOM_PKCS11_PUBLIC_KEY_H
#define STRONGROOM_PKCS11_PUBLIC_KEY_H

#include "pkcs11/token/state.h"

/* The public key object `object` of the token, checked to be of `spec` (EC: and on its curve). Caller frees.
 * Errors: ST_INTERNAL the token gives something else; ST_UNAVAILABLE; ST_NO_MEMORY. */
MUST_CHECK enum status public_key_read(struct worker *w, CK_OBJECT_HANDLE object, const struct key_spec *spec,
                                       EVP_PKEY **out);
/* SubjectPublicKeyInfo, DER (RFC 5280, 4.1.2.7; RFC 5480). Errors: ST_NO_MEMORY. */
MUST_CHECK enum status public_key_der(EVP_PKEY *key, struct bytes *out);
/* Type and size of the RSA or EC object. Errors: ST_UNSUPPORTED none that we make; ST_UNAVAILABLE. */
MUST_CHECK enum status public_key_spec(struct worker *w, CK_OBJECT_HANDLE object, struct key_spec *out);
/* CKA_EC_PARAMS: the DER of the curve's object identifier. */
struct span public_key_ec_params(enum key_curve curve);

#endif
