#include "firmware/domain/payload.h"

#include "firmware/base/big_endian.h"

#define FORMAT 1

/* --- limits --- */

static bool is_name(struct span s)
{
    return s.len <= PARTITION_NAME_MAX && (s.len == 0 || memchr(s.p, '\0', s.len) == NULL);
}

static bool is_holder(const struct payload *p, size_t i)
{
    const struct payload_holder *h = &p->holders[i];

    for (size_t before = 0; before < i; before++)
        if (span_equal(p->holders[before].certificate, h->certificate))
            return false;
    return is_name(h->name) && h->certificate.len > 0 && h->certificate.len <= CERTIFICATE_MAX;
}

bool payload_is_valid(const struct payload *p)
{
    if (p->holder_count < HOLDERS_MIN || p->holder_count > HOLDERS_MAX || p->required < QUORUM_MIN ||
        p->required > QUORUM_MAX || p->required > p->holder_count || !is_name(p->name))
        return false;
    for (size_t i = 0; i < p->holder_count; i++)
        if (!is_holder(p, i))
            return false;
    return true;
}

/* --- packing --- */

static uint8_t *put(uint8_t *to, struct span s)
{
    if (s.len > 0)
        memcpy(to, s.p, s.len);
    return to + s.len;
}

static uint8_t *put_counted(uint8_t *to, struct span s, unsigned count_len)
{
    return put(be_put(to, s.len, count_len), s);
}

static size_t packed_len(const struct payload *p)
{
    size_t len = 1 + DOMAIN_ID_LEN + DOMAIN_KEY_LEN + 4 + 1 + 1 + p->name.len + 1;

    for (size_t i = 0; i < p->holder_count; i++)
        len += 1 + p->holders[i].name.len + 2 + p->holders[i].certificate.len;
    return len;
}

enum status payload_pack(const struct payload *p, struct secret *out)
{
    enum status st;
    uint8_t *to;

    secret_clear(out);
    if (!payload_is_valid(p))
        return ST_BAD_REQUEST;
    if ((st = secret_grow(out, packed_len(p))) != ST_OK)
        return st;
    to = be_put(out->p, FORMAT, 1);
    to = put(to, span_of(p->domain_id, sizeof p->domain_id));
    to = put(to, span_of(p->domain_key, sizeof p->domain_key));
    to = be_put(to, p->generation, 4);
    to = be_put(to, p->required, 1);
    to = put_counted(to, p->name, 1);
    to = be_put(to, p->holder_count, 1);
    for (size_t i = 0; i < p->holder_count; i++)
        to = put_counted(put_counted(to, p->holders[i].name, 1), p->holders[i].certificate, 2);
    out->len = (size_t)(to - out->p);
    INVARIANT(out->len == packed_len(p));
    return ST_OK;
}

/* --- unpacking: each takes from the front of *in; false when there is less --- */

static bool take(struct span *in, size_t len, struct span *out)
{
    if (in->len < len)
        return false;
    *out = span_of(in->p, len);
    *in = span_of(in->p + len, in->len - len);
    return true;
}

static bool take_number(struct span *in, unsigned len, uint32_t *out)
{
    struct span s;

    if (!take(in, len, &s))
        return false;
    *out = (uint32_t)be_get(s.p, len);
    return true;
}

static bool take_bytes(struct span *in, uint8_t *out, size_t len)
{
    struct span s;

    if (!take(in, len, &s))
        return false;
    memcpy(out, s.p, len);
    return true;
}

static bool take_counted(struct span *in, unsigned count_len, struct span *out)
{
    uint32_t len;

    return take_number(in, count_len, &len) && take(in, len, out);
}

static bool take_holders(struct span *in, struct payload *p)
{
    uint32_t count;

    if (!take_number(in, 1, &count) || count > HOLDERS_MAX)
        return false;
    for (; p->holder_count < count; p->holder_count++) {
        struct payload_holder *h = &p->holders[p->holder_count];

        if (!take_counted(in, 1, &h->name) || !take_counted(in, 2, &h->certificate))
            return false;
    }
    return true;
}

static enum status unpack(struct span in, struct payload *p)
{
    uint32_t format;

    if (!take_number(&in, 1, &format))
        return ST_CORRUPT;
    if (format != FORMAT)
        return ST_UNSUPPORTED;
    if (!take_bytes(&in, p->domain_id, sizeof p->domain_id) || !take_bytes(&in, p->domain_key, sizeof p->domain_key) ||
        !take_number(&in, 4, &p->generation) || !take_number(&in, 1, &p->required) || !take_counted(&in, 1, &p->name) ||
        !take_holders(&in, p) || in.len != 0 || !payload_is_valid(p))
        return ST_CORRUPT;
    return ST_OK;
}

enum status payload_unpack(struct secret *packed, struct payload *out)
{
    enum status st;

    INVARIANT(out->packed.p == NULL);
    *out = (struct payload){ 0 };
    secret_move(&out->packed, packed);
    if ((st = unpack(secret_span(&out->packed), out)) != ST_OK)
        payload_clear(out);
    return st;
}

void payload_clear(struct payload *p)
{
    secret_clear(&p->packed);
    secret_wipe(p, sizeof *p);
}
