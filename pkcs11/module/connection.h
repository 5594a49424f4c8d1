/* connection.h - one link to the keystore over its unix socket, with the I/O that link.h leaves out: blocking, with
 * deadlines, one request at a time, no signals, closed on exec. A connection belongs to one thread at a time.
 *
 * Errors of the transport are CK_RVs: CKR_DEVICE_REMOVED there is no keystore, or it has gone (its socket closed);
 * CKR_DEVICE_ERROR it does not answer in time, or not as it should; CKR_HOST_MEMORY. */
#ifndef STRONGROOM_PKCS11_MODULE_CONNECTION_H
#define STRONGROOM_PKCS11_MODULE_CONNECTION_H

#include "firmware/wire/body.h"

#define CALL_MS   2000               /* ordinary calls */
#define PIN_MS    30000              /* a PIN takes a while to check, on purpose, and others may stand before us */
#define IMPORT_MS 60000              /* the numbers of an RSA key are checked, behind others' key generations perhaps */
#define SLOW_MS   (5u * 60u * 1000u) /* key generation and the like; that the keystore has gone is noticed at once */

struct connection {
    int fd;
    struct link *link;
    uint32_t last_id;
    bool broken; /* nothing more can be asked over it */
    bool stale;  /* broken before the request left: it has not been processed */
    bool extra;  /* the pool's, as are the next two: it is a batch's own */
    uint64_t generation;
    struct connection *next;
    uint8_t *in;          /* CONNECTION_INPUT bytes */
    struct budget budget; /* the last answer */
    void *block;
};

/* Connect and shake hands within CALL_MS. */
MUST_CHECK CK_RV connection_open(const struct link_identity *id, const char *path, struct connection **out);
void connection_free(struct connection *c);

/* Ask and wait at most `timeout_ms` for the answer. CKR_OK: *result is the keystore's, and *answer, when that is CKR_OK
 * too, lies in the connection until its next exchange or connection_forget(). A connection that timed out can still be
 * used: a late answer is dropped. `request` may be NULL: an empty body. */
MUST_CHECK CK_RV connection_exchange(struct connection *c, uint16_t kind, const ProtobufCMessage *request,
                                     unsigned timeout_ms, CK_RV *result, ProtobufCMessage **answer);
/* Wipe the last answer. */
void connection_forget(struct connection *c);
/* The keystore has closed it meanwhile. Does not wait. */
bool connection_is_dead(const struct connection *c);

#endif
