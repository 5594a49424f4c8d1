/* Using a key: what is allowed now, with which algorithm, on how many bytes; then the token or libcrypto. */
#include "firmware/base/clock.h"
#include "service/vault/keys_internal.h"
#include "service/vault/public_key.h"

#define IV_LEN  16 /* CBC */
#define TAG_LEN 16 /* GCM */

static unsigned kinds_of(enum key_op op)
{
    switch (op) {
    case KEY_OP_SIGN:
    case KEY_OP_VERIFY:
        return BIT(ALG_KIND_SIGNATURE) | BIT(ALG_KIND_MAC);
    case KEY_OP_ENCRYPT:
    case KEY_OP_DECRYPT:
        return BIT(ALG_KIND_RSA_ENCRYPTION) | BIT(ALG_KIND_GCM) | BIT(ALG_KIND_CBC) | BIT(ALG_KIND_CBC_PAD);
    default:
        return BIT(ALG_KIND_RSA_ENCRYPTION) | BIT(ALG_KIND_KEY_WRAP);
    }
}

/* Disabled, not yet valid, expired (spec: data-plane-keys.md 7.4): undoing stays possible outside the window. */
static bool check_state(struct key_operation *o)
{
    const struct key_attributes *a = &o->key->attributes;
    bool undoes = o->op == KEY_OP_DECRYPT || o->op == KEY_OP_UNWRAP_KEY || o->op == KEY_OP_VERIFY;
    const char *name = key_op_name(o->op);
    int64_t now = clock_unix_s();

    if (!a->enabled)
        return fault_set(&o->fault, FAULT_KEY_DISABLED, "Operation %s is not allowed on a disabled key.", name);
    if (!undoes && a->has_not_before && now < a->not_before)
        return fault_set(&o->fault, FAULT_KEY_NOT_YET_VALID,
                         "Operation %s is not allowed on a key before its nbf time.", name);
    if (!undoes && a->has_expires && now >= a->expires)
        return fault_set(&o->fault, FAULT_KEY_EXPIRED, "Operation %s is not allowed on an expired key.", name);
    if ((o->key->ops & BIT(o->op)) == 0)
        return fault_set(&o->fault, FAULT_OPERATION_NOT_PERMITTED, "Operation %s is not permitted on this key.", name);
    return true;
}

static bool bad_length(struct key_operation *o, const char *property, struct span given, size_t wanted)
{
    return fault_set(&o->fault, FAULT_BAD_PARAMETER,
                     "Invalid length of '%s': %zu bytes. %s requires %zu bytes, encoded with base64url.", property,
                     given.len, alg_info(o->job.alg)->name, wanted);
}

static bool check_signature_input(struct key_operation *o, const struct alg_info *alg)
{
    const char *property = o->op == KEY_OP_VERIFY ? "digest" : "value";
    struct span input = o->op == KEY_OP_VERIFY ? o->digest : o->value;
    size_t most = o->key->spec.bits / 8 - 11; /* RSNULL: RFC 8017, 9.2 */

    if (alg->kind == ALG_KIND_MAC)
        return true;
    if (alg->digest_len > 0)
        return input.len == alg->digest_len || bad_length(o, property, input, alg->digest_len);
    return (input.len > 0 && input.len <= most) ||
           fault_set(&o->fault, FAULT_BAD_PARAMETER, "Invalid length of '%s': %zu bytes. %s takes 1 to %zu bytes.",
                     property, input.len, alg->name, most);
}

static bool check_cipher_input(struct key_operation *o, const struct alg_info *alg)
{
    bool undo = o->op == KEY_OP_DECRYPT || o->op == KEY_OP_UNWRAP_KEY;
    size_t k = o->key->spec.bits / 8;

    switch (alg->kind) {
    case ALG_KIND_RSA_ENCRYPTION:
        return !undo || o->value.len == k || bad_length(o, "value", o->value, k);
    case ALG_KIND_KEY_WRAP: /* RFC 3394: n >= 2 blocks of 8 bytes; one more when wrapped */
        if (o->value.len % 8 != 0 || o->value.len < (undo ? 24u : 16u))
            return fault_set(&o->fault, FAULT_BAD_PARAMETER,
                             "Invalid length of 'value': %zu bytes. %s takes a multiple of 8 bytes, at least %u.",
                             o->value.len, alg->name, undo ? 24 : 16);
        return true;
    case ALG_KIND_GCM:
        if (!undo && o->iv.p != NULL) /* a nonce of the caller's choosing may come twice */
            return fault_set(&o->fault, FAULT_BAD_PARAMETER, "Property iv is chosen by the service for %s.", alg->name);
        if (undo && o->iv.len != 12)
            return bad_length(o, "iv", o->iv, 12);
        return !undo || o->tag.len == TAG_LEN || bad_length(o, "tag", o->tag, TAG_LEN);
    default: /* CBC */
        if (o->iv.len != IV_LEN)
            return bad_length(o, "iv", o->iv, IV_LEN);
        if ((alg->kind == ALG_KIND_CBC || undo) && (o->value.len % 16 != 0 || (undo && o->value.len == 0)))
            return fault_set(&o->fault, FAULT_BAD_PARAMETER,
                             "Invalid length of 'value': %zu bytes. %s takes a multiple of 16 bytes.", o->value.len,
                             alg->name);
        return true;
    }
}

static bool check_algorithm(struct keys *k, struct key_operation *o)
{
    const struct alg_info *alg;

    o->job.alg = alg_by_name(o->alg);
    if (o->job.alg == TOKEN_ALG_NONE)
        return fault_set(&o->fault, FAULT_BAD_PARAMETER, "Property alg has invalid value\r\n");
    alg = alg_info(o->job.alg);
    if ((kinds_of(o->op) & BIT(alg->kind)) == 0 || !alg_fits(o->job.alg, &o->key->spec) ||
        !token_offers(k->token, o->job.alg))
        return fault_set(&o->fault, FAULT_BAD_PARAMETER, "Algorithm %s cannot be used for %s with this key.", alg->name,
                         key_op_name(o->op));
    return alg->kind == ALG_KIND_SIGNATURE || alg->kind == ALG_KIND_MAC ? check_signature_input(o, alg)
                                                                        : check_cipher_input(o, alg);
}

/* Every operation ends here. */
static void finish(struct key_operation *o)
{
    struct keys *k = o->keys;

    o->done(o); /* `o` may be gone now */
    keys_leave(k);
}

static void on_token_done(struct token_job *job)
{
    struct key_operation *o = job->owner;

    if (job->op == TOKEN_VERIFY && (job->status == ST_OK || job->status == ST_BAD_CIPHERTEXT))
        o->verified = job->status == ST_OK;
    else if (job->status == ST_BAD_CIPHERTEXT || job->status == ST_BAD_REQUEST) /* one answer for all that is wrong */
        fault_set(&o->fault, FAULT_BAD_PARAMETER, "The parameter is incorrect.\r\n");
    else if (job->status == ST_UNSUPPORTED)
        fault_set(&o->fault, FAULT_BAD_PARAMETER, "The algorithm cannot be used with this key.");
    else if (job->status != ST_OK)
        fault_trouble(&o->fault, job->status);
    finish(o);
}

static enum token_op token_op_of(const struct key_operation *o)
{
    bool wraps = alg_info(o->job.alg)->kind == ALG_KIND_KEY_WRAP;

    switch (o->op) {
    case KEY_OP_SIGN:
        return TOKEN_SIGN;
    case KEY_OP_VERIFY:
        return TOKEN_VERIFY;
    case KEY_OP_ENCRYPT:
        return TOKEN_ENCRYPT;
    case KEY_OP_WRAP_KEY:
        return TOKEN_WRAP;
    case KEY_OP_UNWRAP_KEY: /* of an RSA key: decryption of the caller's bytes */
        return wraps ? TOKEN_UNWRAP : TOKEN_DECRYPT;
    default:
        return TOKEN_DECRYPT;
    }
}

static void run_in_token(struct keys *k, struct key_operation *o)
{
    enum status st;

    o->job.op = token_op_of(o);
    o->job.key = &o->key->sealed;
    o->job.input = o->op == KEY_OP_VERIFY ? o->digest : o->value;
    o->job.iv = o->iv;
    o->job.aad = o->aad;
    o->job.tag = o->op == KEY_OP_VERIFY ? o->value : o->tag;
    o->job.done = on_token_done;
    o->job.owner = o;
    if ((st = token_submit(k->token, &o->job)) != ST_OK) {
        fault_trouble(&o->fault, st);
        finish(o);
    }
}

/* Public-key work; true when it was that. */
static bool run_here(struct key_operation *o)
{
    const struct alg_info *alg = alg_info(o->job.alg);
    enum status st;

    if (o->op == KEY_OP_VERIFY && alg->kind == ALG_KIND_SIGNATURE)
        st = public_key_verify(o->key, o->job.alg, o->digest, o->value, &o->verified);
    else if ((o->op == KEY_OP_ENCRYPT || o->op == KEY_OP_WRAP_KEY) && alg->kind == ALG_KIND_RSA_ENCRYPTION)
        st = public_key_encrypt(o->key, o->job.alg, o->value, &o->output);
    else
        return false;
    if (st == ST_BAD_REQUEST)
        fault_set(&o->fault, FAULT_BAD_PARAMETER,
                  "Invalid length of 'value': %zu bytes is too long for %s and this key.", o->value.len, alg->name);
    else if (st != ST_OK)
        fault_trouble(&o->fault, st);
    finish(o);
    return true;
}

void key_operation_run(struct keys *k, struct key_operation *o)
{
    o->keys = k;
    keys_enter(k);
    if (!check_state(o) || !check_algorithm(k, o))
        finish(o);
    else if (!run_here(o))
        run_in_token(k, o);
}

struct span key_operation_result(const struct key_operation *o)
{
    if (o->output.len > 0)
        return bytes_span(&o->output);
    return o->job.secret_output.len > 0 ? secret_span(&o->job.secret_output) : bytes_span(&o->job.output);
}

void key_operation_clear(struct key_operation *o)
{
    bytes_clear(&o->output);
    token_job_clear(&o->job);
}
