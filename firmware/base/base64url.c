#include "firmware/base/base64url.h"

static const char alphabet[64] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* The value of a character + 1, so that 0 stands for "not in the alphabet". */
static const uint8_t values[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
    ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['-'] = 63, ['_'] = 64,
};

void base64url_append(struct bytes *out, struct span in)
{
    uint8_t *to;
    size_t i;

    if (bytes_reserve(out, base64url_encoded_len(in.len)) != ST_OK)
        return;
    to = out->p + out->len;
    for (i = 0; i + 3 <= in.len; i += 3) {
        uint32_t v = (uint32_t)in.p[i] << 16 | (uint32_t)in.p[i + 1] << 8 | in.p[i + 2];

        *to++ = (uint8_t)alphabet[v >> 18];
        *to++ = (uint8_t)alphabet[v >> 12 & 63];
        *to++ = (uint8_t)alphabet[v >> 6 & 63];
        *to++ = (uint8_t)alphabet[v & 63];
    }
    if (in.len - i >= 1) {
        uint32_t v = (uint32_t)in.p[i] << 16 | (in.len - i == 2 ? (uint32_t)in.p[i + 1] << 8 : 0);

        *to++ = (uint8_t)alphabet[v >> 18];
        *to++ = (uint8_t)alphabet[v >> 12 & 63];
        if (in.len - i == 2)
            *to++ = (uint8_t)alphabet[v >> 6 & 63];
    }
    *to = '\0';
    out->len = (size_t)(to - out->p);
}

enum status base64url_decode_to(uint8_t *out, size_t *len, struct span text)
{
    uint32_t acc = 0;
    unsigned bits = 0;
    size_t n = 0;

    if (text.len % 4 == 1)
        return ST_BAD_REQUEST;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t v = values[text.p[i]];

        if (v == 0)
            return ST_BAD_REQUEST;
        acc = acc << 6 | (uint32_t)(v - 1);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out[n++] = (uint8_t)(acc >> bits);
        }
    }
    if ((acc & (BIT(bits) - 1)) != 0) /* left-over bits must be zero, or two texts would mean the same bytes */
        return ST_BAD_REQUEST;
    *len = n;
    return ST_OK;
}

enum status base64url_decode(struct bytes *out, struct span text)
{
    size_t n = 0;
    enum status st;

    bytes_reset(out);
    if ((st = bytes_reserve(out, base64url_decoded_len(text.len))) != ST_OK ||
        (st = base64url_decode_to(out->p, &n, text)) != ST_OK)
        return st;
    out->len = n;
    out->p[n] = '\0';
    return ST_OK;
}

enum status base64url_decode_secret(struct secret *out, struct span text)
{
    size_t n = 0;
    enum status st;

    secret_clear(out);
    if ((st = secret_grow(out, base64url_decoded_len(text.len) + 1)) != ST_OK)
        return st;
    if ((st = base64url_decode_to(out->p, &n, text)) != ST_OK) {
        secret_clear(out);
        return st;
    }
    out->len = n;
    return ST_OK;
}
