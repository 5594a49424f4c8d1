#include "firmware/crypto/hash.h"
#include "firmware/crypto/keyed.h"
#include "firmware/crypto/mac_length.h"
#include "firmware/crypto/mechanism_table.h"

/* FIPS 198-1 (RFC 2104). keyed.c has done what depends on the key alone. */

static CK_RV begin(struct operation *op)
{
    const struct hash *h = hash_by_name(op->entry->digest);
    struct keyed *c;
    CK_RV rv;

    if (!mac_length_fits(op, h->len))
        return CKR_MECHANISM_PARAM_INVALID;
    if ((rv = keyed_take(op->key, KEYED_HMAC, hash_md(h), false, &c)) != CKR_OK)
        return rv;
    op->state = c;
    return EVP_MD_CTX_copy_ex(c->running, c->inner) == 1 ? CKR_OK : CKR_DEVICE_ERROR;
}

static size_t output_max(const struct operation *op, size_t in_len)
{
    (void)in_len;
    return mac_length(op, hash_by_name(op->entry->digest)->len);
}

static CK_RV update(struct operation *op, struct span in, struct output *out)
{
    struct keyed *c = op->state;

    (void)out;
    return EVP_DigestUpdate(c->running, in.p, in.len) == 1 ? CKR_OK : CKR_DEVICE_ERROR;
}

static CK_RV final(struct operation *op, struct output *out)
{
    struct keyed *c = op->state;
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    bool ok = EVP_DigestFinal_ex(c->running, digest, &len) == 1 && EVP_MD_CTX_copy_ex(c->running, c->outer) == 1 &&
              EVP_DigestUpdate(c->running, digest, len) == 1 && EVP_DigestFinal_ex(c->running, digest, &len) == 1;

    if (ok) {
        out->len = mac_length(op, len);
        memcpy(out->p, digest, out->len);
    }
    OPENSSL_cleanse(digest, sizeof digest);
    return ok ? CKR_OK : CKR_DEVICE_ERROR;
}

static void clear(struct operation *op)
{
    keyed_give(op->key, op->state);
}

const struct mechanism_family hmac_family = {
    .begin = begin, .output_max = output_max, .update = update, .final = final, .clear = clear
};
