#include "pkcs11/token/shape.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "pkcs11/token/mechanism.h"

#define BLOCK      16
#define GCM_IV_LEN 12
#define TAG_LEN    16

static enum status reserve_output(struct token_job *job, struct shape *s, size_t len)
{
    enum status st = bytes_reserve(&job->output, len);

    s->out = job->output.p;
    s->room = len;
    return st;
}

static enum status reserve_secret(struct token_job *job, struct shape *s, size_t len)
{
    enum status st = secret_grow(&job->secret_output, len > 0 ? len : 1);

    s->out = job->secret_output.p;
    s->room = len;
    return st;
}

static enum status make_signature(struct token_job *job, const struct token_key *key, struct shape *s)
{
    const struct alg_info *info = alg_info(job->alg);

    if (info->digest_len != 0 && job->input.len != info->digest_len)
        return ST_BAD_REQUEST;
    if (key->spec.type == KEY_TYPE_EC) {
        s->mechanism.mechanism = CKM_ECDSA;
    } else if (mechanism_needs(job->alg).types[0] == CKM_RSA_PKCS_PSS) {
        s->mechanism = (CK_MECHANISM){ CKM_RSA_PKCS_PSS, &s->params.pss, sizeof s->params.pss };
        s->params.pss = rsa_pss_params(job->alg);
    } else {
        s->mechanism.mechanism = CKM_RSA_PKCS;
        if (job->alg == TOKEN_RSNULL && (job->input.len == 0 || job->input.len > key_signature_len(&key->spec) - 11))
            return ST_BAD_REQUEST;
        if (job->alg != TOKEN_RSNULL)
            s->input = rsa_digest_info(job->alg, job->input, s->own);
    }
    return reserve_output(job, s, key_signature_len(&key->spec));
}

/* Verified by computing: what is compared is ours, and the compare takes the same time for all. */
static enum status make_mac(struct token_job *job, struct shape *s)
{
    if (job->input.len > TOKEN_INPUT_MAX)
        return ST_BAD_REQUEST;
    s->operation = CK_STRONGROOM_SIGN;
    s->mechanism.mechanism = mechanism_needs(job->alg).types[0];
    if (job->op == TOKEN_SIGN)
        return reserve_output(job, s, alg_info(job->alg)->digest_len);
    s->out = s->own;
    s->room = alg_info(job->alg)->digest_len;
    return ST_OK;
}

static enum status make_rsa_decryption(struct token_job *job, const struct token_key *key, struct shape *s)
{
    if (job->input.len != key->modulus.len)
        return ST_BAD_CIPHERTEXT;
    if (job->alg == TOKEN_RSA1_5) {
        s->mechanism.mechanism = CKM_RSA_PKCS;
    } else {
        bool sha1 = job->alg == TOKEN_RSA_OAEP;

        s->params.oaep = (CK_RSA_PKCS_OAEP_PARAMS){ .hashAlg = sha1 ? CKM_SHA_1 : CKM_SHA256,
                                                    .mgf = sha1 ? CKG_MGF1_SHA1 : CKG_MGF1_SHA256,
                                                    .source = CKZ_DATA_SPECIFIED };
        s->mechanism = (CK_MECHANISM){ CKM_RSA_PKCS_OAEP, &s->params.oaep, sizeof s->params.oaep };
    }
    return reserve_secret(job, s, key->modulus.len);
}

static void set_gcm(struct shape *s, const uint8_t *iv, struct span aad)
{
    s->params.gcm = (CK_GCM_PARAMS){
        .iv_ptr = (CK_BYTE_PTR)(uintptr_t)iv,
        .iv_len = GCM_IV_LEN,
        .iv_bits = GCM_IV_LEN * 8,
        .aad_ptr = aad.len > 0 ? (CK_BYTE_PTR)(uintptr_t)aad.p : NULL,
        .aad_len = aad.len,
        .tag_bits = TAG_LEN * 8,
    };
    s->mechanism = (CK_MECHANISM){ CKM_AES_GCM, &s->params.gcm, sizeof s->params.gcm };
}

static enum status make_gcm(struct token_job *job, struct shape *s)
{
    enum status st;

    set_gcm(s, job->op == TOKEN_ENCRYPT ? job->out_iv : job->iv.p, job->aad);
    if (job->op == TOKEN_ENCRYPT) {
        if (job->iv.len != 0) /* a nonce used twice gives the key's secrets away, so it is never the caller's */
            return ST_BAD_REQUEST;
        if (RAND_bytes(job->out_iv, GCM_IV_LEN) != 1)
            return ST_INTERNAL;
        return reserve_output(job, s, job->input.len + TAG_LEN);
    }
    if (job->iv.len != GCM_IV_LEN || job->tag.len != TAG_LEN) /* a shorter tag is easier to guess */
        return ST_BAD_REQUEST;
    bytes_append_span(&s->joined, job->input);
    bytes_append_span(&s->joined, job->tag);
    if ((st = bytes_status(&s->joined)) != ST_OK)
        return st;
    s->input = bytes_span(&s->joined);
    return reserve_secret(job, s, job->input.len);
}

static enum status make_cbc(struct token_job *job, struct shape *s)
{
    bool pads = alg_info(job->alg)->kind == ALG_KIND_CBC_PAD, whole = job->input.len % BLOCK == 0;

    s->mechanism.mechanism = pads ? CKM_AES_CBC_PAD : CKM_AES_CBC;
    s->mechanism.ulParameterLen = BLOCK;
    if (job->aad.len != 0)
        return ST_BAD_REQUEST;
    if (job->op == TOKEN_ENCRYPT) {
        if ((job->iv.len != 0 && job->iv.len != BLOCK) || (!pads && (job->input.len == 0 || !whole)))
            return ST_BAD_REQUEST;
        if (job->iv.len == BLOCK)
            memcpy(job->out_iv, job->iv.p, BLOCK);
        else if (RAND_bytes(job->out_iv, BLOCK) != 1)
            return ST_INTERNAL;
        s->mechanism.pParameter = job->out_iv;
        return reserve_output(job, s, job->input.len / BLOCK * BLOCK + (pads ? BLOCK : 0));
    }
    if (job->iv.len != BLOCK || job->tag.len != 0)
        return ST_BAD_REQUEST;
    if (job->input.len == 0 || !whole)
        return ST_BAD_CIPHERTEXT;
    s->mechanism.pParameter = (void *)(uintptr_t)job->iv.p;
    return reserve_secret(job, s, job->input.len);
}

static enum status make_cipher(struct token_job *job, struct shape *s)
{
    if (job->input.len > TOKEN_INPUT_MAX + BLOCK || job->aad.len > TOKEN_INPUT_MAX ||
        (job->op == TOKEN_ENCRYPT && job->input.len > TOKEN_INPUT_MAX))
        return ST_BAD_REQUEST;
    return alg_info(job->alg)->kind == ALG_KIND_GCM ? make_gcm(job, s) : make_cbc(job, s);
}

/* RFC 3394 over the caller's bytes: the token's C_Encrypt, so the key never has CKA_WRAP. */
static enum status make_key_wrap(struct token_job *job, struct shape *s)
{
    s->mechanism.mechanism = CKM_AES_KEY_WRAP;
    if (job->op == TOKEN_WRAP) {
        s->operation = CK_STRONGROOM_ENCRYPT;
        if (job->input.len > TOKEN_KEYWRAP_MAX || job->input.len < 16 || job->input.len % 8 != 0)
            return ST_BAD_REQUEST;
        return reserve_output(job, s, job->input.len + 8);
    }
    s->operation = CK_STRONGROOM_DECRYPT;
    if (job->input.len > TOKEN_KEYWRAP_MAX + 8 || job->input.len < 24 || job->input.len % 8 != 0)
        return ST_BAD_CIPHERTEXT;
    return reserve_secret(job, s, job->input.len - 8);
}

enum status shape_make(struct token_job *job, const struct token_key *key, struct shape *s)
{
    s->mechanism = (CK_MECHANISM){ 0 };
    s->joined = (struct bytes){ 0 };
    s->input = job->input;
    switch (alg_info(job->alg)->kind) {
    case ALG_KIND_SIGNATURE:
        s->operation = CK_STRONGROOM_SIGN;
        return make_signature(job, key, s);
    case ALG_KIND_MAC:
        return make_mac(job, s);
    case ALG_KIND_RSA_ENCRYPTION:
        s->operation = CK_STRONGROOM_DECRYPT;
        return make_rsa_decryption(job, key, s);
    case ALG_KIND_KEY_WRAP:
        return make_key_wrap(job, s);
    default:
        s->operation = job->op == TOKEN_ENCRYPT ? CK_STRONGROOM_ENCRYPT : CK_STRONGROOM_DECRYPT;
        return make_cipher(job, s);
    }
}

static enum status take_output(struct token_job *job, size_t len)
{
    job->output.len = len;
    if (job->op != TOKEN_ENCRYPT)
        return ST_OK;
    job->out_iv_len = BLOCK;
    if (alg_info(job->alg)->kind != ALG_KIND_GCM)
        return ST_OK;
    job->out_iv_len = GCM_IV_LEN;
    if (len < TAG_LEN)
        return ST_INTERNAL;
    job->output.len = len - TAG_LEN;
    memcpy(job->out_tag, job->output.p + job->output.len, TAG_LEN);
    return ST_OK;
}

enum status shape_finish(struct token *t, struct token_job *job, struct shape *s, CK_RV rv, size_t len)
{
    bool secret = s->operation == CK_STRONGROOM_DECRYPT;
    enum status st = secret ? call_cipher_result(t, rv) : call_result(t, rv);

    if (st != ST_OK)
        return st;
    /* Only padding is of a length that is not known before. */
    if (len > s->room || (!secret && len != s->room))
        return ST_INTERNAL;
    if (job->op == TOKEN_VERIFY)
        return job->tag.len == len && CRYPTO_memcmp(s->own, job->tag.p, len) == 0 ? ST_OK : ST_BAD_CIPHERTEXT;
    if (!secret)
        return take_output(job, len);
    job->secret_output.len = len;
    return ST_OK;
}

void shape_clear(struct shape *s)
{
    OPENSSL_cleanse(s->own, sizeof s->own);
    bytes_clear(&s->joined);
}
