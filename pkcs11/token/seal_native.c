#include "pkcs11/token/seal_native.h"

#include <openssl/sha.h>

#include "pkcs11/module/strongroom.h"
#include "pkcs11/token/sealing.h"

#define CONTEXT_LEN SHA256_DIGEST_LENGTH

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

/* The token's context is a digest of the binding: of one length, whatever the binding's. */
static enum status digest_binding(const struct seal_binding *binding, uint8_t out[CONTEXT_LEN])
{
    struct bytes input = { 0 };
    enum status st;

    seal_blob_mac_input(&input, span_of(NULL, 0), binding);
    if ((st = bytes_status(&input)) == ST_OK && SHA256(input.p, input.len, out) == NULL)
        st = ST_INTERNAL;
    bytes_clear(&input);
    return st;
}

enum status seal_native_close(struct worker *w, CK_OBJECT_HANDLE key, const struct seal_binding *binding,
                              struct bytes *out)
{
    uint8_t context[CONTEXT_LEN];
    CK_STRONGROOM_SEAL_PARAMS params = { context, sizeof context };
    CK_MECHANISM mechanism = { CKM_STRONGROOM_SEAL, &params, sizeof params };
    CK_ULONG len = TOKEN_SEALED_MAX;
    enum status st;

    if ((st = digest_binding(binding, context)) != ST_OK || (st = bytes_reserve(out, len)) != ST_OK)
        return st;
    st = call_result(w->token, w->token->f->C_WrapKey(w->session, &mechanism, CK_INVALID_HANDLE, key, out->p, &len));
    if (st == ST_OK)
        out->len = len;
    return st;
}

enum status seal_native_open(struct worker *w, CK_SESSION_HANDLE session, const struct sealed_key *sealed,
                             CK_OBJECT_HANDLE *out)
{
    struct seal_binding binding = { sealed->spec, sealed->uses, sealed->public_der, sealed->context };
    uint8_t context[CONTEXT_LEN];
    CK_STRONGROOM_SEAL_PARAMS params = { context, sizeof context };
    CK_MECHANISM mechanism = { CKM_STRONGROOM_SEAL, &params, sizeof params };
    enum status st;
    CK_RV rv;

    if (sealed->context.len > TOKEN_CONTEXT_MAX || sealed->public_der.len > TOKEN_SEALED_MAX ||
        sealed->blob.len > TOKEN_SEALED_MAX || sealed->blob.len <= BLOB_MAC_LEN ||
        !key_uses_valid(&sealed->spec, sealed->uses))
        return ST_CORRUPT;
    if ((st = digest_binding(&binding, context)) != ST_OK)
        return st;
    rv = w->token->f->C_UnwrapKey(session, &mechanism, CK_INVALID_HANDLE, (CK_BYTE_PTR)(uintptr_t)sealed->blob.p,
                                  sealed->blob.len, NULL, 0, out);
    return rv == CKR_WRAPPED_KEY_INVALID || rv == CKR_WRAPPED_KEY_LEN_RANGE ? ST_CORRUPT : call_result(w->token, rv);
}

/* The rights of the new uses; the token refuses what would mix a key's jobs. */
static enum status set_rights(struct worker *w, CK_OBJECT_HANDLE key, const struct key_spec *spec, unsigned uses)
{
    CK_BBOOL *sign = (uses & KEY_USE_SIGN) != 0 ? &yes : &no;
    CK_BBOOL *decrypt = (uses & (KEY_USE_DECRYPT | KEY_USE_WRAP)) != 0 ? &yes : &no;
    CK_ATTRIBUTE template[] = {
        { CKA_SIGN, sign, sizeof *sign },
        { CKA_DECRYPT, decrypt, sizeof *decrypt },
        /* of secret keys only */
        { CKA_VERIFY, sign, sizeof *sign },
        { CKA_ENCRYPT, decrypt, sizeof *decrypt },
    };
    CK_ULONG count = spec->type == KEY_TYPE_OCT ? ARRAY_LEN(template) : 2;

    return call_result(w->token, w->token->f->C_SetAttributeValue(w->session, key, template, count));
}

enum status seal_native_reseal(struct worker *w, struct token_job *job)
{
    const struct sealed_key *old = job->key;
    unsigned uses = job->uses != 0 ? job->uses : old->uses;
    struct seal_binding binding = { old->spec, uses, old->public_der, job->context };
    CK_OBJECT_HANDLE key;
    enum status st;

    if (job->context.len > TOKEN_CONTEXT_MAX || !key_uses_valid(&old->spec, uses))
        return ST_BAD_REQUEST;
    if ((st = seal_native_open(w, w->session, old, &key)) != ST_OK)
        return st;
    /* A MAC key stays one, and so does a cipher key. */
    if (old->spec.type == KEY_TYPE_OCT && (uses & KEY_USE_SIGN) != (old->uses & KEY_USE_SIGN))
        st = ST_BAD_REQUEST;
    if (st == ST_OK && uses != old->uses)
        st = set_rights(w, key, &old->spec, uses);
    if (st == ST_OK)
        st = seal_native_close(w, key, &binding, &job->sealed);
    (void)call_result(w->token, w->token->f->C_DestroyObject(w->session, key));
    return st;
}
