/* limits.h - every limit of the HTTP front, in one table (THREATS.md, C1). Sizes are bytes, times milliseconds.
 * The table is a value so that tests can shorten the times; a daemon has no setting that reaches it. */
#ifndef STRONGROOM_HTTP_LIMITS_H
#define STRONGROOM_HTTP_LIMITS_H

#include <stddef.h>
#include <stdint.h>

#include "service/http/target.h"

#define HTTP_FIELDS_MAX          100          /* header fields of a request */
#define HTTP_HEAD_MAX            (32u * 1024) /* decoded header list: names, values, 32 a field (RFC 9113, 6.5.2) */
#define HTTP_BODY_MAX            (1024u * 1024)
#define HTTP_RESPONSE_FIELDS_MAX 32
#define HTTP_RECORD_MAX          (16u * 1024) /* a TLS record's plaintext (RFC 8446, 5.1) */
#define HTTP_THREADS_MAX         64
#define HTTP_ADDRESSES_MAX       8

struct http_limits {
    /* connections */
    unsigned connections;             /* in all */
    unsigned connections_per_address; /* an IPv4 address, an IPv6 /64 */
    uint64_t handshake_ms;            /* from accept to the end of the TLS handshake */
    uint64_t idle_ms;                 /* without a request */
    uint64_t linger_ms;               /* reading on, unread, after the last answer so that it is not lost to a reset */
    uint64_t stall_ms;                /* a peer that takes none of what waits for it */
    uint64_t trickle_ms;              /* at least trickle_bytes in each such span while something is half received */
    size_t trickle_bytes;
    uint64_t tick_ms;   /* how often the times above are looked at */
    uint64_t notice_ms; /* between the two GOAWAYs of a graceful end (RFC 9113, 6.8) */
    /* requests */
    size_t body;
    size_t head;
    unsigned fields;
    size_t target;
    unsigned requests;             /* running in all; more are answered 503 */
    unsigned streams;              /* HTTP/2: at once on a connection; work whose stream is gone still counts */
    size_t bodies_per_connection;  /* HTTP/2: request bodies held at once */
    size_t answers_per_connection; /* HTTP/2: answers that wait; beyond it no further request is begun */
    /* HTTP/2 header blocks */
    unsigned continuations;
    uint64_t block_ms;
    size_t bomb; /* decoded bytes of one block at which it is no mistake any more */
    /* HTTP/2 floods: so many at once, then so many a second */
    unsigned resets_burst, resets_per_s;
    unsigned frames_burst, frames_per_s; /* of each kind that carries nothing */
    uint32_t tiny_window_update;         /* increments below it carry nothing */
};

static const struct http_limits http_limits_default = {
    .connections = 8192,
    .connections_per_address = 1024,
    .handshake_ms = 5000,
    .idle_ms = 120000,
    .linger_ms = 2000,
    .stall_ms = 30000,
    .trickle_ms = 10000,
    .trickle_bytes = 1000, /* 100 B/s */
    .tick_ms = 500,
    .notice_ms = 200,
    .body = HTTP_BODY_MAX,
    .head = HTTP_HEAD_MAX,
    .fields = HTTP_FIELDS_MAX,
    .target = TARGET_MAX,
    .requests = 8192,
    .streams = 100,
    .bodies_per_connection = 4 * HTTP_BODY_MAX,
    .answers_per_connection = 256 * 1024,
    .continuations = 8,
    .block_ms = 5000,
    .bomb = 8 * HTTP_HEAD_MAX,
    .resets_burst = 100,
    .resets_per_s = 20,
    .frames_burst = 100,
    .frames_per_s = 10,
    .tiny_window_update = 1024,
};

#endif
