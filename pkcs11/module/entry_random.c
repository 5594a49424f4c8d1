/* Entry points: random numbers. */
#include "pkcs11/module/call.h"
#include "pkcs11/module/pkcs11_3.h"

#define SEED_MAX (32u * 1024) /* of one request */

static CK_RV seed(struct session *s, const uint8_t *p, CK_ULONG len)
{
    Ks__Seed request = KS__SEED__INIT;
    CK_RV rv = CKR_OK;

    if (p == NULL || len == 0)
        return CKR_ARGUMENTS_BAD;
    while (len > 0 && rv == CKR_OK) {
        size_t n = len < SEED_MAX ? len : SEED_MAX;

        request.seed = wire_bytes(p, n);
        rv = session_order(s, MESSAGE_SEED, &request.base, CALL_MS);
        p += n;
        len -= n;
    }
    return rv;
}

CK_RV C_SeedRandom(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG data_len)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = seed(call.session, data, data_len);
    return call_leave(&call, rv);
}

static CK_RV draw(struct session *s, uint8_t *p, size_t n)
{
    Ks__Random request = KS__RANDOM__INIT;
    struct reply reply;
    CK_RV rv;

    request.length = (uint32_t)n;
    if ((rv = session_call(s, MESSAGE_RANDOM, &request.base, CALL_MS, &reply)) == CKR_OK) {
        const Ks__Data *d = (const Ks__Data *)reply.message;

        if (d->data.len == n)
            memcpy(p, d->data.data, n);
        else
            rv = CKR_DEVICE_ERROR;
    }
    reply_done(&reply);
    return rv;
}

static CK_RV generate(struct session *s, uint8_t *p, CK_ULONG len)
{
    CK_RV rv = CKR_OK;

    if (p == NULL)
        return CKR_ARGUMENTS_BAD;
    while (len > 0 && rv == CKR_OK) {
        size_t n = len < RANDOM_MAX ? len : RANDOM_MAX;

        rv = draw(s, p, n);
        p += n;
        len -= n;
    }
    return rv;
}

CK_RV C_GenerateRandom(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG data_len)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = generate(call.session, data, data_len);
    return call_leave(&call, rv);
}
