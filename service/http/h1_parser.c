#include "service/http/h1_parser.h"

#include <llhttp/llhttp.h>

struct h1_parser {
    llhttp_t llhttp;
    const struct h1_parser_events *events;
    void *arg;
    struct span name; /* of the field whose value is to come */
    bool whole;
};

static int on_name(llhttp_t *llhttp, const char *at, size_t len)
{
    struct h1_parser *p = llhttp->data;

    p->name = span_of(at, len);
    return 0;
}

/* The head comes in one piece, so each value does, too. */
static int on_value(llhttp_t *llhttp, const char *at, size_t len)
{
    struct h1_parser *p = llhttp->data;
    struct span name = p->name;

    p->name = span_of(NULL, 0);
    return name.p != NULL && p->events->field(p->arg, name, span_of(at, len)) == ST_OK ? 0 : HPE_USER;
}

static int on_value_complete(llhttp_t *llhttp)
{
    struct h1_parser *p = llhttp->data;

    return p->name.p != NULL ? on_value(llhttp, "", 0) : 0; /* an empty value has had no on_value() */
}

static int on_headers_complete(llhttp_t *llhttp)
{
    llhttp->upgrade = 0; /* there is nothing here to upgrade to: the offer is ignored (RFC 9110, 7.8) */
    return 0;
}

static int on_body(llhttp_t *llhttp, const char *at, size_t len)
{
    struct h1_parser *p = llhttp->data;

    return p->events->body(p->arg, span_of(at, len)) == ST_OK ? 0 : HPE_USER;
}

static int on_message_complete(llhttp_t *llhttp)
{
    struct h1_parser *p = llhttp->data;

    p->whole = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t callbacks = {
    .on_header_field = on_name,
    .on_header_value = on_value,
    .on_header_value_complete = on_value_complete,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

enum status h1_parser_new(const struct h1_parser_events *events, void *arg, struct h1_parser **out)
{
    struct h1_parser *p = calloc(1, sizeof *p);

    *out = p;
    if (p == NULL)
        return ST_NO_MEMORY;
    p->events = events;
    p->arg = arg;
    h1_parser_reset(p);
    return ST_OK;
}

void h1_parser_free(struct h1_parser *p)
{
    free(p);
}

void h1_parser_reset(struct h1_parser *p)
{
    llhttp_init(&p->llhttp, HTTP_REQUEST, &callbacks);
    p->llhttp.data = p;
    p->name = span_of(NULL, 0);
    p->whole = false;
}

enum h1_parsed h1_parser_read(struct h1_parser *p, struct span in, size_t *used)
{
    llhttp_errno_t e = llhttp_execute(&p->llhttp, (const char *)in.p, in.len);

    *used = in.len;
    if (e == HPE_OK)
        return p->whole ? H1_PARSED_WHOLE : H1_PARSED_MORE;
    if (e == HPE_PAUSED && p->whole) {
        *used = (size_t)((const uint8_t *)llhttp_get_error_pos(&p->llhttp) - in.p);
        return H1_PARSED_WHOLE;
    }
    return e == HPE_INVALID_METHOD ? H1_PARSED_METHOD_UNKNOWN : H1_PARSED_BAD;
}

bool h1_parser_keeps_alive(const struct h1_parser *p)
{
    return llhttp_should_keep_alive(&p->llhttp) != 0;
}
