#include "pkcs11/token/operation.h"

#include "pkcs11/token/attest.h"
#include "pkcs11/token/batch.h"
#include "pkcs11/token/mechanism.h"
#include "pkcs11/token/persistent.h"
#include "pkcs11/token/sealing.h"

#define KIND(k) BIT(ALG_KIND_##k)

typedef enum status perform(struct worker *w, struct token_job *job, const struct token_key *key);

static enum status sign(struct worker *w, struct token_job *job, const struct token_key *key)
{
    return key->spec.type == KEY_TYPE_EC    ? ec_sign(w, job, key)
           : key->spec.type == KEY_TYPE_RSA ? rsa_sign(w, job, key)
                                            : hmac_sign(w, job, key);
}

static enum status decrypt(struct worker *w, struct token_job *job, const struct token_key *key)
{
    return key->spec.type == KEY_TYPE_RSA ? rsa_decrypt(w, job, key) : aes_decrypt(w, job, key);
}

/* The operations on a key: which algorithms they take, and the use the key must have. */
static const struct {
    perform *perform;
    unsigned kinds;
    unsigned use;
} on_key[] = {
    [TOKEN_SIGN] = { sign, KIND(SIGNATURE) | KIND(MAC), KEY_USE_SIGN },
    [TOKEN_VERIFY] = { hmac_verify, KIND(MAC), KEY_USE_SIGN },
    [TOKEN_ENCRYPT] = { aes_encrypt, KIND(GCM) | KIND(CBC) | KIND(CBC_PAD), KEY_USE_DECRYPT },
    [TOKEN_DECRYPT] = { decrypt, KIND(RSA_ENCRYPTION) | KIND(GCM) | KIND(CBC) | KIND(CBC_PAD), KEY_USE_DECRYPT },
    [TOKEN_WRAP] = { aes_wrap, KIND(KEY_WRAP), KEY_USE_WRAP },
    [TOKEN_UNWRAP] = { aes_unwrap, KIND(KEY_WRAP), KEY_USE_WRAP },
};

static enum status generate_random(struct worker *w, struct token_job *job)
{
    enum status st;

    if (job->length > SECRET_MAX)
        return ST_BAD_REQUEST;
    if ((st = secret_grow(&job->secret_output, job->length)) == ST_OK &&
        (st = call_random(w, job->secret_output.p, job->length)) == ST_OK)
        job->secret_output.len = job->length;
    return st;
}

/* What can be said of the request without the key. */
static enum status check_request(const struct token *t, const struct token_job *job)
{
    if (job->op == TOKEN_ATTEST)
        return attest_check(t, job);
    if ((unsigned)job->op >= ARRAY_LEN(on_key) || on_key[job->op].perform == NULL ||
        (unsigned)job->alg >= TOKEN_ALG_COUNT_ || (job->key == NULL) == (job->label == NULL))
        return ST_BAD_REQUEST;
    if (job->label != NULL && job->op != TOKEN_SIGN)
        return ST_BAD_REQUEST;
    if (job->alg == TOKEN_ALG_NONE || (on_key[job->op].kinds & BIT(alg_info(job->alg)->kind)) == 0 ||
        !t->offers[job->alg])
        return ST_UNSUPPORTED;
    return job->key == NULL || alg_fits(job->alg, &job->key->spec) ? ST_OK : ST_UNSUPPORTED;
}

static CK_RV call_once(struct worker *w, const struct token_key *key, struct shape *s, CK_ULONG *len)
{
    CK_FUNCTION_LIST *f = w->token->f;
    CK_BYTE_PTR in = (CK_BYTE_PTR)(uintptr_t)s->input.p;
    CK_RV rv;

    switch (s->operation) {
    case CK_STRONGROOM_SIGN:
        rv = f->C_SignInit(w->session, &s->mechanism, key->handle);
        return rv == CKR_OK ? f->C_Sign(w->session, in, s->input.len, s->out, len) : rv;
    case CK_STRONGROOM_ENCRYPT:
        rv = f->C_EncryptInit(w->session, &s->mechanism, key->handle);
        return rv == CKR_OK ? f->C_Encrypt(w->session, in, s->input.len, s->out, len) : rv;
    default:
        rv = f->C_DecryptInit(w->session, &s->mechanism, key->handle);
        return rv == CKR_OK ? f->C_Decrypt(w->session, in, s->input.len, s->out, len) : rv;
    }
}

/* A token that has whole algorithms does a job in one call. */
static enum status perform_natively(struct worker *w, struct token_job *job, const struct token_key *key)
{
    struct shape shape;
    CK_ULONG len;
    enum status st = shape_make(job, key, &shape);
    CK_RV rv;

    if (st == ST_OK) {
        len = shape.room;
        rv = call_once(w, key, &shape, &len);
        st = shape_finish(w->token, job, &shape, rv, len);
    }
    shape_clear(&shape);
    return st;
}

static enum status check_use(const struct token_job *job, const struct token_key *key)
{
    if (!alg_fits(job->alg, &key->spec))
        return ST_UNSUPPORTED;
    return (key->uses & on_key[job->op].use) == 0 ? ST_NOT_PERMITTED : ST_OK;
}

/* True: the job's status is set. False: it is in the batch, and so is the pin. */
static bool with_key(struct worker *w, struct token_job *job, const struct token_key *key, struct cached_key *pinned)
{
    if (job->op == TOKEN_ATTEST) {
        job->status = attest_perform(w, job, key);
        return true;
    }
    if ((job->status = check_use(job, key)) != ST_OK)
        return true;
    if (!w->token->native)
        job->status = on_key[job->op].perform(w, job, key);
    else if (w->batch == NULL)
        job->status = perform_natively(w, job, key);
    else
        return (job->status = batch_add(w->batch, job, key, pinned)) != ST_OK;
    return true;
}

/* What is said about a key when it is used must be what was verified when it was opened; the context alone is not
 * looked at again, because cache_id stands for it. */
static bool is_the_opened(const struct sealed_key *s, const struct cached_key *k)
{
    return s->spec.type == k->key.spec.type && s->spec.curve == k->key.spec.curve && s->spec.bits == k->key.spec.bits &&
           s->uses == k->key.uses && s->blob.len > BLOB_MAC_LEN &&
           memcmp(s->blob.p + s->blob.len - BLOB_MAC_LEN, k->mac, BLOB_MAC_LEN) == 0;
}

static void make_room(struct worker *w)
{
    CK_OBJECT_HANDLE evicted[CACHE_EVICT_MAX];
    unsigned n = cache_evict(w->token->cache, evicted);

    while (n > 0)
        sealing_close(w, evicted[--n]);
}

static enum status open_key(struct worker *w, struct token_job *job, struct cached_key *k)
{
    enum status st = sealing_open(w, job->key, k);

    queue_return(w->queue, cache_opened(w->token->cache, k, st));
    if (st == ST_OK)
        make_room(w);
    return st;
}

static bool with_sealed_key(struct worker *w, struct token_job *job)
{
    struct cached_key *k = NULL;
    enum status st = ST_OK;

    switch (cache_acquire(w->token->cache, job->key->cache_id, job, &k)) {
    case CACHE_PARKED:
        return false;
    case CACHE_FULL:
        job->status = ST_NO_MEMORY;
        return true;
    case CACHE_OPEN:
        if ((st = open_key(w, job, k)) != ST_OK) {
            job->status = st;
            return true;
        }
        break;
    case CACHE_FOUND:
        if (!is_the_opened(job->key, k))
            st = ST_CORRUPT;
        break;
    }
    job->status = st;
    if (st == ST_OK && !with_key(w, job, &k->key, k))
        return false;
    cache_release(k);
    return true;
}

static bool with_persistent_key(struct worker *w, struct token_job *job)
{
    struct token_key key;

    job->status = persistent_find(w, job->label, &key);
    return job->status != ST_OK || with_key(w, job, &key, NULL);
}

static void reset_results(struct token_job *job)
{
    bytes_reset(&job->output);
    bytes_reset(&job->sealed);
    bytes_reset(&job->public_key);
    bytes_reset(&job->certificates);
    job->secret_output.len = 0;
    job->out_iv_len = 0;
}

bool operation_run(struct worker *w, struct token_job *job)
{
    reset_results(job);
    if (job->op == TOKEN_GENERATE)
        job->status = sealing_generate(w, job);
    else if (job->op == TOKEN_RANDOM)
        job->status = generate_random(w, job);
    else if (job->op == TOKEN_RESEAL)
        job->status = job->key == NULL ? ST_BAD_REQUEST : sealing_reseal(w, job);
    else if ((job->status = check_request(w->token, job)) != ST_OK)
        ;
    else if (!(job->label != NULL ? with_persistent_key(w, job) : with_sealed_key(w, job)))
        return false;
    if (job->status != ST_OK)
        token_job_clear(job); /* half a result is none */
    return true;
}
