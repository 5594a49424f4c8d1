/* server.h - a server inside: what its threads share. http.h is what others see of it. */
#ifndef STRONGROOM_HTTP_SERVER_H
#define STRONGROOM_HTTP_SERVER_H

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>

#include "service/http/admission.h"
#include "service/http/http.h"

struct loop;

struct http_server {
    struct http_limits limits;
    struct admission *admission;
    http_handler *handler;
    void *handler_arg;
    void (*batch)(void *arg, bool begins); /* NULL, or http_server_config.batch */
    char *certificate_file;
    EVP_PKEY *private_key;
    uint16_t port;
    atomic_uint requests; /* with handlers, of all loops */
    pthread_mutex_t lock; /* `tls` */
    SSL_CTX *tls;         /* replaced on reload; connections keep the one they began with */
    struct loop **loops;
    unsigned loop_count;
};

/* http_server_start() with limits of one's own. */
MUST_CHECK enum status http_server_start_limited(const struct http_server_config *config,
                                                 const struct http_limits *limits, struct http_server **out);
/* The context in use, for SSL_CTX_free(). */
SSL_CTX *server_tls(struct http_server *s);

#endif
