#include "firmware/crypto/gcm.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>

#include "firmware/base/bytes.h"

/* AES-GCM (SP 800-38D). Encryption gives its text part by part and the tag at the end; decryption gathers, and nothing
 * is given out before the tag has been checked. */

struct gcm_state {
    struct keyed *keyed;
    size_t tag_len;
    struct bytes gathered; /* decryption in parts: ciphertext and tag */
};

CK_RV gcm_start(struct keyed *c, struct span iv, bool encrypting)
{
    if (c->iv_len != iv.len) {
        if (EVP_CIPHER_CTX_ctrl(c->cipher, EVP_CTRL_AEAD_SET_IVLEN, (int)iv.len, NULL) != 1)
            return CKR_MECHANISM_PARAM_INVALID;
        c->iv_len = iv.len;
    }
    return EVP_CipherInit_ex2(c->cipher, NULL, NULL, iv.p, encrypting, NULL) == 1 ? CKR_OK : CKR_DEVICE_ERROR;
}

CK_RV gcm_authenticate(struct keyed *c, struct span aad)
{
    int len;

    return aad.len == 0 || EVP_CipherUpdate(c->cipher, NULL, &len, aad.p, (int)aad.len) == 1 ? CKR_OK
                                                                                             : CKR_DEVICE_ERROR;
}

CK_RV gcm_tag(struct keyed *c, uint8_t *tag, size_t len)
{
    OSSL_PARAM get[] = { OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, len), OSSL_PARAM_END };
    int none;

    return EVP_CipherFinal_ex(c->cipher, tag, &none) == 1 && EVP_CIPHER_CTX_get_params(c->cipher, get) == 1
               ? CKR_OK
               : CKR_DEVICE_ERROR;
}

static CK_RV begin(struct operation *op)
{
    const struct mechanism *m = &op->mechanism;
    struct gcm_state *s = operation_inside(op, sizeof *s);
    bool encrypting = op->kind == OPERATION_ENCRYPT;
    CK_RV rv;

    /* SP 800-38D, 5.2.1.2: of its tag lengths those below 96 bits need limits on use that nobody keeps. */
    if (m->iv.len < 1 || m->iv.len > GCM_IV_MAX || m->number < 96 || m->number > 128 || m->number % 8 != 0 ||
        m->aad.len > MECHANISM_PART_MAX)
        return CKR_MECHANISM_PARAM_INVALID;
    s->tag_len = m->number / 8;
    if ((rv = keyed_take(op->key, KEYED_AES_GCM, NULL, encrypting, &s->keyed)) != CKR_OK ||
        (rv = gcm_start(s->keyed, m->iv, encrypting)) != CKR_OK)
        return rv;
    return gcm_authenticate(s->keyed, m->aad);
}

static size_t output_max(const struct operation *op, size_t in_len)
{
    const struct gcm_state *s = op->state;
    size_t gathered = s != NULL ? s->gathered.len : 0, tag_len = op->mechanism.number / 8;

    if (tag_len > 16)
        return 0; /* begin() refuses */
    if (op->kind == OPERATION_ENCRYPT)
        return in_len + tag_len;
    return gathered + in_len > tag_len ? gathered + in_len - tag_len : 0;
}

static CK_RV crypt(struct gcm_state *s, struct span in, struct output *out)
{
    int len = 0;

    if (in.len > 0 && EVP_CipherUpdate(s->keyed->cipher, out->p + out->len, &len, in.p, (int)in.len) != 1)
        return CKR_DEVICE_ERROR;
    out->len += (size_t)len;
    return CKR_OK;
}

/* `in` is all of it. The operation's caller wipes `out` when this fails. */
static CK_RV open_whole(struct gcm_state *s, struct span in, struct output *out)
{
    uint8_t none[16];
    int len;
    CK_RV rv;

    if (in.len < s->tag_len)
        return CKR_ENCRYPTED_DATA_LEN_RANGE;
    in.len -= s->tag_len;
    if ((rv = crypt(s, in, out)) != CKR_OK)
        return rv;
    if (EVP_CIPHER_CTX_ctrl(s->keyed->cipher, EVP_CTRL_AEAD_SET_TAG, (int)s->tag_len, (void *)(in.p + in.len)) != 1)
        return CKR_DEVICE_ERROR;
    return EVP_CipherFinal_ex(s->keyed->cipher, none, &len) == 1 ? CKR_OK : CKR_ENCRYPTED_DATA_INVALID;
}

static CK_RV gather(struct gcm_state *s, struct span in)
{
    if (in.len > DATA_MAX - s->gathered.len)
        return CKR_DATA_LEN_RANGE;
    bytes_append_span(&s->gathered, in);
    return bytes_status(&s->gathered) == ST_OK ? CKR_OK : CKR_HOST_MEMORY;
}

static CK_RV seal_end(struct gcm_state *s, struct output *out)
{
    CK_RV rv = gcm_tag(s->keyed, out->p + out->len, s->tag_len);

    out->len += rv == CKR_OK ? s->tag_len : 0;
    return rv;
}

static CK_RV update(struct operation *op, struct span in, struct output *out)
{
    return op->kind == OPERATION_ENCRYPT ? crypt(op->state, in, out) : gather(op->state, in);
}

static CK_RV final(struct operation *op, struct output *out)
{
    struct gcm_state *s = op->state;

    return op->kind == OPERATION_ENCRYPT ? seal_end(s, out) : open_whole(s, bytes_span(&s->gathered), out);
}

static CK_RV once(struct operation *op, struct span in, struct output *out)
{
    CK_RV rv;

    if (op->kind == OPERATION_DECRYPT)
        return open_whole(op->state, in, out);
    if ((rv = crypt(op->state, in, out)) != CKR_OK)
        return rv;
    return seal_end(op->state, out);
}

static void clear(struct operation *op)
{
    struct gcm_state *s = op->state;

    keyed_give(op->key, s->keyed);
    bytes_clear(&s->gathered);
}

const struct mechanism_family aes_gcm_family = {
    .begin = begin, .output_max = output_max, .once = once, .update = update, .final = final, .clear = clear
};
