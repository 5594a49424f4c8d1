#include <openssl/sha.h>

#include "board/sim/tpm_command.h"
#include "firmware/base/secret.h"

/* The digest of the policy "this PCR has this value": Part 3, TPM2_PolicyPCR, equations (26) and (27). Computed and not
 * asked of the TPM, so that a policy can be made for an image that is not running. */
static void policy_digest(unsigned pcr, const uint8_t value[TPM_DIGEST_LEN], uint8_t out[TPM_DIGEST_LEN])
{
    static const uint8_t zero[TPM_DIGEST_LEN];
    uint8_t values[TPM_DIGEST_LEN];
    struct tpm_writer w = { .len = 0 };

    SHA256(value, TPM_DIGEST_LEN, values);
    tpm_put(&w, zero, sizeof zero);
    tpm_put_u32(&w, CC_POLICY_PCR);
    tpm_put_selection(&w, pcr);
    tpm_put(&w, values, sizeof values);
    SHA256(w.p, w.len, out);
}

/* The parent of what is sealed. */
static const struct tpm_template storage_key = { ATTRIBUTES_STORAGE, { ALG_AES, 128, ALG_CFB, ALG_NULL }, 4 };

/* Make the sealed object under `parent` and load it. */
static enum status create_sealed(struct tpm *t, uint32_t parent, const uint8_t policy[TPM_DIGEST_LEN],
                                 struct span secret, uint32_t *handle)
{
    struct tpm_writer w;
    struct tpm_reader r;
    struct span private, public;
    enum status st;
    size_t size;

    tpm_begin(&w, CC_CREATE, parent, RS_PW);
    size = tpm_size_begin(&w);
    tpm_put_sized(&w, span_of(NULL, 0)); /* authorisation */
    tpm_put_sized(&w, secret);
    tpm_size_end(&w, size);
    size = tpm_size_begin(&w);
    tpm_put_u16(&w, ALG_KEYEDHASH);
    tpm_put_u16(&w, ALG_SHA256);
    tpm_put_u32(&w, ATTRIBUTES_SEALED);
    tpm_put_sized(&w, span_of(policy, TPM_DIGEST_LEN));
    tpm_put_u16(&w, ALG_NULL);           /* scheme */
    tpm_put_sized(&w, span_of(NULL, 0)); /* unique */
    tpm_size_end(&w, size);
    tpm_put_sized(&w, span_of(NULL, 0)); /* outside information */
    tpm_put_u32(&w, 0);                  /* creation PCRs */
    st = tpm_run(t, &w, NULL, &r);
    secret_wipe(w.p, w.len);
    if (st != ST_OK)
        return st;
    private = tpm_get_sized(&r);
    public = tpm_get_sized(&r);
    if (r.failed)
        return ST_INTERNAL;
    tpm_begin(&w, CC_LOAD, parent, RS_PW);
    tpm_put_sized(&w, private);
    tpm_put_sized(&w, public);
    return tpm_run(t, &w, handle, NULL);
}

static enum status evict_control(struct tpm *t, uint32_t object, uint32_t persistent)
{
    struct tpm_writer w;

    tpm_begin_two(&w, CC_EVICT_CONTROL, RH_OWNER, object, RS_PW);
    tpm_put_u32(&w, persistent);
    return tpm_run(t, &w, NULL, NULL);
}

enum status tpm_seal(struct tpm *t, uint32_t handle, unsigned pcr, const uint8_t value[TPM_DIGEST_LEN],
                     struct span secret)
{
    uint32_t parent = 0, object = 0;
    uint8_t policy[TPM_DIGEST_LEN];
    enum status st;

    policy_digest(pcr, value, policy);
    pthread_mutex_lock(&t->lock);
    if ((st = tpm_create_primary(t, &storage_key, &parent, NULL)) == ST_OK &&
        (st = create_sealed(t, parent, policy, secret, &object)) == ST_OK)
        st = evict_control(t, object, handle);
    tpm_flush(t, object);
    tpm_flush(t, parent);
    pthread_mutex_unlock(&t->lock);
    return st;
}

static enum status policy_session(struct tpm *t, unsigned pcr, uint32_t *session)
{
    static const uint8_t nonce[16]; /* no HMAC is made with it */
    struct tpm_writer w;
    enum status st;

    tpm_begin_two(&w, CC_START_AUTH_SESSION, RH_NULL, RH_NULL, 0);
    tpm_put_sized(&w, span_of(nonce, sizeof nonce));
    tpm_put_sized(&w, span_of(NULL, 0)); /* salt */
    tpm_put_u8(&w, SESSION_POLICY);
    tpm_put_u16(&w, ALG_NULL); /* no parameter encryption */
    tpm_put_u16(&w, ALG_SHA256);
    if ((st = tpm_run(t, &w, session, NULL)) != ST_OK)
        return st;
    tpm_begin(&w, CC_POLICY_PCR, *session, 0);
    tpm_put_sized(&w, span_of(NULL, 0)); /* whatever the PCR holds now */
    tpm_put_selection(&w, pcr);
    return tpm_run(t, &w, NULL, NULL);
}

static enum status read_public(struct tpm *t, uint32_t handle)
{
    struct tpm_writer w;

    tpm_begin(&w, CC_READ_PUBLIC, handle, 0);
    return tpm_run(t, &w, NULL, NULL);
}

enum status tpm_holds(struct tpm *t, uint32_t handle)
{
    enum status st;

    pthread_mutex_lock(&t->lock);
    st = read_public(t, handle);
    pthread_mutex_unlock(&t->lock);
    return st;
}

enum status tpm_unseal(struct tpm *t, uint32_t handle, unsigned pcr, uint8_t *secret, size_t len)
{
    struct span got = { NULL, 0 };
    uint32_t session = 0;
    struct tpm_writer w;
    struct tpm_reader r;
    enum status st;

    pthread_mutex_lock(&t->lock);
    if ((st = read_public(t, handle)) != ST_OK || (st = policy_session(t, pcr, &session)) != ST_OK)
        goto done;
    tpm_begin(&w, CC_UNSEAL, handle, session);
    if ((st = tpm_run(t, &w, NULL, &r)) != ST_OK)
        goto done;
    got = tpm_get_sized(&r);
    if (got.len == len)
        memcpy(secret, got.p, len);
    else
        st = ST_CORRUPT;
done:
    secret_wipe(t->link.reply, sizeof t->link.reply);
    tpm_flush(t, session);
    pthread_mutex_unlock(&t->lock);
    return st;
}

enum status tpm_evict(struct tpm *t, uint32_t handle)
{
    enum status st;

    pthread_mutex_lock(&t->lock);
    st = evict_control(t, handle, handle);
    pthread_mutex_unlock(&t->lock);
    return st;
}
