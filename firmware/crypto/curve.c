#include "firmware/crypto/curve.h"

#include <openssl/obj_mac.h>

#include "firmware/crypto/der.h"

#define OID(...)                                                                                                       \
    {                                                                                                                  \
        .p = (const uint8_t[]){ __VA_ARGS__ }, .len = sizeof((const uint8_t[]){ __VA_ARGS__ })                         \
    }

static const struct curve curves[] = {
    { CKK_EC, "P-256", NID_X9_62_prime256v1, 256, 32, 65, 64,
      OID(0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07), NULL },
    { CKK_EC, "P-384", NID_secp384r1, 384, 48, 97, 64, OID(0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22), NULL },
    { CKK_EC, "P-521", NID_secp521r1, 521, 66, 133, 1, OID(0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23), NULL },
    { CKK_EC, "secp256k1", NID_secp256k1, 256, 32, 65, 1, OID(0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a), NULL },
    { CKK_EC_EDWARDS, "ED25519", 0, 255, 32, 32, 1, OID(0x06, 0x03, 0x2b, 0x65, 0x70), "edwards25519" },
    { CKK_EC_MONTGOMERY, "X25519", 0, 255, 32, 32, 1, OID(0x06, 0x03, 0x2b, 0x65, 0x6e), "curve25519" },
};

const struct curve *curve_by_params(CK_KEY_TYPE type, struct span ec_params)
{
    struct span rest = ec_params, name;
    bool printable = der_take(&rest, DER_PRINTABLE, &name) && rest.len == 0;

    for (unsigned i = 0; i < ARRAY_LEN(curves); i++) {
        const struct curve *c = &curves[i];

        if (c->type == type &&
            (span_equal(c->oid, ec_params) || (printable && c->printable != NULL && span_is(name, c->printable))))
            return c;
    }
    return NULL;
}

struct span curve_point(const struct curve *c, struct span ec_point)
{
    struct span rest = ec_point, point = ec_point;

    if (ec_point.len != c->point_len && (!der_take(&rest, DER_OCTETS, &point) || rest.len != 0))
        return span_of(NULL, 0);
    if (point.len != c->point_len || (c->type == CKK_EC && point.p[0] != 0x04))
        return span_of(NULL, 0);
    return point;
}
