/* http.h - the HTTP front of a daemon: TLS 1.2/1.3, HTTP/2 and HTTP/1.1 chosen by ALPN, N epoll threads, limits.
 * Knows nothing of vaults. What comes out of here is a complete, well-formed request within the limits of limits.h;
 * everything else has been answered or cut off already (THREATS.md 5.1 to 5.3).
 *
 * A handler is called on an I/O thread and must not block. It owns the request until it calls http_respond(), at once
 * or later and from any thread; if the peer has gone meanwhile, the answer is dropped and nothing else happens. */
#ifndef STRONGROOM_HTTP_HTTP_H
#define STRONGROOM_HTTP_HTTP_H

#include <openssl/evp.h>
#include <sys/socket.h>

#include "firmware/base/bytes.h"
#include "firmware/base/status.h"

struct http_server;
struct http_request;

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_PUT, HTTP_PATCH, HTTP_DELETE, HTTP_OPTIONS, HTTP_OTHER };

typedef void http_handler(struct http_request *rq, void *arg);

struct http_server_config {
    const char *const *addresses; /* numeric, NULL-terminated; the default is { "127.0.0.1", "::1", NULL } */
    uint16_t port;                /* 0: the kernel chooses; see http_server_port() */
    unsigned threads;             /* 0: as many as cores */
    const char *certificate_file; /* PEM: the server's certificate, then its chain; read again on reload */
    EVP_PKEY *private_key;        /* works inside the token; referenced, not taken */
    http_handler *handler;
    void *handler_arg;
    /* Called with handler_arg by an I/O thread before and after it looks at a batch of connections that are ready, so
     * that what their requests ask of others can go together. May be NULL. */
    void (*batch)(void *arg, bool begins);
};

/* Bind, load the certificate, start the threads.
 * Errors: ST_NOT_FOUND or ST_BAD_REQUEST the certificate file, ST_CONFLICT it does not belong to the key;
 * ST_EXISTS the port is taken; ST_IO; ST_NO_MEMORY. Says the reason in the log. */
MUST_CHECK enum status http_server_start(const struct http_server_config *config, struct http_server **out);
/* Read the certificate file again (SIGHUP). New connections get the new one; on error the old one stays in use. */
MUST_CHECK enum status http_server_reload(struct http_server *s);
/* Stop accepting, send GOAWAY / Connection: close, let running requests end, at most `grace_ms`; then close what is
 * left, end the threads, free. http_server_stop(NULL, ..) does nothing. All requests must be responded to by the
 * handlers' own shutdown before or during this call; those that come later are dropped safely. */
void http_server_stop(struct http_server *s, uint64_t grace_ms);
uint16_t http_server_port(const struct http_server *s);

/* The request. All spans stay valid until http_respond(), after which the memory behind them is wiped: a request holds
 * access tokens and payloads. */
enum http_method http_method(const struct http_request *rq);
struct span http_method_text(const struct http_request *rq);
struct span http_authority(const struct http_request *rq); /* ":authority" or Host, as sent: name[:port] */
struct span http_target(const struct http_request *rq);    /* path and query, as sent */
struct span http_body(const struct http_request *rq);
/* The value of a header, name in lower case; an empty span with p == NULL when absent. Of repeated ones the first. */
struct span http_header(const struct http_request *rq, const char *name);
unsigned http_header_count(const struct http_request *rq, const char *name);
int http_version(const struct http_request *rq);              /* 10, 11 or 20 */
const char *http_tls_version(const struct http_request *rq);  /* "TLSv1.3" */
const char *http_peer_address(const struct http_request *rq); /* numeric, without port */
uint64_t http_received_us(const struct http_request *rq);     /* CLOCK_MONOTONIC, when it was complete */
/* Room for the handler's own state, freed by free_fn (may be NULL) together with the request. */
void http_set_user(struct http_request *rq, void *user, void (*free_fn)(void *));
void *http_user(const struct http_request *rq);

struct http_field {
    const char *name;  /* lower case; copied */
    struct span value; /* copied */
};
struct http_response {
    unsigned status;
    const struct http_field *fields;
    size_t field_count;
    struct bytes body; /* moved out; content-length is added by us (not for 204 and 304) */
    bool close;        /* close the connection after this answer */
    bool sensitive;    /* wipe the body, and every copy of it that we make, once sent or dropped */
};

/* Answer, once. At most 32 fields; content-length, connection, transfer-encoding and date are ours to say and left out.
 * A field whose name or value cannot stand in an answer (a line end, say) makes it a 500. Takes response->body. The
 * request must not be touched afterwards. Any thread. */
void http_respond(struct http_request *rq, struct http_response *response);

#endif
