#include "firmware/crypto/signature.h"

#include "firmware/crypto/entropy.h"

/* For a combined mechanism the hash of `in`, made in `memory`; else `in` itself. */
static CK_RV input_of(const struct operation *op, struct span in, uint8_t memory[HASH_LEN_MAX], struct span *out)
{
    const struct hash *h;

    *out = in;
    if (op->entry->digest == NULL)
        return CKR_OK;
    h = hash_by_name(op->entry->digest);
    *out = span_of(memory, h->len);
    return hash_once(h, in, memory);
}

CK_RV signature_once(struct operation *op, struct span in, struct output *out)
{
    uint8_t memory[HASH_LEN_MAX];
    CK_RV rv = input_of(op, in, memory, &in);

    return rv == CKR_OK ? op->entry->family->sign(op, in, out) : rv;
}

CK_RV signature_verify(struct operation *op, struct span in, struct span signature)
{
    uint8_t memory[HASH_LEN_MAX];
    CK_RV rv = input_of(op, in, memory, &in);

    return rv == CKR_OK ? op->entry->family->check(op, in, signature) : rv;
}

CK_RV signature_update(struct operation *op, struct span in, struct output *out)
{
    (void)out;
    if (op->entry->digest == NULL)
        return CKR_FUNCTION_NOT_SUPPORTED;
    if (op->state == NULL) {
        const EVP_MD *md = hash_md(hash_by_name(op->entry->digest));

        if ((op->state = EVP_MD_CTX_new()) == NULL)
            return CKR_HOST_MEMORY;
        if (EVP_DigestInit_ex2(op->state, md, NULL) != 1)
            return CKR_DEVICE_ERROR;
    }
    return EVP_DigestUpdate(op->state, in.p, in.len) == 1 ? CKR_OK : CKR_DEVICE_ERROR;
}

static CK_RV input_end(struct operation *op, uint8_t memory[HASH_LEN_MAX], struct span *out)
{
    unsigned len = 0;
    CK_RV rv = signature_update(op, span_of(NULL, 0), NULL); /* when there was no part at all */

    if (rv != CKR_OK)
        return rv;
    if (EVP_DigestFinal_ex(op->state, memory, &len) != 1)
        return CKR_DEVICE_ERROR;
    *out = span_of(memory, len);
    return CKR_OK;
}

CK_RV signature_final(struct operation *op, struct output *out)
{
    uint8_t memory[HASH_LEN_MAX];
    struct span in;
    CK_RV rv = input_end(op, memory, &in);

    return rv == CKR_OK ? op->entry->family->sign(op, in, out) : rv;
}

CK_RV signature_verify_final(struct operation *op, struct span signature)
{
    uint8_t memory[HASH_LEN_MAX];
    struct span in;
    CK_RV rv = input_end(op, memory, &in);

    return rv == CKR_OK ? op->entry->family->check(op, in, signature) : rv;
}

void signature_clear(struct operation *op)
{
    EVP_MD_CTX_free(op->state);
}

CK_RV signature_must_verify(unsigned *left, unsigned gap, bool *must)
{
    uint32_t drawn;

    *must = gap == 1 || *left == 0;
    if (!entropy_is_healthy()) /* no nonce, salt or blinding is drawn from a generator that is down */
        return CKR_DEVICE_ERROR;
    if (gap == 1)
        return CKR_OK;
    if (!*must) {
        --*left;
        return CKR_OK;
    }
    if (entropy_draw(&drawn, sizeof drawn) != ST_OK)
        return CKR_DEVICE_ERROR;
    *left = drawn % (2 * gap - 1); /* `gap` - 1 on average */
    return CKR_OK;
}
