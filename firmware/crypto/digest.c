#include "firmware/crypto/hash.h"
#include "firmware/crypto/mechanism_table.h"

static CK_RV begin(struct operation *op)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    if ((op->state = ctx) == NULL)
        return CKR_HOST_MEMORY;
    return EVP_DigestInit_ex2(ctx, hash_md(hash_by_name(op->entry->digest)), NULL) == 1 ? CKR_OK : CKR_DEVICE_ERROR;
}

static size_t output_max(const struct operation *op, size_t in_len)
{
    (void)in_len;
    return hash_by_name(op->entry->digest)->len;
}

static CK_RV update(struct operation *op, struct span in, struct output *out)
{
    (void)out;
    return EVP_DigestUpdate(op->state, in.p, in.len) == 1 ? CKR_OK : CKR_DEVICE_ERROR;
}

static CK_RV final(struct operation *op, struct output *out)
{
    unsigned len = 0;

    if (EVP_DigestFinal_ex(op->state, out->p, &len) != 1)
        return CKR_DEVICE_ERROR;
    out->len = len;
    return CKR_OK;
}

static void clear(struct operation *op)
{
    EVP_MD_CTX_free(op->state);
}

const struct mechanism_family digest_family = {
    .begin = begin, .output_max = output_max, .update = update, .final = final, .clear = clear
};
