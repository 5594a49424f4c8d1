#include <openssl/crypto.h>

#include "firmware/crypto/hash.h"
#include "firmware/crypto/keyed.h"
#include "firmware/crypto/mechanism_table.h"

/* HMAC (FIPS 198-1) and CMAC with AES (SP 800-38B): whole, or for a *_GENERAL mechanism as long as its caller asks, but
 * at least 80 bits: a shorter one can be guessed (SP 800-107, 5.3.3; SP 800-38B, annex A). */

#define CMAC_LEN   16
#define LENGTH_MIN 10

struct mac_state {
    struct keyed *keyed;
    size_t whole, len; /* bytes of the MAC: all of it, and those asked for */
};

static size_t whole_of(const struct hash *h)
{
    return h != NULL ? h->len : CMAC_LEN;
}

static const struct hash *hash_of(const struct operation *op)
{
    return op->entry->digest != NULL ? hash_by_name(op->entry->digest) : NULL;
}

static CK_RV begin(struct operation *op)
{
    struct mac_state *s = operation_inside(op, sizeof *s);
    const struct mechanism *m = &op->mechanism;
    const struct hash *h = hash_of(op);
    CK_RV rv;

    s->whole = s->len = whole_of(h);
    if (op->entry->general) {
        if (!m->has_parameter || m->number < LENGTH_MIN || m->number > s->whole)
            return CKR_MECHANISM_PARAM_INVALID;
        s->len = m->number;
    }
    rv = keyed_take(op->key, h != NULL ? KEYED_HMAC : KEYED_CMAC, h != NULL ? hash_md(h) : NULL, false, &s->keyed);
    if (rv != CKR_OK)
        return rv;
    return EVP_MAC_init(s->keyed->mac, NULL, 0, NULL) == 1 ? CKR_OK : CKR_DEVICE_ERROR; /* keeps the key */
}

static size_t output_max(const struct operation *op, size_t in_len)
{
    const struct mac_state *s = op->state;

    (void)in_len;
    return s != NULL ? s->len : whole_of(hash_of(op));
}

static CK_RV update(struct operation *op, struct span in, struct output *out)
{
    struct mac_state *s = op->state;

    (void)out;
    return in.len == 0 || EVP_MAC_update(s->keyed->mac, in.p, in.len) == 1 ? CKR_OK : CKR_DEVICE_ERROR;
}

static CK_RV final(struct operation *op, struct output *out)
{
    struct mac_state *s = op->state;
    uint8_t mac[EVP_MAX_MD_SIZE];
    size_t len = 0;
    bool ok = EVP_MAC_final(s->keyed->mac, mac, &len, sizeof mac) == 1 && len == s->whole;

    if (ok) {
        out->len = s->len;
        memcpy(out->p, mac, out->len);
    }
    OPENSSL_cleanse(mac, sizeof mac);
    return ok ? CKR_OK : CKR_DEVICE_ERROR;
}

static void clear(struct operation *op)
{
    struct mac_state *s = op->state;

    keyed_give(op->key, s->keyed);
}

#define MAC_FAMILY                                                                                                     \
    {                                                                                                                  \
        .begin = begin, .output_max = output_max, .update = update, .final = final, .clear = clear                     \
    }
const struct mechanism_family hmac_family = MAC_FAMILY, cmac_family = MAC_FAMILY;
