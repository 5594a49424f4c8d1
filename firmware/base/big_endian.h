/* big_endian.h - whole numbers as the flash, the link and the audit hold them: big-endian, of 1 to 8 bytes. */
#ifndef STRONGROOM_BASE_BIG_ENDIAN_H
#define STRONGROOM_BASE_BIG_ENDIAN_H

#include <stddef.h>
#include <stdint.h>

static inline uint8_t *be_put(uint8_t *p, uint64_t v, unsigned len)
{
    for (unsigned i = len; i > 0; i--, v >>= 8)
        p[i - 1] = (uint8_t)v;
    return p + len;
}

static inline uint64_t be_get(const uint8_t *p, unsigned len)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < len; i++)
        v = v << 8 | p[i];
    return v;
}

#endif
