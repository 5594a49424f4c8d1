#include "pkcs11/token/keywrap.h"

#include <openssl/crypto.h>

#define HALF 8 /* a semi-block */

static const uint8_t initial_value[HALF] = { 0xA6, 0xA6, 0xA6, 0xA6, 0xA6, 0xA6, 0xA6, 0xA6 }; /* RFC 3394, 2.2.3.1 */

static void xor_counter(uint8_t a[HALF], uint64_t t)
{
    for (unsigned i = 0; i < HALF; i++)
        a[i] ^= (uint8_t)(t >> (8 * (HALF - 1 - i)));
}

enum status keywrap_wrap(struct span in, uint8_t *out, keywrap_block *encrypt, void *arg)
{
    uint8_t block[KEYWRAP_BLOCK]; /* A || R[i] */
    size_t n = in.len / HALF;
    enum status st = ST_OK;

    if (in.len < KEYWRAP_MIN || in.len % HALF != 0)
        return ST_BAD_REQUEST;
    memcpy(block, initial_value, HALF);
    memmove(out + HALF, in.p, in.len);
    for (unsigned j = 0; j < 6; j++)
        for (size_t i = 1; i <= n; i++) {
            memcpy(block + HALF, out + i * HALF, HALF);
            if ((st = encrypt(arg, block)) != ST_OK)
                goto done;
            xor_counter(block, n * j + i);
            memcpy(out + i * HALF, block + HALF, HALF);
        }
    memcpy(out, block, HALF);
done:
    OPENSSL_cleanse(block, sizeof block);
    if (st != ST_OK)
        OPENSSL_cleanse(out, in.len + HALF);
    return st;
}

enum status keywrap_unwrap(struct span in, uint8_t *out, keywrap_block *decrypt, void *arg)
{
    uint8_t block[KEYWRAP_BLOCK];
    size_t n = in.len / HALF;
    enum status st = ST_OK;

    if (in.len < KEYWRAP_MIN + HALF || in.len % HALF != 0)
        return ST_BAD_CIPHERTEXT;
    n--;
    memcpy(block, in.p, HALF);
    memmove(out, in.p + HALF, in.len - HALF);
    for (unsigned j = 6; j-- > 0;)
        for (size_t i = n; i >= 1; i--) {
            xor_counter(block, n * j + i);
            memcpy(block + HALF, out + (i - 1) * HALF, HALF);
            if ((st = decrypt(arg, block)) != ST_OK)
                goto done;
            memcpy(out + (i - 1) * HALF, block + HALF, HALF);
        }
    if (CRYPTO_memcmp(block, initial_value, HALF) != 0)
        st = ST_BAD_CIPHERTEXT;
done:
    OPENSSL_cleanse(block, sizeof block);
    if (st != ST_OK)
        OPENSSL_cleanse(out, in.len - HALF);
    return st;
}
