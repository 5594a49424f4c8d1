#include "service/identity/grant_reply.h"

#include "firmware/base/clock.h"
#include "service/json/json.h"

static const struct {
    unsigned http_status;
    const char *error; /* RFC 6749, 5.2 */
    int code;          /* Entra's AADSTS number: what people search for */
    const char *text;
    const char *outcome;
} errors[GRANT_ERROR_COUNT] = {
    [GRANT_MALFORMED] = { 400, "invalid_request", 90014, "The request body is not a valid form.", "malformed" },
    [GRANT_WRONG_TENANT] = { 400, "invalid_request", 90002, "Tenant not found.", "unknown tenant" },
    [GRANT_NO_CLIENT_ID] = { 400, "invalid_request", 900144,
                             "The request body must contain the following parameter: 'client_id'.", "no client id" },
    [GRANT_NO_GRANT_TYPE] = { 400, "invalid_request", 900144,
                              "The request body must contain the following parameter: 'grant_type'.", "no grant type" },
    [GRANT_OTHER_GRANT_TYPE] = { 400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type.",
                                 "unsupported grant type" },
    [GRANT_TWO_PROOFS] = { 400, "invalid_request", 90023, "The client must authenticate in exactly one way.",
                           "several proofs" },
    [GRANT_NO_PROOF] = { 401, "invalid_client", 7000216,
                         "'client_assertion' or 'client_secret' is required for the 'client_credentials' grant type.",
                         "no proof" },
    [GRANT_WRONG_SECRET] = { 401, "invalid_client", 7000215,
                             "Invalid client secret provided. Make sure that the client id is right, and that the "
                             "secret "
                             "being sent is the client secret value, not expired.",
                             "wrong secret" },
    [GRANT_WRONG_ASSERTION] = { 401, "invalid_client", 700027,
                                "The client assertion is not valid. Make sure that the client id is right, that the "
                                "certificate is registered and not expired, and that the clock is right.",
                                "wrong assertion" },
    [GRANT_THROTTLED] = { 429, "invalid_client", 90055, "Too many failed requests of this client. Try again later.",
                          "throttled" },
    [GRANT_NO_RESOURCE] = { 400, "invalid_request", 900144,
                            "The request body must contain the following parameter: 'scope' or 'resource'.",
                            "no resource" },
    [GRANT_BAD_SCOPE] = { 400, "invalid_scope", 70011,
                          "The provided value for scope is not valid. It must be one resource, suffixed with "
                          "/.default.",
                          "invalid scope" },
    [GRANT_UNKNOWN_RESOURCE] = { 400, "invalid_resource", 500011,
                                 "The resource principal named in the request was not found in the tenant.",
                                 "unknown resource" },
    [GRANT_UNAVAILABLE] = { 503, "temporarily_unavailable", 90033, "A transient error has occurred. Please try again.",
                            "unavailable" },
};

/* "2016-01-05 01:32:01Z" */
static void format_time(char out[CLOCK_RFC3339_LEN + 1], int64_t now)
{
    clock_format_rfc3339(out, now * 10000000);
    out[10] = ' ';
    out[19] = 'Z';
    out[20] = '\0';
}

static void take_body(struct authority_grant *g, struct bytes *json)
{
    if (bytes_status(json) != ST_OK || secret_set(&g->body, bytes_span(json)) != ST_OK) {
        secret_clear(&g->body); /* nothing can be said any more; the status still tells it */
        g->http_status = 503;
        g->outcome = errors[GRANT_UNAVAILABLE].outcome;
    }
    if (json->p != NULL)
        secret_wipe(json->p, json->cap);
    bytes_clear(json);
}

void grant_fail(struct authority_grant *g, enum grant_error error, int64_t now)
{
    struct guid trace = guid_random();
    struct bytes json = { 0 }, description = { 0 };
    char at[CLOCK_RFC3339_LEN + 1];
    struct json_writer w;

    format_time(at, now);
    bytes_printf(&description, "AADSTS%d: %s Trace ID: %s Correlation ID: %s Timestamp: %s", errors[error].code,
                 errors[error].text, trace.text, g->correlation_id.text, at);
    json_begin(&w, &json);
    json_open_object(&w, NULL);
    json_put_text(&w, "error", span_text(errors[error].error));
    json_put_text(&w, "error_description", bytes_span(&description));
    json_open_array(&w, "error_codes");
    json_put_int(&w, NULL, errors[error].code);
    json_close_array(&w);
    json_put_text(&w, "timestamp", span_text(at));
    json_put_text(&w, "trace_id", span_text(trace.text));
    json_put_text(&w, "correlation_id", span_text(g->correlation_id.text));
    json_close_object(&w);
    bytes_clear(&description);
    g->http_status = errors[error].http_status;
    g->outcome = errors[error].outcome;
    take_body(g, &json);
    g->done(g);
}

void grant_issue(struct authority_grant *g, struct span token, struct span resource, unsigned lifetime_s, int64_t now)
{
    struct bytes json = { 0 };
    struct json_writer w;

    if (bytes_reserve(&json, token.len + resource.len + 256) ==
        ST_OK) { /* so that it does not move: it holds the token */
        json_begin(&w, &json);
        json_open_object(&w, NULL);
        json_put_text(&w, "token_type", span_text("Bearer"));
        json_put_int(&w, "expires_in", lifetime_s); /* a number: a text breaks Python (spec: clients.md 13.3) */
        json_put_int(&w, "ext_expires_in", lifetime_s);
        if (g->v1) {
            json_put_int(&w, "expires_on", now + lifetime_s);
            json_put_text(&w, "resource", resource);
        }
        json_put_text(&w, "access_token", token);
        json_close_object(&w);
    }
    g->http_status = 200;
    g->outcome = "issued";
    take_body(g, &json);
    g->done(g);
}
