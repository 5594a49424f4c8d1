/* The token's word on a key. It is about what the key is, not about what may be done with it now: a disabled key, too,
 * is what it is. */
#include "service/vault/keys_internal.h"

static void finish(struct key_attestation *a)
{
    struct keys *k = a->keys;

    a->done(a); /* `a` may be gone now */
    keys_leave(k);
}

static void refuse(struct key_attestation *a, enum status st)
{
    if (st == ST_UNSUPPORTED)
        fault_set(&a->fault, FAULT_BAD_PARAMETER, "Key attestation is not supported by this vault.");
    else
        fault_trouble(&a->fault, st);
}

static void on_token_done(struct token_job *job)
{
    struct key_attestation *a = job->owner;

    if (job->status != ST_OK)
        refuse(a, job->status);
    finish(a);
}

void key_attest(struct keys *k, struct key_attestation *a)
{
    enum status st;

    a->keys = k;
    keys_enter(k);
    a->job.op = TOKEN_ATTEST;
    a->job.key = &a->key->sealed;
    a->job.input = a->nonce;
    a->job.done = on_token_done;
    a->job.owner = a;
    if ((st = token_submit(k->token, &a->job)) != ST_OK) {
        refuse(a, st);
        finish(a);
    }
}

void key_attestation_clear(struct key_attestation *a)
{
    token_job_clear(&a->job);
}
