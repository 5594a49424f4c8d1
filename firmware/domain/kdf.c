#include "firmware/domain/kdf.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "firmware/base/big_endian.h"
#include "firmware/base/secret.h"

#define BLOCK_LEN 64

/* What is hashed each time but for its counter: counter || label || 0 || context || bits. Returns its length. */
static size_t lay_out(uint8_t *input, struct span label, struct span context, size_t len)
{
    uint8_t *p = input + 4;

    if (label.len > 0)
        memcpy(p, label.p, label.len);
    p += label.len;
    *p++ = 0;
    if (context.len > 0)
        memcpy(p, context.p, context.len);
    return (size_t)(be_put(p + context.len, 8 * (uint64_t)len, 4) - input);
}

enum status kdf_derive(struct span key, struct span label, struct span context, uint8_t *out, size_t len)
{
    uint8_t input[4 + KDF_INPUT_MAX + 1 + 4], block[BLOCK_LEN];
    unsigned block_len = sizeof block;
    enum status st = ST_OK;
    size_t input_len;

    INVARIANT(len > 0 && len <= UINT32_MAX / 8 && key.len <= INT32_MAX);
    if (label.len > KDF_INPUT_MAX || context.len > KDF_INPUT_MAX - label.len)
        return ST_TOO_LARGE;
    input_len = lay_out(input, label, context, len);
    for (size_t done = 0, counter = 1; done < len; done += BLOCK_LEN, counter++) {
        be_put(input, counter, 4);
        if (HMAC(EVP_sha512(), key.p, (int)key.len, input, input_len, block, &block_len) == NULL) {
            secret_wipe(out, len);
            st = ST_NO_MEMORY;
            break;
        }
        memcpy(out + done, block, len - done < BLOCK_LEN ? len - done : BLOCK_LEN);
    }
    secret_wipe(block, sizeof block);
    return st;
}
