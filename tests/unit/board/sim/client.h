/* client.h - a client of a running keystored, over its socket: one request and its answer at a time. */
#ifndef STRONGROOM_TESTS_SIM_CLIENT_H
#define STRONGROOM_TESTS_SIM_CLIENT_H

#include "firmware/wire/body.h"

struct identity {
    EVP_PKEY *key;
    X509 *certificate;
    uint8_t fingerprint[LINK_FINGERPRINT_LEN];
};

void identity_make(struct identity *id);
void identity_write(const struct identity *id, const char *path); /* the certificate, PEM */
void identity_clear(struct identity *id);

struct client {
    int fd;
    struct link *link;
    struct link_identity *identity;
    struct budget budget;
    uint8_t *block;
    uint32_t next_id;
};

/* Connect to the socket and shake hands with the board whose certificate is in `pem`. Errors: those of link_feed();
 * ST_UNAVAILABLE nobody listens; ST_CLOSED the board hung up. Always to be closed. */
enum status client_connect(struct client *c, const char *path, const char *pem, const struct identity *who);
void client_close(struct client *c);
/* The answer's result, or CKR_DEVICE_REMOVED when the board has hung up. *answer (may be NULL) is borrowed until the
 * next call. */
unsigned long client_call(struct client *c, uint16_t kind, const ProtobufCMessage *request, void *answer);

#endif
