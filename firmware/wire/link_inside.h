/* link_inside.h - what link.c and link_identity.c share: the settings of TLS, and how they reach the link. */
#ifndef STRONGROOM_WIRE_LINK_INSIDE_H
#define STRONGROOM_WIRE_LINK_INSIDE_H

#include "firmware/wire/link.h"

#define LINK_BINDING_LEN 32

struct link_identity {
    OSSL_LIB_CTX *library; /* NULL: the process's own */
    SSL_CTX *tls;
    BIO_METHOD *pipe; /* how TLS reads from and writes to a link */
    bool board;
    uint8_t pinned[LINK_FINGERPRINT_LEN]; /* client */
};

/* What TLS must know of the link it works for; its SSL's app data. */
struct link_tls {
    const struct link_identity *id;
    uint8_t binding[LINK_BINDING_LEN]; /* of HELLO and its answer: both ends must have seen the same */
    uint8_t fingerprint[LINK_FINGERPRINT_LEN];
};

/* The two ends of the pipe; `link` is what was given to link_identity_tls(). Return bytes, or -1: none now (read), no
 * room (write). */
int link_pipe_read(struct link *link, void *out, int len);
int link_pipe_write(struct link *link, const void *p, int len);

/* A TLS connection for a link, bound to `about->binding`. NULL: out of memory. */
SSL *link_identity_tls(const struct link_identity *id, struct link *link, struct link_tls *about);
/* After the handshake: did the peer agree on the binding? */
bool link_identity_is_bound(SSL *ssl);
/* Random bytes and SHA-256, by the identity's library. */
MUST_CHECK enum status link_identity_random(const struct link_identity *id, void *out, size_t len);
MUST_CHECK enum status link_identity_hash(const struct link_identity *id, struct span in, uint8_t out[32]);

#endif
