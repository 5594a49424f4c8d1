#include "service/daemon/exchange.h"

#include <stdio.h>

#include "firmware/base/clock.h"
#include "firmware/base/log.h"
#include "service/json/json.h"

#define CLIENT_ID_MAX   128
#define RETRY_AFTER_S   "1"
#define REQUEST_URI_MAX 2048
#define USER_AGENT_MAX  512
#define RECORD_USUAL    1000 /* bytes that nearly every audit record has room in */

static void exchange_free(struct exchange *x)
{
    if (x->free_user != NULL)
        x->free_user(x->user);
    for (size_t i = 0; i < x->field_count; i++)
        bytes_clear(&x->field_values[i]);
    if (x->sensitive && x->body.p != NULL)
        secret_wipe(x->body.p, x->body.cap);
    bytes_clear(&x->body);
    bytes_clear(&x->client_id);
    bytes_clear(&x->resource_id);
    bytes_clear(&x->object_url);
    bytes_clear(&x->description);
    bytes_clear(&x->entry.record);
    target_clear(&x->target);
    free(x);
}

/* Send what x->status and x->body say, with the headers every answer has. */
static void send_answer(struct exchange *x)
{
    struct http_field fields[EXCHANGE_FIELDS_MAX + 8];
    struct http_response response = { .status = x->status, .fields = fields, .sensitive = x->sensitive };
    size_t n = 0;

    if (x->body.len > 0)
        fields[n++] = (struct http_field){ "content-type", span_text("application/json; charset=utf-8") };
    fields[n++] = (struct http_field){ "cache-control", span_text("no-store, no-cache") };
    fields[n++] = (struct http_field){ "pragma", span_text("no-cache") };
    fields[n++] = (struct http_field){ "strict-transport-security", span_text("max-age=31536000;includeSubDomains") };
    fields[n++] = (struct http_field){ "x-content-type-options", span_text("nosniff") };
    fields[n++] = (struct http_field){ "x-ms-request-id", span_of(x->request_id.text, GUID_LEN) };
    if (x->client_id.len > 0)
        fields[n++] = (struct http_field){ "x-ms-client-request-id", bytes_span(&x->client_id) };
    for (size_t i = 0; i < x->field_count; i++)
        fields[n++] = x->fields[i];
    response.field_count = n;
    bytes_move(&response.body, &x->body);
    http_respond(x->rq, &response);
    exchange_free(x);
}

static bool plain_text(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.p[i] < 0x21 || s.p[i] > 0x7e)
            return false;
    return true;
}

struct exchange *exchange_begin(struct http_request *rq, struct audit *audit)
{
    struct exchange *x = calloc(1, sizeof *x);
    struct span client_id;

    if (x == NULL) {
        struct http_field retry = { "retry-after", span_text(RETRY_AFTER_S) };
        struct http_response busy = { .status = 503, .fields = &retry, .field_count = 1 };

        http_respond(rq, &busy);
        return NULL;
    }
    x->rq = rq;
    x->audit = audit;
    audit_announce(audit, &x->entry);
    x->status = 500;
    x->operation = "Authentication";
    x->request_id = guid_random();
    client_id = http_header(rq, "x-ms-client-request-id");
    if (client_id.len > 0 && client_id.len <= CLIENT_ID_MAX && plain_text(client_id))
        bytes_append_span(&x->client_id, client_id);
    if (target_parse(&x->target, http_target(rq)) != ST_OK) {
        exchange_error(x, 400, "BadParameter", NULL, "The request URI is not valid.");
        exchange_finish(x);
        return NULL;
    }
    if (!audit_is_up(audit)) { /* nothing is done that could not be recorded */
        exchange_trouble(x, ST_UNAVAILABLE);
        exchange_finish(x);
        return NULL;
    }
    return x;
}

static void body_reset(struct exchange *x)
{
    if (x->sensitive && x->body.p != NULL)
        secret_wipe(x->body.p, x->body.cap);
    bytes_reset(&x->body);
}

void exchange_error(struct exchange *x, unsigned status, const char *code, const char *inner, const char *format, ...)
{
    struct bytes message = { 0 };
    struct json_writer w;
    char text[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    bytes_append_text(&message, text);
    x->status = status;
    body_reset(x);
    json_begin(&w, &x->body);
    json_open_object(&w, NULL);
    json_open_object(&w, "error");
    json_put_text(&w, "code", span_text(code));
    json_put_text(&w, "message", bytes_span(&message));
    if (inner != NULL) {
        json_open_object(&w, "innererror");
        json_put_text(&w, "code", span_text(inner));
        json_close_object(&w);
    }
    json_close_object(&w);
    json_close_object(&w);
    bytes_reset(&x->description);
    bytes_append_text(&x->description, inner != NULL ? inner : code);
    bytes_clear(&message);
}

void exchange_trouble(struct exchange *x, enum status st)
{
    switch (st) {
    case ST_BUSY:
    case ST_UNAVAILABLE:
    case ST_TIMEOUT:
    case ST_NO_MEMORY:
    case ST_IO:
    case ST_CLOSED:
        exchange_error(x, 503, "ServiceUnavailable", NULL, "The service is temporarily unable to do this; try again.");
        exchange_field(x, "retry-after", span_text(RETRY_AFTER_S));
        break;
    default:
        log_error("request %s: %s", x->request_id.text, status_name(st));
        exchange_error(x, 500, "InternalServerError", NULL, "The service failed to do this.");
        break;
    }
    exchange_describe(x, " (%s)", status_name(st));
}

void exchange_field(struct exchange *x, const char *name, struct span value)
{
    size_t i = x->field_count;

    INVARIANT(i < EXCHANGE_FIELDS_MAX);
    bytes_append_span(&x->field_values[i], value);
    x->fields[i] = (struct http_field){ name, bytes_span(&x->field_values[i]) };
    x->field_count++;
}

void exchange_describe(struct exchange *x, const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    bytes_append_text(&x->description, text);
}

enum status exchange_read_json(struct exchange *x, size_t max_bytes, bool optional, json_t **out)
{
    struct span body = http_body(x->rq);
    enum status st;

    *out = NULL;
    if (body.len == 0 && optional)
        return ST_OK;
    if (body.len == 0) {
        exchange_error(x, 400, "BadParameter", NULL, "The request has no body.");
        return ST_BAD_REQUEST;
    }
    st = json_read_object(body, max_bytes, out);
    if (st == ST_TOO_LARGE && body.len > max_bytes)
        exchange_error(x, 413, "RequestTooLarge", NULL, "The request body is larger than %zu bytes.", max_bytes);
    else if (st == ST_NO_MEMORY)
        exchange_trouble(x, st);
    else if (st != ST_OK)
        exchange_error(x, 400, "BadParameter", NULL, "The request body is not a valid JSON object.");
    return st;
}

static const char *reason(unsigned status)
{
    static const struct {
        unsigned status;
        const char *text;
    } reasons[] = {
        { 200, "OK" },
        { 201, "Created" },
        { 202, "Accepted" },
        { 204, "No Content" },
        { 400, "Bad Request" },
        { 401, "Unauthorized" },
        { 403, "Forbidden" },
        { 404, "Not Found" },
        { 405, "Method Not Allowed" },
        { 409, "Conflict" },
        { 413, "Content Too Large" },
        { 415, "Unsupported Media Type" },
        { 421, "Misdirected Request" },
        { 429, "Too Many Requests" },
        { 500, "Internal Server Error" },
        { 503, "Service Unavailable" },
    };

    for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
        if (reasons[i].status == status)
            return reasons[i].text;
    return "Other";
}

static struct span at_most(struct span s, size_t max)
{
    return s.len > max ? span_of(s.p, max) : s;
}

/* The URI without its query: a client may put there what does not belong into a log. */
static void put_request_uri(struct exchange *x, struct json_writer *w)
{
    struct span target = at_most(http_target(x->rq), REQUEST_URI_MAX);
    const uint8_t *query = target.len > 0 ? memchr(target.p, '?', target.len) : NULL;
    struct bytes uri = { 0 };

    bytes_append_text(&uri, "https://");
    bytes_append_span(&uri, at_most(http_authority(x->rq), 300));
    bytes_append_span(&uri, query != NULL ? span_of(target.p, (size_t)(query - target.p)) : target);
    if (x->api_version.len > 0) {
        bytes_append_text(&uri, "?api-version=");
        bytes_append_span(&uri, at_most(x->api_version, 32));
    }
    json_put_text(w, "requestUri", bytes_span(&uri));
    bytes_clear(&uri);
}

static void put_identity(struct exchange *x, struct json_writer *w)
{
    if (!x->authenticated)
        return;
    json_open_object(w, "identity");
    json_open_object(w, "claim");
    json_put_text(w, "http://schemas.microsoft.com/identity/claims/objectidentifier",
                  span_of(x->principal.object_id.text, GUID_LEN));
    json_put_text(w, "appid", span_of(x->principal.application_id.text, GUID_LEN));
    json_close_object(w);
    json_close_object(w);
}

/* The members of the audit record (spec: monitoring.md 1), without braces: the trail adds the chain. */
static void write_record(struct exchange *x)
{
    struct bytes *out = &x->entry.record;
    char time_text[CLOCK_RFC3339_LEN + 1];
    struct json_writer w;

    if (bytes_reserve(out, RECORD_USUAL) != ST_OK) /* at once, not in steps */
        return;
    clock_format_rfc3339(time_text, clock_unix_100ns());
    json_begin(&w, out);
    json_put_text(&w, "time", span_of(time_text, CLOCK_RFC3339_LEN));
    json_put_text(&w, "resourceId", bytes_span(&x->resource_id));
    json_put_text(&w, "operationName", span_text(x->operation));
    json_put_text(&w, "operationVersion", at_most(x->api_version, 32));
    json_put_text(&w, "category", span_text("AuditEvent"));
    json_put_text(&w, "resultType", span_text(x->status < 400 ? "Success" : "Failed"));
    json_put_text(&w, "resultSignature", span_text(reason(x->status)));
    if (x->description.len > 0)
        json_put_text(&w, "resultDescription", at_most(bytes_span(&x->description), 1024));
    json_put_int(&w, "durationMs", (int64_t)((clock_monotonic_us() - http_received_us(x->rq)) / 1000));
    json_put_text(&w, "callerIpAddress", span_text(http_peer_address(x->rq)));
    json_put_text(&w, "correlationId",
                  x->client_id.len > 0 ? bytes_span(&x->client_id) : span_of(x->request_id.text, GUID_LEN));
    put_identity(x, &w);
    json_open_object(&w, "properties");
    json_put_text(&w, "clientInfo", at_most(http_header(x->rq, "user-agent"), USER_AGENT_MAX));
    put_request_uri(x, &w);
    if (x->object_url.len > 0)
        json_put_text(&w, "id", bytes_span(&x->object_url));
    json_put_int(&w, "httpStatusCode", (int64_t)x->status);
    json_put_text(&w, "requestId", span_of(x->request_id.text, GUID_LEN));
    json_put_text(&w, "tlsVersion", span_text(http_tls_version(x->rq)));
    json_close_object(&w);
}

static void refuse_unrecorded(struct exchange *x)
{
    exchange_trouble(x, ST_UNAVAILABLE);
    send_answer(x);
}

static void on_recorded(struct audit_entry *entry)
{
    struct exchange *x = entry->owner;

    if (entry->status == ST_OK)
        send_answer(x);
    else
        refuse_unrecorded(x);
}

void exchange_finish(struct exchange *x)
{
    if (bytes_status(&x->body) != ST_OK)
        exchange_trouble(x, ST_NO_MEMORY);
    write_record(x);
    x->entry.done = on_recorded;
    x->entry.owner = x;
    if (audit_submit(x->audit, &x->entry) != ST_OK) /* a record that lacks memory fails there, too */
        refuse_unrecorded(x);
}
