/* request.h - a request inside the HTTP front: what http.h shows to handlers, and the answer that takes its place.
 * One allocation serves all but large ones: header fields, a small body and the answer's fields lie in its own space.
 * Owned by its protocol (h1.c, h2.c) while it arrives and while it is answered, by the handler in between; only the
 * owner touches it, so nothing here locks. */
#ifndef STRONGROOM_HTTP_REQUEST_H
#define STRONGROOM_HTTP_REQUEST_H

#include <netinet/in.h>

#include "service/http/http.h"
#include "service/http/limits.h"
#include "service/http/pace.h"

#define REQUEST_SPACE         3072
#define REQUEST_FIELDS_INLINE 24
#define REQUEST_POOL_MAX      64

enum request_stage {
    REQUEST_ARRIVING,
    REQUEST_HELD,    /* complete; too many answers wait for it to be begun */
    REQUEST_RUNNING, /* the handler's */
    REQUEST_ANSWERED
};

struct request_field {
    struct span name, value;
};
struct request_block; /* further space */
struct mailbox;

struct http_request {
    /* Set by the protocol that receives it. */
    struct request_pool *pool;
    struct mailbox *home; /* of the loop it belongs to */
    uint64_t connection;  /* ids, not pointers: either may be gone when the answer comes */
    int32_t stream;
    enum request_stage stage;         /* the loop's alone */
    struct http_request *prev, *next; /* of its connection, or in the pool; the loop's, also while it runs */
    struct http_request *held_next;   /* of those that are held */
    struct http_request *mail_next;   /* in the mailbox; whoever posts it writes this one, so it is no other */
    struct pace pace;
    uint64_t progress_us; /* when the peer last took some of the answer */

    int version;
    enum http_method method;
    struct span method_text, authority, host, scheme, target;
    struct request_field *fields;
    size_t field_count, field_cap;
    size_t head_size; /* as RFC 9113, 6.5.2 counts it */
    uint8_t *body;
    size_t body_len, body_cap;
    size_t charged; /* HTTP/2: bytes of it that count against the connection */
    bool body_allocated;
    unsigned refuse; /* 0, or the status it will be refused with */
    const char *tls_version;
    char peer[INET6_ADDRSTRLEN];
    uint64_t received_us;
    void *user;
    void (*free_user)(void *);

    /* The answer. */
    unsigned status;
    struct request_field *answer_fields;
    size_t answer_field_count;
    struct bytes answer;
    size_t answer_sent;
    bool close;
    char status_text[4], length_text[24];

    uint8_t *at, *end;            /* the free space of the newest block */
    struct request_block *blocks; /* newest first; empty while the space below suffices */
    size_t space_used;            /* of `space`, once there are blocks */
    struct request_field inline_fields[REQUEST_FIELDS_INLINE];
    uint8_t space[REQUEST_SPACE];
};

/* Requests to use again: one per loop, its thread's alone. */
struct request_pool {
    struct http_request *free;
    unsigned count;
};
void request_pool_clear(struct request_pool *pool);

/* NULL when out of memory. */
struct http_request *request_new(struct request_pool *pool);
/* Wipes all of it. On the loop's thread back into the pool; elsewhere request_destroy(). NULL is allowed. */
void request_free(struct http_request *rq);
void request_destroy(struct http_request *rq);

/* Room inside the request, aligned for pointers when `align`. NULL when out of memory. The caller bounds `len`. */
void *request_space(struct http_request *rq, size_t len, bool align);
/* Copy a field in. Errors: ST_TOO_LARGE beyond limits->fields or limits->head; ST_NO_MEMORY. */
MUST_CHECK enum status request_add_field(struct http_request *rq, const struct http_limits *limits, struct span name,
                                         struct span value);
MUST_CHECK enum status request_copy(struct http_request *rq, struct span *to, struct span from);
/* Errors: ST_TOO_LARGE beyond `max` bytes in all; ST_NO_MEMORY. */
MUST_CHECK enum status request_add_body(struct http_request *rq, struct span part, size_t max);
/* It has arrived: gives back the space its body did not need. */
void request_complete(struct http_request *rq, uint64_t now_us);
/* Give back the handler's state and wipe what the peer sent; answer_fields stay. */
void request_wipe_input(struct http_request *rq, const uint8_t *answer_at, const struct request_block *answer_block);

enum http_method request_method(struct span text);
/* Is this `uri-host [":" port]` (RFC 9110, 7.2) without user information, and not empty? */
bool request_host_valid(struct span host);
/* Decimal digits only. Errors: ST_BAD_REQUEST, also above 2^53. */
MUST_CHECK enum status request_content_length(struct span text, uint64_t *out);

#endif
