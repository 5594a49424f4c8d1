#include "firmware/crypto/keyed.h"
#include "firmware/crypto/mac_length.h"
#include "firmware/crypto/mechanism_table.h"

#define CMAC_LEN 16 /* SP 800-38B with AES */

static CK_RV begin(struct operation *op)
{
    struct keyed *c;
    CK_RV rv;

    if (!mac_length_fits(op, CMAC_LEN))
        return CKR_MECHANISM_PARAM_INVALID;
    if ((rv = keyed_take(op->key, KEYED_CMAC, NULL, false, &c)) != CKR_OK)
        return rv;
    op->state = c;
    return EVP_MAC_init(c->mac, NULL, 0, NULL) == 1 ? CKR_OK : CKR_DEVICE_ERROR; /* keeps the key */
}

static size_t output_max(const struct operation *op, size_t in_len)
{
    (void)in_len;
    return mac_length(op, CMAC_LEN);
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
    uint8_t mac[CMAC_LEN];
    size_t len = 0;
    bool ok = EVP_MAC_final(c->mac, mac, &len, sizeof mac) == 1 && len == sizeof mac;

    if (ok) {
        out->len = mac_length(op, len);
        memcpy(out->p, mac, out->len);
    }
    OPENSSL_cleanse(mac, sizeof mac);
    return ok ? CKR_OK : CKR_DEVICE_ERROR;
}

static void clear(struct operation *op)
{
    keyed_give(op->key, op->state);
}

const struct mechanism_family cmac_family = {
    .begin = begin, .output_max = output_max, .update = update, .final = final, .clear = clear
};
