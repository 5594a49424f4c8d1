#include "pkcs11/module/client.h"

#define TRIES_MAX 3

/* That the keystore has closed an idle connection shows when it is used: nothing was processed then. Else only what
 * does no harm twice is repeated: C_OpenSession and the like meet the very moment at which a keystore goes. */
static bool may_repeat(const struct connection *c, uint64_t generation, uint16_t kind, CK_RV rv)
{
    return c->stale || (rv == CKR_DEVICE_REMOVED && generation == POOL_ANY && kind != MESSAGE_INIT_TOKEN);
}

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
        if (!may_repeat(out->connection, generation, kind, rv))
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
