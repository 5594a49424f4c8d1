#include "board/sim/tpm.h"

#include "board/sim/tpm_command.h"
#include "firmware/base/secret.h"

/* What a process before us left: objects and sessions take the few places a TPM has. Behind /dev/tpmrm0 the kernel does
 * this. */
static void flush_all(struct tpm *t, uint32_t first)
{
    uint32_t handles[64], count;
    struct tpm_reader r;
    struct tpm_writer w;

    tpm_begin(&w, CC_GET_CAPABILITY, 0, 0);
    tpm_put_u32(&w, CAP_HANDLES);
    tpm_put_u32(&w, first);
    tpm_put_u32(&w, ARRAY_LEN(handles));
    if (tpm_run(t, &w, NULL, &r) != ST_OK)
        return;
    tpm_get_u8(&r); /* there are more */
    tpm_get_u32(&r);
    count = tpm_get_u32(&r);
    if (r.failed || count > ARRAY_LEN(handles))
        return;
    for (uint32_t i = 0; i < count; i++)
        handles[i] = tpm_get_u32(&r);
    for (uint32_t i = 0; i < count && !r.failed; i++)
        tpm_flush(t, handles[i]);
}

static enum status start(struct tpm *t)
{
    struct tpm_writer w;
    struct tpm_reader r;
    uint32_t code = 0;
    enum status st;

    tpm_begin(&w, CC_STARTUP, 0, 0);
    tpm_put_u16(&w, 0); /* TPM_SU_CLEAR */
    w.p[5] = (uint8_t)w.len;
    if ((st = tpm_link_exchange(&t->link, &w, &code, &r)) != ST_OK)
        return st;
    if (code != 0 && code != RC_INITIALIZE) /* the latter: it is started already */
        return ST_INTERNAL;
    if (t->link.socket) {
        flush_all(t, 0x80000000); /* transient objects */
        flush_all(t, 0x02000000); /* loaded sessions */
    }
    return ST_OK;
}

enum status tpm_open(const char *path, struct tpm **out)
{
    struct tpm *t = calloc(1, sizeof *t);
    enum status st;

    *out = NULL;
    if (t == NULL)
        return ST_NO_MEMORY;
    pthread_mutex_init(&t->lock, NULL);
    if ((st = tpm_link_open(&t->link, path)) != ST_OK || (st = start(t)) != ST_OK) {
        tpm_close(t);
        return st;
    }
    *out = t;
    return ST_OK;
}

void tpm_close(struct tpm *t)
{
    if (t == NULL)
        return;
    tpm_link_close(&t->link);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

enum status tpm_random(struct tpm *t, uint8_t *out, size_t len)
{
    enum status st = ST_OK;
    struct tpm_writer w;
    struct tpm_reader r;

    pthread_mutex_lock(&t->lock);
    while (st == ST_OK && len > 0) {
        struct span got;

        tpm_begin(&w, CC_GET_RANDOM, 0, 0);
        tpm_put_u16(&w, (uint16_t)(len < TPM_DIGEST_LEN ? len : TPM_DIGEST_LEN));
        if ((st = tpm_run(t, &w, NULL, &r)) != ST_OK)
            break;
        got = tpm_get_sized(&r);
        if (got.len == 0 || got.len > len) {
            st = ST_INTERNAL;
            break;
        }
        memcpy(out, got.p, got.len);
        out += got.len;
        len -= got.len;
    }
    secret_wipe(t->link.reply, sizeof t->link.reply);
    pthread_mutex_unlock(&t->lock);
    return st;
}

static enum status pcr_read_locked(struct tpm *t, unsigned pcr, uint8_t out[TPM_DIGEST_LEN])
{
    struct tpm_writer w;
    struct tpm_reader r;
    struct span value;
    enum status st;

    tpm_begin(&w, CC_PCR_READ, 0, 0);
    tpm_put_selection(&w, pcr);
    if ((st = tpm_run(t, &w, NULL, &r)) != ST_OK)
        return st;
    tpm_get(&r, 4 + 4 + 2 + 1 + 3); /* update counter, and the selection as we sent it */
    if (tpm_get_u32(&r) != 1 || (value = tpm_get_sized(&r)).len != TPM_DIGEST_LEN)
        return ST_INTERNAL;
    memcpy(out, value.p, TPM_DIGEST_LEN);
    return ST_OK;
}

enum status tpm_pcr_read(struct tpm *t, unsigned pcr, uint8_t out[TPM_DIGEST_LEN])
{
    enum status st;

    pthread_mutex_lock(&t->lock);
    st = pcr_read_locked(t, pcr, out);
    pthread_mutex_unlock(&t->lock);
    return st;
}

enum status tpm_pcr_extend(struct tpm *t, unsigned pcr, const uint8_t digest[TPM_DIGEST_LEN])
{
    struct tpm_writer w;
    enum status st;

    tpm_begin_two(&w, CC_PCR_EXTEND, pcr, 0, RS_PW);
    tpm_put_u32(&w, 1);
    tpm_put_u16(&w, ALG_SHA256);
    tpm_put(&w, digest, TPM_DIGEST_LEN);
    pthread_mutex_lock(&t->lock);
    st = tpm_run(t, &w, NULL, NULL);
    pthread_mutex_unlock(&t->lock);
    return st;
}
