/* connection.h - one HTTP/2 connection over TLS 1.3 to the service, as a client, with several requests under way.
 * Non-blocking; driven from one thread. */
#ifndef STRONGROOM_BENCH_CONNECTION_H
#define STRONGROOM_BENCH_CONNECTION_H

#include <nghttp2/nghttp2.h>
#include <openssl/ssl.h>

#include "tests/bench/job.h"

#define ANSWER_MAX 4096 /* bytes of a body */

/* One request and its answer. The caller's; stays until `done` is called. */
struct request {
    const char *method, *path;
    struct span body;
    void (*done)(struct request *rq); /* may submit it again */
    void *owner;
    unsigned status; /* 0: the stream was reset */
    uint8_t answer[ANSWER_MAX];
    size_t answer_len;
    size_t body_sent;
    char client_id[37]; /* x-ms-client-request-id, as SDKs send it: another for each request */
};

struct connection;

/* Connect and shake hands, waiting for it. Says on standard error what failed. `j` is borrowed. */
MUST_CHECK enum status connection_open(const struct job *j, SSL_CTX *tls, struct connection **out);
void connection_close(struct connection *c);
int connection_fd(const struct connection *c);
/* Queue a request; it goes out with the next connection_push(). */
MUST_CHECK enum status connection_submit(struct connection *c, struct request *rq);
/* Read what has come and call back, then write what can be written. *wants_write: it could not all be. */
MUST_CHECK enum status connection_drive(struct connection *c, bool *wants_write);
MUST_CHECK enum status connection_push(struct connection *c, bool *wants_write);

#endif
