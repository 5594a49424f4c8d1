/* der.h - the little DER that stands between the vectors and a token, read strictly (X.690, 10 and 11): PKCS#11 takes a
 * signature as r and s side by side and a public key as a point. */
#ifndef STRONGROOM_TESTS_VECTORS_DER_H
#define STRONGROOM_TESTS_VECTORS_DER_H

#include "firmware/base/bytes.h"

/* Ecdsa-Sig-Value as r || s, each of at least `len` bytes (more, where the numbers are longer: the token's to refuse).
 * `out` has room for 2 * DER_NUMBER_MAX. False: no DER, or a negative number. */
#define DER_NUMBER_MAX 1024
bool der_signature(struct span in, size_t len, uint8_t *out, size_t *out_len);
/* SubjectPublicKeyInfo of an EC key on a named curve: its OID (whole, with tag) and the point. */
bool der_ec_public(struct span in, struct span *oid, struct span *point);
/* OCTET STRING around `in`, at most 255 bytes of it; `out` has room for in.len + 3. */
struct span der_octets(struct span in, uint8_t *out);

#endif
