#include "pkcs11/module/client.h"

#define TRIES_MAX 3

CK_RV client_call(struct slot *s, uint64_t generation, uint16_t kind, const ProtobufCMessage *request,
                  unsigned timeout_ms, struct reply *out)
{
    CK_RV rv = CKR_DEVICE_REMOVED, result;

    *out = (struct reply){ .slot = s };
    for (unsigned tries = 0; tries < TRIES_MAX; tries++) {
        if ((rv = pool_take(&s->pool, generation, &out->connection)) != CKR_OK)
            return rv;
        rv = connection_exchange(out->connection, kind, request, timeout_ms, &result, &out->message);
        if (rv == CKR_OK)
            return result;
        /* That the keystore has closed an idle connection shows when it is used. Nothing was processed then. */
        if (!out->connection->stale)
            return rv;
        reply_done(out);
        out->slot = s;
    }
    return rv;
}

void reply_done(struct reply *r)
{
    if (r->connection != NULL) {
        connection_forget(r->connection);
        pool_give(&r->slot->pool, r->connection, true);
    }
    *r = (struct reply){ 0 };
}

CK_RV client_order(struct slot *s, uint64_t generation, uint16_t kind, const ProtobufCMessage *request,
                   unsigned timeout_ms)
{
    struct reply reply;
    CK_RV rv = client_call(s, generation, kind, request, timeout_ms, &reply);

    reply_done(&reply);
    return rv;
}
