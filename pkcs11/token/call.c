#include "pkcs11/token/state.h"

#define CKR_AEAD_DECRYPT_FAILED_ 0x35UL /* PKCS#11 3.0 */

/* The token is away, or it has restarted and no longer knows our login, sessions or objects. Handles count: we pin what
 * we use, so one can only be invalid when all are. An operation that is still active means that we lost track of a
 * session; new ones mend it. */
static bool is_gone(CK_RV rv)
{
    switch (rv) {
    case CKR_DEVICE_ERROR:
    case CKR_DEVICE_REMOVED:
    case CKR_TOKEN_NOT_PRESENT:
    case CKR_TOKEN_NOT_RECOGNIZED:
    case CKR_SLOT_ID_INVALID:
    case CKR_SESSION_HANDLE_INVALID:
    case CKR_SESSION_CLOSED:
    case CKR_USER_NOT_LOGGED_IN:
    case CKR_CRYPTOKI_NOT_INITIALIZED:
    case CKR_KEY_HANDLE_INVALID:
    case CKR_OBJECT_HANDLE_INVALID:
    case CKR_WRAPPING_KEY_HANDLE_INVALID:
    case CKR_UNWRAPPING_KEY_HANDLE_INVALID:
    case CKR_OPERATION_ACTIVE:
        return true;
    default:
        return false;
    }
}

enum status call_result(struct token *t, CK_RV rv)
{
    if (rv == CKR_OK)
        return ST_OK;
    if (is_gone(rv)) {
        token_lost(t);
        return ST_UNAVAILABLE;
    }
    switch (rv) {
    case CKR_HOST_MEMORY:
        return ST_NO_MEMORY;
    case CKR_DEVICE_MEMORY: /* full, not away */
    case CKR_SESSION_COUNT:
        return ST_UNAVAILABLE;
    case CKR_MECHANISM_INVALID:
        return ST_UNSUPPORTED;
    case CKR_PIN_INCORRECT:
    case CKR_PIN_INVALID:
    case CKR_PIN_LEN_RANGE:
    case CKR_PIN_EXPIRED:
    case CKR_PIN_LOCKED:
    case CKR_USER_PIN_NOT_INITIALIZED:
        return ST_NOT_PERMITTED;
    default:
        return ST_INTERNAL;
    }
}

enum status call_cipher_result(struct token *t, CK_RV rv)
{
    switch (rv) {
    case CKR_GENERAL_ERROR: /* SoftHSM's answer to a bad tag, a bad padding and a number beyond the modulus */
    case CKR_FUNCTION_FAILED:
    case CKR_ENCRYPTED_DATA_INVALID:
    case CKR_ENCRYPTED_DATA_LEN_RANGE:
    case CKR_DATA_INVALID:
    case CKR_DATA_LEN_RANGE:
    case CKR_AEAD_DECRYPT_FAILED_:
        return ST_BAD_CIPHERTEXT;
    default:
        return call_result(t, rv);
    }
}

/* PKCS#11 takes pointers to bytes it does not change. */
static CK_BYTE_PTR borrowed(struct span s)
{
    static uint8_t none;

    return s.len > 0 ? (CK_BYTE_PTR)(uintptr_t)s.p : &none;
}

enum status call_sign(struct worker *w, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key, struct span input, uint8_t *out,
                      size_t *len)
{
    CK_FUNCTION_LIST *f = w->token->f;
    CK_ULONG n = *len;
    CK_RV rv = f->C_SignInit(w->session, mechanism, key);

    if (rv == CKR_OK)
        rv = f->C_Sign(w->session, borrowed(input), input.len, out, &n);
    *len = n;
    return call_result(w->token, rv);
}

enum status call_encrypt(struct worker *w, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key, struct span input,
                         uint8_t *out, size_t *len)
{
    CK_FUNCTION_LIST *f = w->token->f;
    CK_ULONG n = *len;
    CK_RV rv = f->C_EncryptInit(w->session, mechanism, key);

    if (rv == CKR_OK)
        rv = f->C_Encrypt(w->session, borrowed(input), input.len, out, &n);
    *len = n;
    return call_result(w->token, rv);
}

enum status call_decrypt(struct worker *w, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key, struct span input,
                         uint8_t *out, size_t *len)
{
    CK_FUNCTION_LIST *f = w->token->f;
    CK_ULONG n = *len;
    CK_RV rv = f->C_DecryptInit(w->session, mechanism, key);

    if (rv != CKR_OK) /* nothing of the ciphertext has been seen */
        return call_result(w->token, rv);
    rv = f->C_Decrypt(w->session, borrowed(input), input.len, out, &n);
    *len = n;
    return call_cipher_result(w->token, rv);
}

enum status call_random(struct worker *w, uint8_t *out, size_t len)
{
    return len == 0 ? ST_OK : call_result(w->token, w->token->f->C_GenerateRandom(w->session, out, len));
}

enum status call_binding_mac(struct worker *w, struct span message, uint8_t mac[BLOB_MAC_LEN])
{
    CK_MECHANISM mechanism = { .mechanism = CKM_SHA256_HMAC };
    size_t len = BLOB_MAC_LEN;
    enum status st;

    if (w->token->binding == CK_INVALID_HANDLE)
        return ST_UNSUPPORTED;
    st = call_sign(w, &mechanism, w->token->binding, message, mac, &len);
    return st == ST_OK && len != BLOB_MAC_LEN ? ST_INTERNAL : st;
}

enum status call_find(struct worker *w, CK_ATTRIBUTE *template, CK_ULONG attributes, CK_OBJECT_HANDLE *out,
                      CK_ULONG max, CK_ULONG *count)
{
    CK_FUNCTION_LIST *f = w->token->f;
    CK_RV rv = f->C_FindObjectsInit(w->session, template, attributes), end;

    *count = 0;
    if (rv != CKR_OK)
        return call_result(w->token, rv);
    rv = f->C_FindObjects(w->session, out, max, count);
    end = f->C_FindObjectsFinal(w->session);
    return call_result(w->token, rv != CKR_OK ? rv : end);
}

enum status call_attribute(struct worker *w, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, void *value, size_t room,
                           size_t *len)
{
    CK_ATTRIBUTE a = { type, value, room };
    CK_RV rv = w->token->f->C_GetAttributeValue(w->session, object, &a, 1);

    if (rv == CKR_ATTRIBUTE_TYPE_INVALID || rv == CKR_ATTRIBUTE_SENSITIVE || rv == CKR_BUFFER_TOO_SMALL ||
        (rv == CKR_OK && a.ulValueLen > room))
        return ST_NOT_FOUND;
    *len = a.ulValueLen;
    return call_result(w->token, rv);
}
