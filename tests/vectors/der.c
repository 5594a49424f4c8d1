#include "tests/vectors/der.h"

#define TAG_INTEGER    0x02
#define TAG_BIT_STRING 0x03
#define TAG_OID        0x06
#define TAG_SEQUENCE   0x30

/* Take one element with `tag` off the front of *in: definite, shortest length. */
static bool take(struct span *in, uint8_t tag, struct span *content)
{
    size_t len, head = 2;

    if (in->len < 2 || in->p[0] != tag)
        return false;
    len = in->p[1];
    if (len > 0x80) {
        size_t bytes = len - 0x80;

        if (bytes > 2 || in->len < 2 + bytes)
            return false;
        for (len = 0; head < 2 + bytes; head++)
            len = len << 8 | in->p[head];
        if (len < (bytes == 1 ? 0x80u : 0x100u))
            return false;
    } else if (len == 0x80) {
        return false;
    }
    if (in->len - head < len)
        return false;
    *content = span_of(in->p + head, len);
    *in = span_of(in->p + head + len, in->len - head - len);
    return true;
}

static bool take_number(struct span *in, struct span *number)
{
    if (!take(in, TAG_INTEGER, number) || number->len == 0 || (number->p[0] & 0x80) != 0)
        return false;
    if (number->len > 1 && number->p[0] == 0) {
        if ((number->p[1] & 0x80) == 0)
            return false;
        *number = span_of(number->p + 1, number->len - 1);
    }
    return number->len <= DER_NUMBER_MAX;
}

bool der_signature(struct span in, size_t len, uint8_t *out, size_t *out_len)
{
    struct span body, r, s;

    if (!take(&in, TAG_SEQUENCE, &body) || in.len != 0 || !take_number(&body, &r) || !take_number(&body, &s) ||
        body.len != 0)
        return false;
    len = r.len > len ? r.len : len;
    len = s.len > len ? s.len : len;
    memset(out, 0, 2 * len);
    memcpy(out + len - r.len, r.p, r.len);
    memcpy(out + 2 * len - s.len, s.p, s.len);
    *out_len = 2 * len;
    return true;
}

bool der_ec_public(struct span in, struct span *oid, struct span *point)
{
    static const uint8_t ec_public_key[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01 };
    struct span body, algorithm, name, whole;

    if (!take(&in, TAG_SEQUENCE, &body) || in.len != 0 || !take(&body, TAG_SEQUENCE, &algorithm) ||
        !take(&algorithm, TAG_OID, &name) || !span_equal(name, span_of(ec_public_key, sizeof ec_public_key)))
        return false;
    whole = algorithm;
    if (!take(&algorithm, TAG_OID, &name) || algorithm.len != 0 || !take(&body, TAG_BIT_STRING, point) ||
        body.len != 0 || point->len < 1 || point->p[0] != 0)
        return false;
    *oid = whole;
    *point = span_of(point->p + 1, point->len - 1);
    return true;
}

struct span der_octets(struct span in, uint8_t *out)
{
    size_t head = 0;

    INVARIANT(in.len <= 255);
    out[head++] = 0x04;
    if (in.len > 0x7f)
        out[head++] = 0x81;
    out[head++] = (uint8_t)in.len;
    if (in.len > 0)
        memcpy(out + head, in.p, in.len);
    return span_of(out, head + in.len);
}
