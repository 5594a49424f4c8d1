#include "firmware/crypto/gcm.h"

/* SP 800-38D, 3: GCM of nothing, with the message as additional data. */
#define TAG_BITS_MIN 96 /* THREATS.md 5.7 */
#define TAG_BITS_MAX 128

static CK_RV begin(struct operation *op)
{
    const struct mechanism *m = &op->mechanism;
    struct keyed *c;
    CK_RV rv;

    if (m->iv.len < 1 || m->iv.len > GCM_IV_MAX || m->number < TAG_BITS_MIN || m->number > TAG_BITS_MAX ||
        m->number % 8 != 0)
        return CKR_MECHANISM_PARAM_INVALID;
    if ((rv = keyed_take(op->key, KEYED_AES_GCM, NULL, true, &c)) != CKR_OK)
        return rv;
    op->state = c;
    return gcm_start(c, m->iv, true);
}

static size_t output_max(const struct operation *op, size_t in_len)
{
    (void)in_len;
    return op->mechanism.number <= TAG_BITS_MAX ? op->mechanism.number / 8 : 0;
}

static CK_RV update(struct operation *op, struct span in, struct output *out)
{
    (void)out;
    return gcm_authenticate(op->state, in);
}

static CK_RV final(struct operation *op, struct output *out)
{
    out->len = op->mechanism.number / 8;
    return gcm_tag(op->state, out->p, out->len);
}

static void clear(struct operation *op)
{
    keyed_give(op->key, op->state);
}

const struct mechanism_family gmac_family = {
    .begin = begin, .output_max = output_max, .update = update, .final = final, .clear = clear
};
