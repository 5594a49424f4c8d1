#include "pkcs11/token/mechanism.h"

enum status ec_sign(struct worker *w, struct token_job *job, const struct token_key *key)
{
    CK_MECHANISM mechanism = { .mechanism = CKM_ECDSA };
    size_t len = key_signature_len(&key->spec), want = len;
    enum status st;

    /* SoftHSM takes any length and cuts it. */
    if (job->input.len != alg_info(job->alg)->digest_len)
        return ST_BAD_REQUEST;
    if ((st = bytes_reserve(&job->output, len)) != ST_OK ||
        (st = call_sign(w, &mechanism, key->handle, job->input, job->output.p, &len)) != ST_OK)
        return st;
    if (len != want)
        return ST_INTERNAL;
    job->output.len = len;
    return ST_OK;
}
