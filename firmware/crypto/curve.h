/* curve.h - the curves we offer, found by CKA_EC_PARAMS: a named curve's OID, or for Edwards and Montgomery keys the
 * PrintableString of PKCS#11 2.40 and 3.0, too. Explicit parameters are not understood, on purpose. For the files of
 * this folder alone. */
#ifndef STRONGROOM_CURVE_H
#define STRONGROOM_CURVE_H

#include "firmware/base/bytes.h"
#include "firmware/wire/pkcs11.h"

#define CURVE_SCALAR_MAX 66                         /* P-521 */
#define CURVE_POINT_MAX  (1 + 2 * CURVE_SCALAR_MAX) /* 04 X Y */

struct curve {
    CK_KEY_TYPE type;      /* CKK_EC, CKK_EC_EDWARDS or CKK_EC_MONTGOMERY */
    const char *name;      /* OpenSSL's: of the group, or of the key type */
    int nid;               /* of the group; 0 for Edwards and Montgomery */
    unsigned bits;         /* of the order */
    size_t scalar_len;     /* a scalar or a seed; r and s have this length, too */
    size_t point_len;      /* the point as we take it: 04 X Y, or the 32 bytes of RFC 7748 and 8032 */
    unsigned verify_gap;   /* ECDSA: see ecdsa.c */
    struct span oid;       /* DER, with tag and length */
    const char *printable; /* NULL: none */
};

/* NULL: not one of ours, or not for this type of key. */
const struct curve *curve_by_params(CK_KEY_TYPE type, struct span ec_params);

/* The point inside CKA_EC_POINT: a DER OCTET STRING, or the bare point, whichever fits the curve's length. Its form is
 * checked (uncompressed), not that it lies on the curve. p == NULL: neither. */
struct span curve_point(const struct curve *c, struct span ec_point);

#endif
