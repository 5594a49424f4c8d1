/* live.h - a server on a port of its own with a certificate of its own, and clients that speak TLS to it. */
#ifndef STRONGROOM_TESTS_HTTP_LIVE_H
#define STRONGROOM_TESTS_HTTP_LIVE_H

#include <openssl/ssl.h>

#include "service/http/server.h"

#define LIVE_KEPT_MAX 512

/* The handler answers by the target:
 *   /echo    the body            /size     /size/N: N bytes      /info   version, TLS version, address
 *   /worker  from another thread  /keep    when live_release() is called, from the caller's thread */
struct live {
    struct http_limits limits;
    unsigned threads;
    struct http_server *server;
    char *certificate_file;
    EVP_PKEY *key;
    pthread_t worker;
    pthread_mutex_t lock; /* the rest */
    pthread_cond_t changed;
    struct http_request *queue[LIVE_KEPT_MAX], *kept[LIVE_KEPT_MAX];
    unsigned queued, kept_count, seen;
    bool stop;
};
void live_open(struct live *l); /* limits: the usual ones with short times; change them, then live_start() */
void live_start(struct live *l);
void live_close(struct live *l);
void live_release(struct live *l);           /* answer what is kept */
bool live_keeps(struct live *l, unsigned n); /* wait until so many are kept */
unsigned live_seen(struct live *l);
/* A certificate with this serial number for `key`, into `file`. */
void live_certificate(const char *file, EVP_PKEY *key, long serial);

struct client {
    int fd;
    SSL_CTX *ctx;
    SSL *ssl;
    struct bytes in;
    bool ended; /* the server has closed */
};
struct client_options {
    int family;         /* 0: AF_INET */
    const char *alpn;   /* in wire form, or NULL */
    int least, most;    /* TLS versions, or 0 */
    const char *suites; /* of TLS 1.2, or NULL */
    int receive_buffer; /* or 0 */
};
/* The bare TCP connection; false when it is refused. */
bool client_dial(struct client *c, const struct live *l, const struct client_options *o);
/* The handshake; false when it fails. */
bool client_handshake(struct client *c, const struct client_options *o);
/* Both. client_close() is due either way. */
bool client_open(struct client *c, const struct live *l, const struct client_options *o);
void client_close(struct client *c);
void client_send(struct client *c, struct span bytes);
void client_text(struct client *c, const char *text);
/* Read until `text` has come, or the server has closed, or 5 s have passed. */
bool client_awaits(struct client *c, const char *text);
/* Read until the server has closed; false after 5 s. */
bool client_sees_end(struct client *c);
/* Read what comes within `ms`. */
void client_listen(struct client *c, int ms);

#define ALPN_H2   "\x02h2"
#define ALPN_H1   "\x08http/1.1"
#define ALPN_BOTH "\x08http/1.1\x02h2"

#endif
