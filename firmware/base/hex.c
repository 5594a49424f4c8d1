#include "firmware/base/hex.h"

static const char digits[16] = "0123456789abcdef";

void hex_append(struct bytes *out, struct span in)
{
    if (bytes_reserve(out, in.len <= SIZE_MAX / 2 ? in.len * 2 : SIZE_MAX) != ST_OK)
        return;
    for (size_t i = 0; i < in.len; i++) {
        out->p[out->len++] = (uint8_t)digits[in.p[i] >> 4];
        out->p[out->len++] = (uint8_t)digits[in.p[i] & 15];
    }
    out->p[out->len] = '\0';
}

static int digit_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

enum status hex_decode(uint8_t *out, size_t len, struct span text)
{
    if (text.len != len * 2)
        return ST_BAD_REQUEST;
    for (size_t i = 0; i < len; i++) {
        int hi = digit_value(text.p[2 * i]), lo = digit_value(text.p[2 * i + 1]);

        if (hi < 0 || lo < 0)
            return ST_BAD_REQUEST;
        out[i] = (uint8_t)(hi << 4 | lo);
    }
    return ST_OK;
}
