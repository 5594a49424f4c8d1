#include <openssl/crypto.h>

#include "firmware/crypto/hash.h"
#include "firmware/crypto/keyed.h"
#include "firmware/crypto/mechanism_table.h"

/* HMAC (FIPS 198-1) and CMAC with AES (SP 800-38B): whole, or for a *_GENERAL mechanism as long as its caller asks, but
 * at least 80 bits: a shorter one can be guessed (SP 800-107, 5.3.3; SP 800-38B, annex A). */

#define CMAC_LEN   16
#define LENGTH_MIN 10

static size_t whole(const struct operation *op)
{
    return op->entry->digest != NULL ? hash_by_name(op->entry->digest)->len : CMAC_LEN;
}

static CK_RV begin(struct operation *op)
{
    const struct mechanism *m = &op->mechanism;
    const EVP_MD *md = op->entry->digest != NULL ? hash_md(hash_by_name(op->entry->digest)) : NULL;
    struct keyed *c;
    CK_RV rv;

    if (op->entry->general && (!m->has_parameter || m->number < LENGTH_MIN || m->number > whole(op)))
        return CKR_MECHANISM_PARAM_INVALID;
    if ((rv = keyed_take(op->key, md != NULL ? KEYED_HMAC : KEYED_CMAC, md, false, &c)) != CKR_OK)
        return rv;
    op->state = c;
    return EVP_MAC_init(c->mac, NULL, 0, NULL) == 1 ? CKR_OK : CKR_DEVICE_ERROR; /* keeps the key */
}

static size_t output_max(const struct operation *op, size_t in_len)
{
    (void)in_len;
    return op->entry->general && op->mechanism.number < whole(op) ? op->mechanism.number : whole(op);
}

static CK_RV update(struct operation *op, struct span in, struct output *out)
{
    struct keyed *c = op->state;

    (void)out;
    return in.len == 0 || EVP_MAC_update(c->mac, in.p, in.len) == 1 ? CKR_OK : CKR_DEVICE_ERROR;
}

static CK_RV final(struct operation *op, struct output *out)
{
    struct keyed *c = op->state;
    uint8_t mac[EVP_MAX_MD_SIZE];
    size_t len = 0;
    bool ok = EVP_MAC_final(c->mac, mac, &len, sizeof mac) == 1 && len == whole(op);

    if (ok) {
        out->len = output_max(op, 0);
        memcpy(out->p, mac, out->len);
    }
    OPENSSL_cleanse(mac, sizeof mac);
    return ok ? CKR_OK : CKR_DEVICE_ERROR;
}

static void clear(struct operation *op)
{
    keyed_give(op->key, op->state);
}

#define MAC_FAMILY                                                                                                     \
    {                                                                                                                  \
        .begin = begin, .output_max = output_max, .update = update, .final = final, .clear = clear                     \
    }
const struct mechanism_family hmac_family = MAC_FAMILY, cmac_family = MAC_FAMILY;
