/* exchange.h - one request from its arrival to its audited answer; both daemons' routes are written against it.
 *
 *   begin   takes the target apart, gives the request an id; answers 400 by itself when the target is bad
 *   (the route fills in what the audit wants to know, as it learns it)
 *   finish  writes the audit record (spec: monitoring.md 1) and, once that is durable, sends the answer.
 *           When the record cannot be written the answer is 503 in its place (THREATS.md C15).
 *
 * An exchange is used by one thread at a time; finish may come from any thread. */
#ifndef STRONGROOM_DAEMON_EXCHANGE_H
#define STRONGROOM_DAEMON_EXCHANGE_H

#include <jansson.h>

#include "firmware/base/guid.h"
#include "firmware/base/secret.h"
#include "service/audit/audit.h"
#include "service/http/http.h"
#include "service/http/target.h"
#include "service/policy/principal.h"

#define EXCHANGE_FIELDS_MAX 8

struct exchange {
    struct http_request *rq;
    struct target target;
    struct guid request_id; /* x-ms-request-id */
    struct bytes client_id; /* x-ms-client-request-id, echoed when it is plain text of at most 128 characters */

    /* For the audit; static texts or owned by this exchange (resource_id, object_url, description). */
    const char *operation;    /* "KeySign"; "Authentication" until known */
    struct bytes resource_id; /* ARM id, upper case */
    struct bytes object_url;  /* properties.id */
    struct bytes description; /* resultDescription; never a payload, never a secret */
    struct span api_version;  /* borrowed from target */
    bool authenticated;
    struct principal principal;

    /* The answer. */
    unsigned status;
    struct bytes body; /* JSON; wiped when freed if `sensitive` */
    bool sensitive;
    struct http_field fields[EXCHANGE_FIELDS_MAX]; /* further headers; names static, values owned below */
    struct bytes field_values[EXCHANGE_FIELDS_MAX];
    size_t field_count;

    void *user;                /* the route's own state ... */
    void (*free_user)(void *); /* ... freed with the exchange */

    struct audit *audit;
    struct audit_entry entry;
};

/* NULL: answered already (bad target: 400; audit down: 503; out of memory: 503). */
struct exchange *exchange_begin(struct http_request *rq, struct audit *audit);

/* The error body of Azure: {"error":{"code":..,"message":..,"innererror":{"code":..}}}; inner may be NULL. */
void exchange_error(struct exchange *x, unsigned status, const char *code, const char *inner, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* 503 ServiceUnavailable with Retry-After, 500 InternalServerError: by our own status. */
void exchange_trouble(struct exchange *x, enum status st);
/* Add a response header; the value is copied. */
void exchange_field(struct exchange *x, const char *name, struct span value);
/* Append to the audit's texts. */
void exchange_describe(struct exchange *x, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The request's JSON body as an object (borrowed by nobody: caller json_decref()s). Strict, at most max_bytes. On
 * failure the answer (400, 413, 415) has been set by exchange_error and the caller only finishes. An empty body is an
 * error unless `optional`, when *out is NULL. */
MUST_CHECK enum status exchange_read_json(struct exchange *x, size_t max_bytes, bool optional, json_t **out);

/* Record and answer. The exchange is gone afterwards. */
void exchange_finish(struct exchange *x);

#endif
