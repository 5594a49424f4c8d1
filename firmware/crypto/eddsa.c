#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>

#include "firmware/crypto/signature.h"

/* Ed25519 (RFC 8032): pure; with a context; with a prehash, which is made here, not by the caller. The nonce is
 * deterministic, so two signatures of one message of which one went wrong give the key away: every signature is
 * verified before it leaves (THREATS.md C13). */

#define SIGNATURE_LEN 64
#define CONTEXT_MAX   255

static bool is_pure(const struct operation *op)
{
    return op->mechanism.flags == 0 && op->mechanism.aad.len == 0;
}

static CK_RV begin(struct operation *op)
{
    const struct mechanism *m = &op->mechanism;

    return m->aad.len <= CONTEXT_MAX && (m->flags & ~MECHANISM_EDDSA_PREHASH) == 0 ? CKR_OK
                                                                                   : CKR_MECHANISM_PARAM_INVALID;
}

static size_t output_max(const struct operation *op, size_t in_len)
{
    (void)op;
    (void)in_len;
    return SIGNATURE_LEN;
}

static bool init(const struct operation *op, EVP_PKEY_CTX *context, enum key_context kind)
{
    const struct mechanism *m = &op->mechanism;
    bool prehash = (m->flags & MECHANISM_EDDSA_PREHASH) != 0;
    OSSL_PARAM params[] = { OSSL_PARAM_construct_octet_string(OSSL_SIGNATURE_PARAM_CONTEXT_STRING, (void *)m->aad.p,
                                                              m->aad.len),
                            OSSL_PARAM_construct_end() };
    EVP_SIGNATURE *algorithm = EVP_SIGNATURE_fetch(NULL,
                                                   prehash       ? "ED25519ph"
                                                   : is_pure(op) ? "ED25519"
                                                                 : "ED25519ctx",
                                                   NULL);
    int (*start)(EVP_PKEY_CTX *, EVP_SIGNATURE *, const OSSL_PARAM *) =
        kind == KEY_CONTEXT_SIGN ? EVP_PKEY_sign_message_init : EVP_PKEY_verify_message_init;
    bool ok = algorithm != NULL && start(context, algorithm, m->aad.len > 0 ? params : NULL) == 1;

    EVP_SIGNATURE_free(algorithm);
    return ok;
}

/* Kept in the key when it is the pure kind: keep_context() is told whether it is still good. */
static EVP_PKEY_CTX *take_context(const struct operation *op, enum key_context kind)
{
    EVP_PKEY_CTX *context = is_pure(op) ? key_context_take(op->key, kind) : NULL;

    if (context != NULL || (context = EVP_PKEY_CTX_new_from_pkey(NULL, op->key->pkey, NULL)) == NULL)
        return context;
    if (init(op, context, kind))
        return context;
    EVP_PKEY_CTX_free(context);
    return NULL;
}

static void keep_context(const struct operation *op, enum key_context kind, EVP_PKEY_CTX *context, bool good)
{
    if (good && is_pure(op))
        key_context_put(op->key, kind, context);
    else
        EVP_PKEY_CTX_free(context);
}

static CK_RV check(struct operation *op, struct span in, struct span signature)
{
    EVP_PKEY_CTX *context;
    bool right;

    if (signature.len != SIGNATURE_LEN)
        return CKR_SIGNATURE_LEN_RANGE;
    if ((context = take_context(op, KEY_CONTEXT_VERIFY)) == NULL)
        return CKR_DEVICE_ERROR;
    right = EVP_PKEY_verify(context, signature.p, signature.len, in.p, in.len) == 1;
    keep_context(op, KEY_CONTEXT_VERIFY, context, true);
    ERR_clear_error();
    return right ? CKR_OK : CKR_SIGNATURE_INVALID;
}

static CK_RV sign(struct operation *op, struct span in, struct output *out)
{
    EVP_PKEY_CTX *context = take_context(op, KEY_CONTEXT_SIGN);
    size_t len = out->room;
    bool made;

    if (context == NULL)
        return CKR_DEVICE_ERROR;
    made = EVP_PKEY_sign(context, out->p, &len, in.p, in.len) == 1;
    keep_context(op, KEY_CONTEXT_SIGN, context, made);
    ERR_clear_error();
    if (!made || check(op, in, span_of(out->p, len)) != CKR_OK)
        return CKR_DEVICE_ERROR;
    out->len = len;
    return CKR_OK;
}

const struct mechanism_family eddsa_family = {
    .begin = begin, .output_max = output_max, .once = sign, .verify = check
};
