#include "firmware/crypto/der.h"

static struct span without_zeros(struct span n)
{
    while (n.len > 0 && n.p[0] == 0)
        n = span_of(n.p + 1, n.len - 1);
    return n;
}

bool der_take(struct span *in, uint8_t tag, struct span *content)
{
    size_t len, header = 2;

    if (in->len < 2 || in->p[0] != tag)
        return false;
    len = in->p[1];
    if (len >= 0x80) { /* the long form: at most 4 bytes, and only where the short one does not do */
        size_t bytes = len & 0x7f;

        if (bytes == 0 || bytes > 4 || in->len < 2 + bytes || in->p[2] == 0)
            return false;
        len = 0;
        for (size_t i = 0; i < bytes; i++)
            len = len << 8 | in->p[2 + i];
        if (len < 0x80)
            return false;
        header += bytes;
    }
    if (len > in->len - header)
        return false;
    *content = span_of(in->p + header, len);
    *in = span_of(in->p + header + len, in->len - header - len);
    return true;
}

bool der_take_number(struct span *in, struct span *magnitude)
{
    struct span rest = *in, n;

    if (!der_take(&rest, DER_INTEGER, &n) || n.len == 0 || (n.p[0] & 0x80) != 0 ||
        (n.len > 1 && n.p[0] == 0 && (n.p[1] & 0x80) == 0))
        return false;
    *magnitude = without_zeros(n);
    *in = rest;
    return true;
}

bool der_take_bits(struct span *in, struct span *bytes)
{
    struct span rest = *in, b;

    if (!der_take(&rest, DER_BITS, &b) || b.len < 1 || b.p[0] != 0)
        return false;
    *bytes = span_of(b.p + 1, b.len - 1);
    *in = rest;
    return true;
}

void der_begin(struct der_writer *w, uint8_t *p, size_t cap)
{
    *w = (struct der_writer){ .p = p, .cap = cap, .at = cap };
}

void der_put(struct der_writer *w, struct span bytes)
{
    if (w->failed || bytes.len > w->at) {
        w->failed = true;
        return;
    }
    w->at -= bytes.len;
    if (bytes.len > 0)
        memcpy(w->p + w->at, bytes.p, bytes.len);
}

size_t der_mark(const struct der_writer *w)
{
    return w->at;
}

void der_wrap(struct der_writer *w, uint8_t tag, size_t mark)
{
    size_t len = mark - w->at, left = len;
    uint8_t header[6];
    unsigned at = sizeof header;

    if (len < 0x80) {
        header[--at] = (uint8_t)len;
    } else {
        for (; left > 0 && at > 2; left >>= 8)
            header[--at] = (uint8_t)left;
        header[at - 1] = (uint8_t)(0x80 | (sizeof header - at));
        at--;
    }
    header[--at] = tag;
    der_put(w, span_of(header + at, sizeof header - at));
}

void der_put_element(struct der_writer *w, uint8_t tag, struct span content)
{
    size_t mark = der_mark(w);

    der_put(w, content);
    der_wrap(w, tag, mark);
}

void der_put_number(struct der_writer *w, struct span magnitude)
{
    size_t mark = der_mark(w);

    magnitude = without_zeros(magnitude);
    der_put(w, magnitude);
    if (magnitude.len == 0 || (magnitude.p[0] & 0x80) != 0)
        der_put(w, span_of("", 1)); /* a zero byte: the sign */
    der_wrap(w, DER_INTEGER, mark);
}

void der_put_bits(struct der_writer *w, struct span bytes)
{
    size_t mark = der_mark(w);

    der_put(w, bytes);
    der_put(w, span_of("", 1)); /* no unused bits */
    der_wrap(w, DER_BITS, mark);
}

struct span der_written(const struct der_writer *w)
{
    return span_of(w->p + w->at, w->cap - w->at);
}
