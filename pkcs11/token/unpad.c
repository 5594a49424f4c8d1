#define OPENSSL_SUPPRESS_DEPRECATED  /* RSA_padding_check_PKCS1_OAEP_mgf1(): 3.0 offers the bare unpadding nowhere else \
                                      */
#include "pkcs11/token/unpad.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>

#define PKCS1_MIN_OVERHEAD 11  /* 00 02, 8 bytes of padding, 00 (RFC 8017, 7.2.1) */
#define LENGTH_CANDIDATES  128 /* the chance that none of them fits is below 2^-128 */

enum status unpad_oaep(struct span em, const EVP_MD *md, uint8_t *out, size_t *len)
{
    int n;

    if (em.len > UNPAD_EM_MAX || em.len < UNPAD_EM_MIN)
        return ST_BAD_CIPHERTEXT;
    /* Constant time, and it copies the message in constant time as well; only its verdict is visible. */
    n = RSA_padding_check_PKCS1_OAEP_mgf1(out, (int)em.len, em.p, (int)em.len, (int)em.len, NULL, 0, md, md);
    ERR_clear_error();
    if (n < 0)
        return ST_BAD_CIPHERTEXT;
    *len = (size_t)n;
    return ST_OK;
}

/* All masks are all ones or all zeros. */
static uint32_t mask_if_zero(uint32_t x)
{
    return (uint32_t)0 - ((~x & (x - 1)) >> 31);
}

static uint32_t mask_if_less(uint32_t a, uint32_t b) /* both below 2^31 */
{
    return (uint32_t)0 - ((a - b) >> 31);
}

static uint32_t choose(uint32_t mask, uint32_t yes, uint32_t no)
{
    return (mask & yes) | (~mask & no);
}

/* IRPRF of the draft: HMAC-SHA256(kdk, block number || label || length in bits), concatenated, both numbers 16 bits. */
static enum status prf(const uint8_t kdk[UNPAD_KDK_LEN], const char *label, uint8_t *out, size_t len)
{
    uint8_t input[2 + 16 + 2], block[32];
    size_t label_len = strlen(label), at = 0;
    unsigned n = sizeof block;

    for (unsigned i = 0; at < len; i++, at += n) {
        input[0] = (uint8_t)(i >> 8);
        input[1] = (uint8_t)i;
        memcpy(input + 2, label, label_len);
        input[2 + label_len] = (uint8_t)((len * 8) >> 8);
        input[3 + label_len] = (uint8_t)(len * 8);
        if (HMAC(EVP_sha256(), kdk, UNPAD_KDK_LEN, input, 4 + label_len, block, &n) == NULL)
            return ST_INTERNAL;
        memcpy(out + at, block, len - at < n ? len - at : n);
    }
    OPENSSL_cleanse(block, sizeof block);
    return ST_OK;
}

/* The last of the candidates that is short enough, without a branch on any of them. */
static uint32_t pick_length(const uint8_t candidates[2 * LENGTH_CANDIDATES], uint32_t limit)
{
    uint32_t mask = limit, length = 0;

    mask |= mask >> 1;
    mask |= mask >> 2;
    mask |= mask >> 4;
    mask |= mask >> 8;
    for (unsigned i = 0; i < 2 * LENGTH_CANDIDATES; i += 2) {
        uint32_t candidate = ((uint32_t)candidates[i] << 8 | candidates[i + 1]) & mask;

        length = choose(mask_if_less(candidate, limit), candidate, length);
    }
    return length;
}

/* Where the message starts if the padding is right; *good is the mask that tells. */
static uint32_t find_message(struct span em, uint32_t *good)
{
    uint32_t zero_at = 0, seen = 0;

    *good = mask_if_zero(em.p[0]) & mask_if_zero(em.p[1] ^ 2u);
    for (uint32_t i = 2; i < em.len; i++) {
        uint32_t is_zero = mask_if_zero(em.p[i]);

        zero_at = choose(~seen & is_zero, i, zero_at);
        seen |= is_zero;
    }
    *good &= ~mask_if_less(zero_at, PKCS1_MIN_OVERHEAD - 1);
    return zero_at + 1;
}

enum status unpad_pkcs1(struct span em, const uint8_t kdk[UNPAD_KDK_LEN], uint8_t *out, size_t *len)
{
    uint8_t candidates[2 * LENGTH_CANDIDATES], synthetic[UNPAD_EM_MAX];
    uint32_t k = (uint32_t)em.len, good, start, synthetic_len;
    enum status st;
    size_t n = 0;

    if (em.len > UNPAD_EM_MAX || em.len < UNPAD_EM_MIN)
        return ST_INTERNAL;
    if ((st = prf(kdk, "length", candidates, sizeof candidates)) != ST_OK ||
        (st = prf(kdk, "message", synthetic, em.len)) != ST_OK)
        goto done;
    synthetic_len = pick_length(candidates, k - (PKCS1_MIN_OVERHEAD - 1));
    start = find_message(em, &good);
    start = choose(good, start, k - synthetic_len);
    /* The length may show from here on: it is as random as that of a right message is unknown. */
    for (uint32_t i = start; i < k; i++)
        out[n++] = (uint8_t)choose(good, em.p[i], synthetic[i]);
    *len = n;
done:
    OPENSSL_cleanse(candidates, sizeof candidates);
    OPENSSL_cleanse(synthetic, sizeof synthetic);
    return st;
}
