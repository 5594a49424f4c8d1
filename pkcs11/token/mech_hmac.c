#include <openssl/crypto.h>

#include "pkcs11/token/mechanism.h"

#define HMAC_MAX 64

static enum status compute(struct worker *w, struct token_job *job, const struct token_key *key, uint8_t *mac)
{
    CK_MECHANISM mechanism = { .mechanism = mechanism_needs(job->alg).types[0] };
    size_t want = alg_info(job->alg)->digest_len, len = want;
    enum status st;

    if (job->input.len > TOKEN_INPUT_MAX)
        return ST_BAD_REQUEST;
    if ((st = call_sign(w, &mechanism, key->handle, job->input, mac, &len)) != ST_OK)
        return st;
    return len == want ? ST_OK : ST_INTERNAL;
}

enum status hmac_sign(struct worker *w, struct token_job *job, const struct token_key *key)
{
    size_t len = alg_info(job->alg)->digest_len;
    enum status st;

    if ((st = bytes_reserve(&job->output, len)) == ST_OK && (st = compute(w, job, key, job->output.p)) == ST_OK)
        job->output.len = len;
    return st;
}

/* By computing: C_Verify of SoftHSM compares byte by byte until one differs. */
enum status hmac_verify(struct worker *w, struct token_job *job, const struct token_key *key)
{
    uint8_t mac[HMAC_MAX];
    size_t len = alg_info(job->alg)->digest_len;
    enum status st = compute(w, job, key, mac);

    if (st == ST_OK && (job->tag.len != len || CRYPTO_memcmp(mac, job->tag.p, len) != 0))
        st = ST_BAD_CIPHERTEXT;
    OPENSSL_cleanse(mac, sizeof mac);
    return st;
}
