#include <openssl/crypto.h>

#include "firmware/crypto/keyed.h"
#include "firmware/crypto/mechanism_table.h"

/* AES in ECB, CBC and CTR (SP 800-38A). libcrypto gathers blocks; the count of bytes is ours, so that a length which
 * does not fit is told from anything else. */

#define BLOCK 16

struct block_state {
    struct keyed *keyed;
    uint64_t total;     /* bytes so far */
    uint64_t total_max; /* CTR: until the counter would run into the nonce */
    bool pad;
};

static CK_RV begin(struct operation *op, enum keyed_algorithm algorithm, bool pad)
{
    struct block_state *s = operation_inside(op, sizeof *s);
    bool encrypting = op->kind == OPERATION_ENCRYPT || algorithm == KEYED_AES_CTR;
    struct keyed *c;
    CK_RV rv;

    if ((rv = keyed_take(op->key, algorithm, NULL, encrypting, &c)) != CKR_OK)
        return rv;
    s->keyed = c;
    s->pad = pad;
    s->total_max = UINT64_MAX;
    if (EVP_CipherInit_ex2(c->cipher, NULL, NULL, op->mechanism.iv.p, encrypting, NULL) != 1)
        return CKR_DEVICE_ERROR;
    if (c->padded != pad && EVP_CIPHER_CTX_set_padding(c->cipher, pad) != 1)
        return CKR_DEVICE_ERROR;
    c->padded = pad;
    return CKR_OK;
}

static CK_RV begin_ecb(struct operation *op)
{
    if (op->mechanism.has_parameter)
        return CKR_MECHANISM_PARAM_INVALID;
    return begin(op, KEYED_AES_ECB, false);
}

static CK_RV begin_cbc(struct operation *op)
{
    if (op->mechanism.iv.len != BLOCK)
        return CKR_MECHANISM_PARAM_INVALID;
    return begin(op, KEYED_AES_CBC, op->mechanism.type == CKM_AES_CBC_PAD);
}

/* The last `number` bits of the block count, the rest is nonce (PKCS#11 2.40, CK_AES_CTR_PARAMS). libcrypto counts in
 * all 128 bits, so we end where the count would carry into the nonce: after that, blocks would not be the standard's.
 */
static CK_RV begin_ctr(struct operation *op)
{
    const struct mechanism *m = &op->mechanism;
    uint64_t low = 0, left;
    CK_RV rv;

    if (m->iv.len != BLOCK || m->number < 1 || m->number > 128)
        return CKR_MECHANISM_PARAM_INVALID;
    if ((rv = begin(op, KEYED_AES_CTR, false)) != CKR_OK || m->number >= 60)
        return rv;
    for (unsigned i = 8; i < BLOCK; i++)
        low = low << 8 | m->iv.p[i];
    left = (UINT64_C(1) << m->number) - (low & ((UINT64_C(1) << m->number) - 1));
    ((struct block_state *)op->state)->total_max = left * BLOCK;
    return CKR_OK;
}

static size_t block_output_max(const struct operation *op, size_t in_len)
{
    const struct block_state *s = op->state;
    size_t pending = s != NULL ? s->total % BLOCK : 0;
    bool pad = op->mechanism.type == CKM_AES_CBC_PAD;

    if (pad && op->kind == OPERATION_DECRYPT)
        return in_len + BLOCK; /* update may give a block that was held back */
    return (pending + in_len) / BLOCK * BLOCK + (pad ? BLOCK : 0);
}

static size_t ctr_output_max(const struct operation *op, size_t in_len)
{
    (void)op;
    return in_len;
}

static CK_RV length_error(const struct operation *op)
{
    return op->kind == OPERATION_ENCRYPT ? CKR_DATA_LEN_RANGE : CKR_ENCRYPTED_DATA_LEN_RANGE;
}

static CK_RV update(struct operation *op, struct span in, struct output *out)
{
    struct block_state *s = op->state;
    int len = 0;

    if (in.len > s->total_max - s->total)
        return length_error(op);
    s->total += in.len;
    if (in.len > 0 && EVP_CipherUpdate(s->keyed->cipher, out->p + out->len, &len, in.p, (int)in.len) != 1)
        return CKR_DEVICE_ERROR;
    out->len += (size_t)len;
    return CKR_OK;
}

/* PKCS#7 padding of the last block in constant time (THREATS.md C9): 1 to 16, and that many bytes of that value. Gives
 * how many bytes stay; `*bad` is all ones when the padding is wrong. */
static size_t unpad(const uint8_t block[BLOCK], unsigned *bad)
{
    unsigned pad = block[BLOCK - 1], wrong = 0;

    wrong |= (pad - 1) >> 31;     /* 0 */
    wrong |= (BLOCK - pad) >> 31; /* above 16 */
    for (unsigned i = 0; i < BLOCK; i++) {
        unsigned in_pad = 0u - (((BLOCK - 1 - i) - pad) >> 31); /* all ones when byte i belongs to the padding */
        unsigned differs = block[i] ^ pad;

        wrong |= in_pad & differs;
    }
    *bad = 0u - ((0u - wrong) >> 31 | wrong >> 31);
    return BLOCK - (pad & ~*bad);
}

/* libcrypto held the last block back for its own unpadding, which is not constant in time: with padding off its final
 * gives the block as it is. */
static CK_RV final_unpad(struct block_state *s, struct output *out)
{
    uint8_t block[BLOCK];
    unsigned bad;
    size_t stay;
    int len = 0;

    s->keyed->padded = false;
    if (EVP_CIPHER_CTX_set_padding(s->keyed->cipher, 0) != 1 ||
        EVP_CipherFinal_ex(s->keyed->cipher, block, &len) != 1 || len != BLOCK) {
        OPENSSL_cleanse(block, sizeof block);
        return CKR_DEVICE_ERROR;
    }
    stay = unpad(block, &bad);
    memcpy(out->p + out->len, block, BLOCK); /* the room is there; what is not the result's is wiped below */
    OPENSSL_cleanse(block, sizeof block);
    for (size_t i = 0; i < BLOCK; i++)
        out->p[out->len + i] &= (uint8_t)(0u - (unsigned)((i - stay) >> 63));
    out->len += stay;
    return bad == 0 ? CKR_OK : CKR_ENCRYPTED_DATA_INVALID;
}

static CK_RV final(struct operation *op, struct output *out)
{
    struct block_state *s = op->state;
    int len = 0;

    if (s->pad && op->kind == OPERATION_DECRYPT) {
        if (s->total == 0 || s->total % BLOCK != 0)
            return CKR_ENCRYPTED_DATA_LEN_RANGE;
        return final_unpad(s, out);
    }
    if (!s->pad)
        return s->total % BLOCK == 0 ? CKR_OK : length_error(op);
    if (EVP_CipherFinal_ex(s->keyed->cipher, out->p + out->len, &len) != 1)
        return CKR_DEVICE_ERROR;
    out->len += (size_t)len;
    return CKR_OK;
}

static CK_RV final_ctr(struct operation *op, struct output *out)
{
    (void)op;
    (void)out;
    return CKR_OK;
}

static void clear(struct operation *op)
{
    struct block_state *s = op->state;

    keyed_give(op->key, s->keyed);
}

const struct mechanism_family aes_ecb_family = {
    .begin = begin_ecb, .output_max = block_output_max, .update = update, .final = final, .clear = clear
};
const struct mechanism_family aes_cbc_family = {
    .begin = begin_cbc, .output_max = block_output_max, .update = update, .final = final, .clear = clear
};
const struct mechanism_family aes_ctr_family = {
    .begin = begin_ctr, .output_max = ctr_output_max, .update = update, .final = final_ctr, .clear = clear
};
