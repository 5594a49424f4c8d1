#include "board/sim/tpm_marshal.h"

void tpm_put(struct tpm_writer *w, const void *p, size_t len)
{
    if (w->failed || len > sizeof w->p - w->len) {
        w->failed = true;
        return;
    }
    if (len > 0)
        memcpy(w->p + w->len, p, len);
    w->len += len;
}

void tpm_put_u8(struct tpm_writer *w, uint8_t v)
{
    tpm_put(w, &v, 1);
}

void tpm_put_u16(struct tpm_writer *w, uint16_t v)
{
    uint8_t b[2] = { (uint8_t)(v >> 8), (uint8_t)v };

    tpm_put(w, b, sizeof b);
}

void tpm_put_u32(struct tpm_writer *w, uint32_t v)
{
    tpm_put_u16(w, (uint16_t)(v >> 16));
    tpm_put_u16(w, (uint16_t)v);
}

void tpm_put_sized(struct tpm_writer *w, struct span s)
{
    if (s.len > UINT16_MAX)
        w->failed = true;
    tpm_put_u16(w, (uint16_t)s.len);
    tpm_put(w, s.p, s.len);
}

size_t tpm_size_begin(struct tpm_writer *w)
{
    tpm_put_u16(w, 0);
    return w->len;
}

void tpm_size_end(struct tpm_writer *w, size_t begun)
{
    size_t len = w->len - begun;

    if (w->failed)
        return;
    w->p[begun - 2] = (uint8_t)(len >> 8);
    w->p[begun - 1] = (uint8_t)len;
}

struct span tpm_get(struct tpm_reader *r, size_t len)
{
    struct span got = { NULL, 0 };

    if (r->failed || len > r->rest.len) {
        r->failed = true;
        return got;
    }
    got = span_of(r->rest.p, len);
    r->rest = span_of(r->rest.p + len, r->rest.len - len);
    return got;
}

uint8_t tpm_get_u8(struct tpm_reader *r)
{
    struct span s = tpm_get(r, 1);

    return s.len == 1 ? s.p[0] : 0;
}

uint16_t tpm_get_u16(struct tpm_reader *r)
{
    struct span s = tpm_get(r, 2);

    return s.len == 2 ? (uint16_t)(s.p[0] << 8 | s.p[1]) : 0;
}

uint32_t tpm_get_u32(struct tpm_reader *r)
{
    uint32_t high = tpm_get_u16(r);

    return high << 16 | tpm_get_u16(r);
}

struct span tpm_get_sized(struct tpm_reader *r)
{
    return tpm_get(r, tpm_get_u16(r));
}
