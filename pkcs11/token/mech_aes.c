#include <openssl/crypto.h>

#include "pkcs11/token/keywrap.h"
#include "pkcs11/token/mechanism.h"

#define BLOCK      16
#define GCM_IV_LEN 12
#define TAG_LEN    16

static CK_BYTE_PTR unchanged(const uint8_t *p) /* PKCS#11's parameters are not const, but only read */
{
    return (CK_BYTE_PTR)(uintptr_t)p;
}

static CK_GCM_PARAMS gcm_params(const uint8_t *iv, struct span aad)
{
    return (CK_GCM_PARAMS){
        .iv_ptr = unchanged(iv),
        .iv_len = GCM_IV_LEN,
        .iv_bits = GCM_IV_LEN * 8,
        .aad_ptr = aad.len > 0 ? unchanged(aad.p) : NULL,
        .aad_len = aad.len,
        .tag_bits = TAG_LEN * 8,
    };
}

static enum status encrypt_gcm(struct worker *w, struct token_job *job, const struct token_key *key)
{
    CK_GCM_PARAMS params = gcm_params(job->out_iv, job->aad);
    CK_MECHANISM mechanism = { CKM_AES_GCM, &params, sizeof params };
    size_t len = job->input.len + TAG_LEN, want = len;
    enum status st;

    if (job->iv.len != 0) /* a nonce used twice gives the key's secrets away, so it is never the caller's */
        return ST_BAD_REQUEST;
    if ((st = call_random(w, job->out_iv, GCM_IV_LEN)) != ST_OK || (st = bytes_reserve(&job->output, len)) != ST_OK ||
        (st = call_encrypt(w, &mechanism, key->handle, job->input, job->output.p, &len)) != ST_OK)
        return st;
    if (len != want)
        return ST_INTERNAL;
    job->out_iv_len = GCM_IV_LEN;
    job->output.len = job->input.len;
    memcpy(job->out_tag, job->output.p + job->input.len, TAG_LEN);
    return ST_OK;
}

static enum status decrypt_gcm(struct worker *w, struct token_job *job, const struct token_key *key)
{
    CK_GCM_PARAMS params = gcm_params(job->iv.p, job->aad);
    CK_MECHANISM mechanism = { CKM_AES_GCM, &params, sizeof params };
    struct secret *out = &job->secret_output;
    size_t len = job->input.len + TAG_LEN;
    struct bytes sealed = { 0 };
    enum status st;

    if (job->iv.len != GCM_IV_LEN || job->tag.len != TAG_LEN) /* a shorter tag is easier to guess */
        return ST_BAD_REQUEST;
    bytes_append_span(&sealed, job->input);
    bytes_append_span(&sealed, job->tag);
    if ((st = bytes_status(&sealed)) == ST_OK && (st = secret_grow(out, len)) == ST_OK)
        st = call_decrypt(w, &mechanism, key->handle, bytes_span(&sealed), out->p, &len);
    if (st == ST_OK)
        out->len = len;
    if (st == ST_OK && len != job->input.len)
        st = ST_INTERNAL;
    bytes_clear(&sealed);
    return st;
}

static enum status encrypt_cbc(struct worker *w, struct token_job *job, const struct token_key *key)
{
    bool pads = alg_info(job->alg)->kind == ALG_KIND_CBC_PAD;
    CK_MECHANISM mechanism = { pads ? CKM_AES_CBC_PAD : CKM_AES_CBC, job->out_iv, BLOCK };
    size_t len = pads ? job->input.len / BLOCK * BLOCK + BLOCK : job->input.len, want = len;
    enum status st;

    if ((job->iv.len != 0 && job->iv.len != BLOCK) || job->aad.len != 0 ||
        (!pads && (job->input.len == 0 || job->input.len % BLOCK != 0)))
        return ST_BAD_REQUEST;
    if (job->iv.len == BLOCK)
        memcpy(job->out_iv, job->iv.p, BLOCK);
    else if ((st = call_random(w, job->out_iv, BLOCK)) != ST_OK)
        return st;
    if ((st = bytes_reserve(&job->output, len)) != ST_OK ||
        (st = call_encrypt(w, &mechanism, key->handle, job->input, job->output.p, &len)) != ST_OK)
        return st;
    if (len != want)
        return ST_INTERNAL;
    job->out_iv_len = BLOCK;
    job->output.len = len;
    return ST_OK;
}

static enum status decrypt_cbc(struct worker *w, struct token_job *job, const struct token_key *key)
{
    bool pads = alg_info(job->alg)->kind == ALG_KIND_CBC_PAD;
    CK_MECHANISM mechanism = { pads ? CKM_AES_CBC_PAD : CKM_AES_CBC, unchanged(job->iv.p), BLOCK };
    struct secret *out = &job->secret_output;
    size_t len = job->input.len;
    enum status st;

    if (job->iv.len != BLOCK || job->aad.len != 0 || job->tag.len != 0)
        return ST_BAD_REQUEST;
    if (job->input.len == 0 || job->input.len % BLOCK != 0)
        return ST_BAD_CIPHERTEXT;
    if ((st = secret_grow(out, len)) != ST_OK ||
        (st = call_decrypt(w, &mechanism, key->handle, job->input, out->p, &len)) != ST_OK)
        return st;
    out->len = len;
    return ST_OK;
}

enum status aes_encrypt(struct worker *w, struct token_job *job, const struct token_key *key)
{
    if (job->input.len > TOKEN_INPUT_MAX || job->aad.len > TOKEN_INPUT_MAX)
        return ST_BAD_REQUEST;
    return alg_info(job->alg)->kind == ALG_KIND_GCM ? encrypt_gcm(w, job, key) : encrypt_cbc(w, job, key);
}

enum status aes_decrypt(struct worker *w, struct token_job *job, const struct token_key *key)
{
    if (job->input.len > TOKEN_INPUT_MAX + BLOCK || job->aad.len > TOKEN_INPUT_MAX)
        return ST_BAD_REQUEST;
    return alg_info(job->alg)->kind == ALG_KIND_GCM ? decrypt_gcm(w, job, key) : decrypt_cbc(w, job, key);
}

/* Key wrap needs 6 n dependent block operations: one multi-part ECB operation, each part a block. */
static enum status encrypt_block(void *arg, uint8_t block[KEYWRAP_BLOCK])
{
    struct worker *w = arg;
    uint8_t out[KEYWRAP_BLOCK];
    CK_ULONG len = sizeof out;
    enum status st = call_result(w->token, w->token->f->C_EncryptUpdate(w->session, block, KEYWRAP_BLOCK, out, &len));

    if (st == ST_OK && len != KEYWRAP_BLOCK)
        st = ST_INTERNAL;
    memcpy(block, out, sizeof out);
    OPENSSL_cleanse(out, sizeof out);
    return st;
}

static enum status decrypt_block(void *arg, uint8_t block[KEYWRAP_BLOCK])
{
    struct worker *w = arg;
    uint8_t out[KEYWRAP_BLOCK];
    CK_ULONG len = sizeof out;
    enum status st = call_result(w->token, w->token->f->C_DecryptUpdate(w->session, block, KEYWRAP_BLOCK, out, &len));

    if (st == ST_OK && len != KEYWRAP_BLOCK)
        st = ST_INTERNAL;
    memcpy(block, out, sizeof out);
    OPENSSL_cleanse(out, sizeof out);
    return st;
}

enum status aes_wrap(struct worker *w, struct token_job *job, const struct token_key *key)
{
    CK_MECHANISM mechanism = { .mechanism = CKM_AES_ECB };
    uint8_t rest[KEYWRAP_BLOCK];
    CK_ULONG rest_len = sizeof rest;
    enum status st, end;

    if (job->input.len > TOKEN_KEYWRAP_MAX || job->input.len < KEYWRAP_MIN || job->input.len % 8 != 0)
        return ST_BAD_REQUEST;
    if ((st = bytes_reserve(&job->output, job->input.len + 8)) != ST_OK ||
        (st = call_result(w->token, w->token->f->C_EncryptInit(w->session, &mechanism, key->handle))) != ST_OK)
        return st;
    st = keywrap_wrap(job->input, job->output.p, encrypt_block, w);
    end = call_result(w->token, w->token->f->C_EncryptFinal(w->session, rest, &rest_len));
    if (st == ST_OK && (st = end) == ST_OK)
        job->output.len = job->input.len + 8;
    return st;
}

enum status aes_unwrap(struct worker *w, struct token_job *job, const struct token_key *key)
{
    CK_MECHANISM mechanism = { .mechanism = CKM_AES_ECB };
    struct secret *out = &job->secret_output;
    uint8_t rest[KEYWRAP_BLOCK];
    CK_ULONG rest_len = sizeof rest;
    enum status st, end;

    if (job->input.len > TOKEN_KEYWRAP_MAX + 8 || job->input.len < KEYWRAP_MIN + 8 || job->input.len % 8 != 0)
        return ST_BAD_CIPHERTEXT;
    if ((st = secret_grow(out, job->input.len - 8)) != ST_OK ||
        (st = call_result(w->token, w->token->f->C_DecryptInit(w->session, &mechanism, key->handle))) != ST_OK)
        return st;
    st = keywrap_unwrap(job->input, out->p, decrypt_block, w);
    end = call_result(w->token, w->token->f->C_DecryptFinal(w->session, rest, &rest_len));
    if (st == ST_OK && (st = end) == ST_OK)
        out->len = job->input.len - 8;
    return st;
}
