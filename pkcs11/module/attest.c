#include "pkcs11/module/attest.h"

#include "pkcs11/module/call.h"

/* No two statements are of one length: signatures, the time and the count of records are written as short as they are.
 * What is told as the length has room for the next one. */
#define LENGTH_VARIES 64

static CK_RV deliver(const Ks__SignedStatement *s, CK_BYTE_PTR out, CK_ULONG_PTR out_len)
{
    size_t len = ks__signed_statement__get_packed_size(s);
    CK_ULONG room = *out_len;

    if (out == NULL || room < len) {
        *out_len = len + LENGTH_VARIES;
        return out == NULL ? CKR_OK : CKR_BUFFER_TOO_SMALL;
    }
    *out_len = ks__signed_statement__pack(s, out);
    return CKR_OK;
}

static CK_RV ask(struct session *s, CK_OBJECT_HANDLE key, const CK_BYTE *nonce, CK_ULONG nonce_len, CK_BYTE_PTR out,
                 CK_ULONG_PTR out_len)
{
    Ks__Attest request = KS__ATTEST__INIT;
    struct reply reply;
    CK_RV rv;

    if (nonce == NULL || nonce_len < NONCE_MIN || nonce_len > NONCE_MAX || out_len == NULL)
        return CKR_ARGUMENTS_BAD;
    request.nonce = wire_bytes(nonce, nonce_len);
    request.session = s->number;
    request.key = key;
    if ((rv = session_call(s, MESSAGE_ATTEST, &request.base, IMPORT_MS, &reply)) == CKR_OK)
        rv = deliver((const Ks__SignedStatement *)reply.message, out, out_len);
    reply_done(&reply);
    return rv;
}

CK_RV attest(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, CK_BYTE_PTR nonce, CK_ULONG nonce_len, CK_BYTE_PTR out,
             CK_ULONG_PTR out_len)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = ask(call.session, key, nonce, nonce_len, out, out_len);
    return call_leave(&call, rv);
}
