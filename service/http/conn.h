/* conn.h - a connection: its socket, its TLS, and the protocol inside. Owned by one loop and touched by its thread
 * only. The loop tells it that the socket is ready or that time has passed, and then asks what to watch for. */
#ifndef STRONGROOM_HTTP_CONN_H
#define STRONGROOM_HTTP_CONN_H

#include <openssl/ssl.h>

#include "service/http/admission.h"
#include "service/http/protocol.h"

enum conn_state {
    CONN_HANDSHAKE,
    CONN_OPEN,
    CONN_LINGER, /* all is said; what still comes is thrown away for a while, lest a reset overtake the last answer */
    CONN_CLOSED
};

struct conn {
    enum conn_state state;
    int fd;
    SSL *ssl;
    uint64_t id;
    char peer[INET6_ADDRSTRLEN];
    struct admission_key address;
    struct protocol_env env;
    struct protocol *protocol; /* once open */
    struct bytes *scratch;     /* the loop's: where output is put together */
    struct span read_space;    /* the loop's: where input is decrypted */
    struct bytes unsent;       /* what the socket did not take; from unsent_at */
    size_t unsent_at;
    size_t lingered;   /* bytes thrown away */
    uint64_t since_us; /* in this state, or of the last progress in writing */
    bool input_ended;
    bool more_input; /* decrypted bytes wait in OpenSSL; no readiness will tell */
    bool draining;

    /* The loop's. */
    struct conn *prev, *next;
    struct conn *dirty_next;
    bool dirty;
    uint32_t watched;
};

/* Take the socket. The loop has set env (but connection, peer, tls_version, which are set here), scratch, read_space,
 * id, peer and address. Errors: ST_NO_MEMORY; the socket is then still the caller's. */
MUST_CHECK enum status conn_open(struct conn *c, int fd, SSL_CTX *tls);
/* The socket is ready for reading or writing (EPOLLIN, EPOLLOUT), or has failed (EPOLLERR, EPOLLHUP). */
void conn_on_ready(struct conn *c, uint32_t ready);
/* Something may be there to be sent: an answer has come. */
void conn_flush(struct conn *c);
/* It has had enough of its loop's time for now, but has more to read that no readiness will tell of. */
bool conn_wants_turn(const struct conn *c);
void conn_turn(struct conn *c);
void conn_tick(struct conn *c);
void conn_drain(struct conn *c);
/* The events to watch for. A connection whose state is CONN_CLOSED is to be closed by the loop. */
uint32_t conn_interest(const struct conn *c);
/* Close the socket and free what it holds, not `c` itself. */
void conn_close(struct conn *c);

#endif
