#include "service/http/response.h"

#include <stdio.h>
#include <time.h>

#include "firmware/base/secret.h"
#include "service/http/mailbox.h"

static const struct {
    unsigned status;
    const char *reason;
    const char *code, *message; /* of our own refusals */
} statuses[] = {
    { 200, "OK", NULL, NULL },
    { 201, "Created", NULL, NULL },
    { 202, "Accepted", NULL, NULL },
    { 204, "No Content", NULL, NULL },
    { 304, "Not Modified", NULL, NULL },
    { 400, "Bad Request", "BadParameter", "The request is not valid HTTP." },
    { 401, "Unauthorized", NULL, NULL },
    { 403, "Forbidden", NULL, NULL },
    { 404, "Not Found", NULL, NULL },
    { 405, "Method Not Allowed", NULL, NULL },
    { 408, "Request Timeout", "RequestTimeout", "The request took too long to arrive." },
    { 409, "Conflict", NULL, NULL },
    { 412, "Precondition Failed", NULL, NULL },
    { 413, "Content Too Large", "RequestBodyTooLarge", "The request body is too large." },
    { 414, "URI Too Long", "RequestUriTooLong", "The request URI is too long." },
    { 415, "Unsupported Media Type", NULL, NULL },
    { 417, "Expectation Failed", "ExpectationFailed", "The expectation cannot be met." },
    { 421, "Misdirected Request", NULL, NULL },
    { 429, "Too Many Requests", NULL, NULL },
    { 431, "Request Header Fields Too Large", "RequestHeadersTooLarge", "The request headers are too large." },
    { 500, "Internal Server Error", "InternalServerError", "The server failed." },
    { 501, "Not Implemented", "NotImplemented", "The request method is not known." },
    { 503, "Service Unavailable", "ServiceUnavailable", "The server is busy. Try again later." },
    { 505, "HTTP Version Not Supported", "HttpVersionNotSupported", "The HTTP version is not supported." },
};

static size_t status_index(unsigned status)
{
    size_t i = 0;

    while (i < ARRAY_LEN(statuses) && statuses[i].status != status)
        i++;
    return i;
}

static bool name_valid(const char *name, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!((name[i] >= 'a' && name[i] <= 'z') || (name[i] >= '0' && name[i] <= '9') || name[i] == '-' ||
              name[i] == '_'))
            return false;
    return len > 0;
}

/* RFC 9110, 5.5. What a peer sent may be echoed in a value; it must not become a field of its own. */
static bool value_valid(struct span value)
{
    for (size_t i = 0; i < value.len; i++)
        if ((value.p[i] < 0x20 && value.p[i] != '\t') || value.p[i] == 0x7f)
            return false;
    return value.len == 0 ||
           (value.p[0] != ' ' && value.p[0] != '\t' && value.p[value.len - 1] != ' ' && value.p[value.len - 1] != '\t');
}

/* These are ours to say. */
static bool framing_field(const char *name)
{
    static const char *const ours[] = { "content-length", "connection", "transfer-encoding", "date" };

    for (size_t i = 0; i < ARRAY_LEN(ours); i++)
        if (strcmp(name, ours[i]) == 0)
            return true;
    return false;
}

static enum status copy_fields(struct http_request *rq, const struct http_field *fields, size_t count)
{
    enum status st;

    rq->answer_field_count = 0;
    if (count > HTTP_RESPONSE_FIELDS_MAX)
        return ST_TOO_LARGE;
    if (count > 0 && (rq->answer_fields = request_space(rq, count * sizeof *rq->answer_fields, true)) == NULL)
        return ST_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        struct request_field *to = &rq->answer_fields[rq->answer_field_count];
        size_t len = strlen(fields[i].name);

        if (framing_field(fields[i].name))
            continue;
        if (!name_valid(fields[i].name, len) || !value_valid(fields[i].value))
            return ST_BAD_REQUEST;
        if ((st = request_copy(rq, &to->name, span_of(fields[i].name, len))) != ST_OK ||
            (st = request_copy(rq, &to->value, fields[i].value)) != ST_OK)
            return st;
        rq->answer_field_count++;
    }
    return ST_OK;
}

static void discard(struct bytes *b)
{
    if (b->p != NULL)
        secret_wipe(b->p, b->len);
    bytes_clear(b);
}

static void set_error(struct http_request *rq, unsigned status)
{
    static const struct http_field fields[] = {
        { "content-type", { (const uint8_t *)"application/json; charset=utf-8", 31 } },
        { "cache-control", { (const uint8_t *)"no-store", 8 } },
        { "retry-after", { (const uint8_t *)"1", 1 } },
    };
    size_t i = status_index(status);

    INVARIANT(i < ARRAY_LEN(statuses) && statuses[i].code != NULL);
    rq->status = status;
    discard(&rq->answer);
    bytes_printf(&rq->answer, "{\"error\":{\"code\":\"%s\",\"message\":\"%s\"}}", statuses[i].code,
                 statuses[i].message);
    if (bytes_status(&rq->answer) != ST_OK)
        discard(&rq->answer); /* the status alone will have to do */
    if (copy_fields(rq, fields, status == 503 ? 3 : 2) != ST_OK)
        rq->answer_field_count = 0;
}

/* For every answer, hence not snprintf(). Room: as many digits as there are, and a NUL. */
static void decimal(char *out, size_t n)
{
    char digits[20];
    size_t len = 0;

    do
        digits[len++] = (char)('0' + n % 10);
    while ((n /= 10) > 0);
    while (len > 0)
        *out++ = digits[--len];
    *out = '\0';
}

static void finish(struct http_request *rq)
{
    decimal(rq->status_text, rq->status);
    decimal(rq->length_text, rq->answer.len);
    rq->answer_sent = 0;
}

void response_take(struct http_request *rq, struct http_response *response)
{
    const struct request_block *block;
    const uint8_t *at;

    INVARIANT(rq->status == 0 && response->status >= 200 && response->status <= 599);
    request_complete(rq, rq->received_us);
    at = rq->at;
    block = rq->blocks;
    rq->status = response->status;
    rq->close = response->close;
    bytes_move(&rq->answer, &response->body);
    if (rq->answer.failed || copy_fields(rq, response->fields, response->field_count) != ST_OK)
        set_error(rq, 500);
    request_wipe_input(rq, at, block);
    finish(rq);
}

void response_refuse(struct http_request *rq, unsigned status)
{
    const struct request_block *block;
    const uint8_t *at;

    request_complete(rq, rq->received_us);
    at = rq->at;
    block = rq->blocks;
    set_error(rq, status);
    request_wipe_input(rq, at, block);
    finish(rq);
}

void http_respond(struct http_request *rq, struct http_response *response)
{
    response_take(rq, response);
    mailbox_post(rq->home, rq);
}

bool response_has_body(const struct http_request *rq)
{
    return rq->method != HTTP_HEAD && rq->status != 204 && rq->status != 304 && rq->answer.len > 0;
}

static void write_field(struct bytes *out, struct span name, struct span value)
{
    bytes_append_span(out, name);
    bytes_append(out, ": ", 2);
    bytes_append_span(out, value);
    bytes_append(out, "\r\n", 2);
}

void response_write_head(const struct http_request *rq, struct bytes *out, const char *date)
{
    size_t i = status_index(rq->status);

    bytes_append_text(out, "HTTP/1.1 ");
    bytes_append_text(out, rq->status_text);
    bytes_append_char(out, ' ');
    if (i < ARRAY_LEN(statuses))
        bytes_append_text(out, statuses[i].reason);
    bytes_append(out, "\r\n", 2);
    for (i = 0; i < rq->answer_field_count; i++)
        write_field(out, rq->answer_fields[i].name, rq->answer_fields[i].value);
    write_field(out, span_text("date"), span_text(date));
    if (rq->status != 204 && rq->status != 304)
        write_field(out, span_text("content-length"), span_text(rq->length_text));
    if (rq->close)
        write_field(out, span_text("connection"), span_text("close"));
    bytes_append(out, "\r\n", 2);
}

void response_format_date(char out[DATE_LEN + 1], int64_t unix_s)
{
    static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t t = (time_t)unix_s;
    struct tm tm;

    gmtime_r(&t, &tm);
    /* Not strftime(): its names depend on the locale. */
    snprintf(out, DATE_LEN + 1, "%.3s, %02u %.3s %04u %02u:%02u:%02u GMT", days + 3 * tm.tm_wday,
             (unsigned)tm.tm_mday % 100, months + 3 * tm.tm_mon, (unsigned)(tm.tm_year + 1900) % 10000,
             (unsigned)tm.tm_hour % 100, (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100);
}
