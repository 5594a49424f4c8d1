/* client.h - one request to the keystore and its answer, over a connection of the slot's pool. */
#ifndef STRONGROOM_PKCS11_MODULE_CLIENT_H
#define STRONGROOM_PKCS11_MODULE_CLIENT_H

#include "pkcs11/module/slot.h"

/* An answer and the connection it lies in. Zero is valid, and so is an answer after an error: empty. */
struct reply {
    struct slot *slot;
    struct connection *connection;
    ProtobufCMessage *message;
};

/* Ask, for a session in its generation, else with POOL_ANY. CKR_OK: the reply holds an answer. Else what the keystore
 * or the transport says. A connection that was dead before the request left is replaced. The reply is for reply_done()
 * in any case, which wipes it and gives the connection back. */
MUST_CHECK CK_RV client_call(struct slot *s, uint64_t generation, uint16_t kind, const ProtobufCMessage *request,
                             unsigned timeout_ms, struct reply *out);
void reply_done(struct reply *r);
/* The same for requests of which only the result matters. */
MUST_CHECK CK_RV client_order(struct slot *s, uint64_t generation, uint16_t kind, const ProtobufCMessage *request,
                              unsigned timeout_ms);

#endif
