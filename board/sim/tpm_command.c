#include "board/sim/tpm_command.h"

#define TRIES 3 /* of a command that the TPM asks to send again */

void tpm_begin_two(struct tpm_writer *w, uint32_t code, uint32_t handle, uint32_t second, uint32_t session)
{
    w->len = 0;
    w->failed = false;
    tpm_put_u16(w, session != 0 ? TAG_SESSIONS : TAG_PLAIN);
    tpm_put_u32(w, 0); /* the size: tpm_run() */
    tpm_put_u32(w, code);
    if (handle != 0)
        tpm_put_u32(w, handle);
    if (second != 0)
        tpm_put_u32(w, second);
    if (session != 0) {
        tpm_put_u32(w, 4 + 2 + 1 + 2); /* TPMS_AUTH_COMMAND: handle, no nonce, continueSession, no value */
        tpm_put_u32(w, session);
        tpm_put_u16(w, 0);
        tpm_put_u8(w, 1);
        tpm_put_u16(w, 0);
    }
}

void tpm_begin(struct tpm_writer *w, uint32_t code, uint32_t handle, uint32_t session)
{
    tpm_begin_two(w, code, handle, 0, session);
}

static enum status status_of(uint32_t code)
{
    switch (code) {
    case 0:
        return ST_OK;
    case RC_POLICY_FAIL_SESSION_1:
    case RC_PCR_CHANGED:
        return ST_CORRUPT;
    case RC_NV_DEFINED:
        return ST_EXISTS;
    case RC_HANDLE_1:
    case RC_HANDLE_2:
    case RC_NV_UNINITIALIZED: /* a counter nobody has incremented: its maker was interrupted */
        return ST_NOT_FOUND;
    default:
        return ST_INTERNAL;
    }
}

enum status tpm_run(struct tpm *t, struct tpm_writer *w, uint32_t *handle, struct tpm_reader *out)
{
    struct tpm_reader r;
    uint32_t code = RC_RETRY;
    enum status st;

    if (w->failed)
        return ST_INTERNAL;
    for (unsigned i = 0; i < 4; i++)
        w->p[2 + i] = (uint8_t)(w->len >> (24 - 8 * i));
    for (unsigned i = 0; i < TRIES && (code == RC_RETRY || code == RC_YIELDED || code == RC_TESTING); i++)
        if ((st = tpm_link_exchange(&t->link, w, &code, &r)) != ST_OK)
            return st;
    if ((st = status_of(code)) != ST_OK)
        return st;
    if (handle != NULL)
        *handle = tpm_get_u32(&r);
    if (w->p[1] == (TAG_SESSIONS & 0xff)) {
        uint32_t size = tpm_get_u32(&r);

        r.rest = tpm_get(&r, size); /* behind them: the answer's authorisation, which is empty */
    }
    if (out != NULL)
        *out = r;
    return r.failed ? ST_INTERNAL : ST_OK;
}

void tpm_flush(struct tpm *t, uint32_t handle)
{
    struct tpm_writer w;

    if (handle == 0)
        return;
    tpm_begin(&w, CC_FLUSH_CONTEXT, handle, 0);
    if (tpm_run(t, &w, NULL, NULL) != ST_OK) {
        /* it was not loaded, or the TPM is away: nothing is left to flush */
    }
}

void tpm_put_selection(struct tpm_writer *w, unsigned pcr)
{
    uint8_t bits[3] = { 0 };

    INVARIANT(pcr < 8 * sizeof bits);
    bits[pcr / 8] = (uint8_t)BIT(pcr % 8);
    tpm_put_u32(w, 1);
    tpm_put_u16(w, ALG_SHA256);
    tpm_put_u8(w, sizeof bits);
    tpm_put(w, bits, sizeof bits);
}
