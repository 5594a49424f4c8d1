#include "firmware/crypto/gcm.h"

#define GMAC_LEN 16 /* SP 800-38D, 3: GCM of nothing, with the message as additional data */

static CK_RV begin(struct operation *op)
{
    const struct mechanism *m = &op->mechanism;
    struct keyed *c;
    CK_RV rv;

    if (m->iv.len < 1 || m->iv.len > GCM_IV_MAX)
        return CKR_MECHANISM_PARAM_INVALID;
    if ((rv = keyed_take(op->key, KEYED_AES_GCM, NULL, true, &c)) != CKR_OK)
        return rv;
    op->state = c;
    return gcm_start(c, m->iv, true);
}

static size_t output_max(const struct operation *op, size_t in_len)
{
    (void)op;
    (void)in_len;
    return GMAC_LEN;
}

static CK_RV update(struct operation *op, struct span in, struct output *out)
{
    (void)out;
    return gcm_authenticate(op->state, in);
}

static CK_RV final(struct operation *op, struct output *out)
{
    out->len = GMAC_LEN;
    return gcm_tag(op->state, out->p, GMAC_LEN);
}

static void clear(struct operation *op)
{
    keyed_give(op->key, op->state);
}

const struct mechanism_family gmac_family = {
    .begin = begin, .output_max = output_max, .update = update, .final = final, .clear = clear
};
