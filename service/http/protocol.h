/* protocol.h - what a connection and the protocol it speaks know of each other. Protocols do no I/O: bytes go in, bytes
 * come out, complete requests go to `dispatch`, answers come back through protocol_respond(). One thread, no locks. */
#ifndef STRONGROOM_HTTP_PROTOCOL_H
#define STRONGROOM_HTTP_PROTOCOL_H

#include "service/http/request.h"

/* The connection a protocol lives in. The pointers outlive it. */
struct protocol_env {
    const struct http_limits *limits;
    struct request_pool *pool;
    struct mailbox *home;
    uint64_t connection;
    const char *peer, *tls_version;
    const uint64_t *now_us; /* the loop's clock, CLOCK_MONOTONIC */
    const char *date;       /* the loop's, as an HTTP date */
    void (*dispatch)(void *arg, struct http_request *rq);
    void *arg;
};

enum { PROTOCOL_READ = 1, PROTOCOL_WRITE = 2, PROTOCOL_RUNNING = 4 };

struct protocol;
struct protocol_ops {
    void (*receive)(struct protocol *p, struct span in);
    void (*respond)(struct protocol *p, struct http_request *rq);
    void (*produce)(struct protocol *p, struct bytes *out, size_t room);
    unsigned (*wants)(const struct protocol *p);
    void (*tick)(struct protocol *p);
    void (*drain)(struct protocol *p);
    void (*end_of_input)(struct protocol *p);
    void (*free)(struct protocol *p);
};
struct protocol {
    const struct protocol_ops *ops;
    struct protocol_env env;
};

/* Errors: ST_NO_MEMORY. */
MUST_CHECK enum status h1_new(const struct protocol_env *env, struct protocol **out);
MUST_CHECK enum status h2_new(const struct protocol_env *env, struct protocol **out);

/* Bytes have arrived. */
static inline void protocol_receive(struct protocol *p, struct span in)
{
    p->ops->receive(p, in);
}
/* The answer to a request that was dispatched; takes it. Its stream may be gone. */
static inline void protocol_respond(struct protocol *p, struct http_request *rq)
{
    p->ops->respond(p, rq);
}
/* Append bytes to send until `out` holds about `room`, or there are no more. */
static inline void protocol_produce(struct protocol *p, struct bytes *out, size_t room)
{
    p->ops->produce(p, out, room);
}
/* What it waits for: bytes to come, bytes to go, a handler. 0 when all is said and the connection is to be closed. */
static inline unsigned protocol_wants(const struct protocol *p)
{
    return p->ops->wants(p);
}
/* Time has passed. */
static inline void protocol_tick(struct protocol *p)
{
    p->ops->tick(p);
}
/* Finish what runs, begin nothing new. */
static inline void protocol_drain(struct protocol *p)
{
    p->ops->drain(p);
}
/* The peer will send nothing more. */
static inline void protocol_end_of_input(struct protocol *p)
{
    p->ops->end_of_input(p);
}
static inline void protocol_free(struct protocol *p)
{
    if (p != NULL)
        p->ops->free(p);
}

/* A request of this connection, empty. NULL when out of memory. */
struct http_request *protocol_request(const struct protocol *p, int version);

#endif
