#include "firmware/crypto/keyed.h"
#include "firmware/crypto/mechanism_table.h"

/* AES key wrap of the caller's bytes (SP 800-38F): KW (RFC 3394) for lengths of a multiple of 8, KWP (RFC 5649) for
 * any. CKM_AES_KEY_WRAP_PAD is KWP, as it is with SoftHSM. Single-part only. */

#define SEMIBLOCK 8

static bool pads(const struct operation *op)
{
    return op->mechanism.type != CKM_AES_KEY_WRAP;
}

static CK_RV begin(struct operation *op)
{
    const struct mechanism *m = &op->mechanism;
    bool encrypting = op->kind == OPERATION_ENCRYPT;
    struct keyed *c;
    CK_RV rv;

    if (m->iv.len != 0 && m->iv.len != (pads(op) ? 4 : 8))
        return CKR_MECHANISM_PARAM_INVALID;
    rv = keyed_take(op->key, pads(op) ? KEYED_AES_WRAP_PAD : KEYED_AES_WRAP, NULL, encrypting, &c);
    if (rv != CKR_OK)
        return rv;
    op->state = c;
    return CKR_OK;
}

static size_t output_max(const struct operation *op, size_t in_len)
{
    return op->kind == OPERATION_ENCRYPT ? (in_len + SEMIBLOCK - 1) / SEMIBLOCK * SEMIBLOCK + SEMIBLOCK : in_len;
}

static CK_RV check_length(const struct operation *op, size_t len)
{
    size_t least = pads(op) ? 1 : 2 * SEMIBLOCK;

    if (op->kind == OPERATION_DECRYPT)
        return len % SEMIBLOCK == 0 && len >= (pads(op) ? 2 : 3) * SEMIBLOCK ? CKR_OK : CKR_ENCRYPTED_DATA_LEN_RANGE;
    return len >= least && (pads(op) || len % SEMIBLOCK == 0) ? CKR_OK : CKR_DATA_LEN_RANGE;
}

static CK_RV once(struct operation *op, struct span in, struct output *out)
{
    /* RFC 3394, 2.2.3.1 and RFC 5649, 3: given each time, because a kept context may hold another caller's. */
    static const uint8_t kw_iv[] = { 0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6 };
    static const uint8_t kwp_iv[] = { 0xa6, 0x59, 0x59, 0xa6 };
    const uint8_t *iv = op->mechanism.iv.len != 0 ? op->mechanism.iv.p : pads(op) ? kwp_iv : kw_iv;
    bool encrypting = op->kind == OPERATION_ENCRYPT;
    struct keyed *c = op->state;
    CK_RV rv;
    int len = 0;

    if ((rv = check_length(op, in.len)) != CKR_OK)
        return rv;
    if (EVP_CipherInit_ex2(c->cipher, NULL, NULL, iv, encrypting, NULL) != 1)
        return CKR_DEVICE_ERROR;
    if (EVP_CipherUpdate(c->cipher, out->p, &len, in.p, (int)in.len) != 1 || len <= 0)
        return encrypting ? CKR_DEVICE_ERROR : CKR_ENCRYPTED_DATA_INVALID;
    out->len = (size_t)len;
    return CKR_OK;
}

static void clear(struct operation *op)
{
    keyed_give(op->key, op->state);
}

const struct mechanism_family aes_wrap_family = {
    .begin = begin, .output_max = output_max, .once = once, .clear = clear
};
