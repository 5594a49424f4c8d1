/* key.h - a key ready for use: what the mechanisms work with. Made from an object's attributes once, then immutable, so
 * any number of threads may use it at the same time; counted, and wiped when the last reference goes.
 *
 * Everything here and in its neighbours speaks CK_RV: a PKCS#11 token's verdicts are the standard's own codes.
 *
 * Value attributes of keys (the object's other attributes do not matter here):
 *   RSA public      MODULUS, PUBLIC_EXPONENT, MODULUS_BITS
 *   RSA private     MODULUS, PUBLIC_EXPONENT, PRIVATE_EXPONENT, PRIME_1, PRIME_2, EXPONENT_1, EXPONENT_2, COEFFICIENT
 *   EC, EDWARDS, MONTGOMERY public     EC_PARAMS (DER, named curve), EC_POINT (DER OCTET STRING; for Ed25519 and X25519
 * an OCTET STRING, too; a raw point is accepted on import and completed) EC, EDWARDS, MONTGOMERY private    EC_PARAMS,
 * VALUE (the scalar, big-endian; or the 32-byte seed), and EC_POINT, which we keep with it ML_DSA, ML_KEM, SLH_DSA
 * public     PARAMETER_SET, VALUE ML_DSA, ML_KEM private             PARAMETER_SET, VALUE (expanded), SEED (when
 * known), and the public key as CKA_PUBLIC_KEY_INFO SLH_DSA private                    PARAMETER_SET, VALUE secret keys
 * VALUE, VALUE_LEN */
#ifndef STRONGROOM_KEY_H
#define STRONGROOM_KEY_H

#include "firmware/crypto/attributes.h"
#include "firmware/wire/mechanism.h"

struct key;

/* From attributes that key_complete(), key_generate() or a sealed blob vouch for: no checks beyond what loading needs.
 * Needs CKA_CLASS and CKA_KEY_TYPE. Fast: never through a decoder of DER (a P-256 key in at most 30 us).
 * Errors: CKR_ATTRIBUTE_VALUE_INVALID; CKR_HOST_MEMORY; CKR_DEVICE_ERROR. */
MUST_CHECK CK_RV key_load(const struct attributes *a, struct key **out);
struct key *key_ref(struct key *k);
void key_unref(struct key *k); /* NULL is fine */

CK_OBJECT_CLASS key_class(const struct key *k);
CK_KEY_TYPE key_type(const struct key *k);
unsigned key_bits(const struct key *k); /* RSA modulus; EC order; secret: 8 * length; PQC: 0 */

/* A key that comes from outside (C_CreateObject, an unwrapped blob, a derivation): check every value attribute as
 * THREATS.md 5.6 asks (RSA: sizes, odd exponent of at least 65537, e d = 1, p q = n, CRT values, ROCA, close or equal
 * primes, small factors; EC: named curve, point on it, scalar in 1..n-1, point belongs to scalar; and so on, in bounded
 * time), and add those that follow from the others (CRT values, EC_POINT, MODULUS_BITS, VALUE_LEN, ...).
 * Errors: CKR_TEMPLATE_INCOMPLETE; CKR_TEMPLATE_INCONSISTENT; CKR_ATTRIBUTE_VALUE_INVALID; CKR_KEY_SIZE_RANGE;
 * CKR_CURVE_NOT_SUPPORTED; CKR_HOST_MEMORY. */
MUST_CHECK CK_RV key_complete(struct attributes *a);

/* Generate. The template's value-determining attributes (MODULUS_BITS, PUBLIC_EXPONENT, EC_PARAMS, PARAMETER_SET,
 * VALUE_LEN) are read from `public` (pairs) or `secret`; the value attributes of the new key are added to both, with
 * CKA_KEY_TYPE where it is missing. A pairwise consistency test is made before it returns (FIPS 140-3).
 * Errors: as key_complete(), CKR_MECHANISM_INVALID, CKR_DEVICE_ERROR (the pairwise test, which is a fault: the caller
 * takes the keystore to its error state). */
MUST_CHECK CK_RV key_generate_pair(const struct mechanism *m, struct attributes *public, struct attributes *private);
MUST_CHECK CK_RV key_generate_secret(const struct mechanism *m, struct attributes *secret);

/* The private key as PKCS#8 (RFC 5208; PQC as RFC 9881 and kin, seed and expanded), for wrapping; wiped by the caller.
 * Secret keys: the value itself. *out is malloc'ed: secret_wipe() and free() it. */
MUST_CHECK CK_RV key_encode(const struct attributes *a, uint8_t **out, size_t *len);
/* The value attributes out of that, for the class and type in `a`. What was decoded is not checked: key_complete()
 * follows. Errors: CKR_WRAPPED_KEY_INVALID. */
MUST_CHECK CK_RV key_decode(struct attributes *a, struct span encoded);

/* For a private or public key: the SubjectPublicKeyInfo (CKA_PUBLIC_KEY_INFO) into `a`, where it is missing. */
MUST_CHECK CK_RV key_add_public_info(struct attributes *a);

#endif
