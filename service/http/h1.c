/* h1.c - HTTP/1.1 (RFC 9112). The bytes are read twice: by h1_scan.c, which refuses whatever some other reader might
 * understand otherwise, and by llhttp, which takes them apart. A refused request ends the connection, and nothing that
 * came after it is looked at. One request runs at a time, so pipelined ones are answered in order. */
#include "firmware/base/secret.h"
#include "service/http/h1_parser.h"
#include "service/http/h1_scan.h"
#include "service/http/protocol.h"
#include "service/http/response.h"

enum h1_state {
    H1_HEAD, /* between requests, or in a head */
    H1_BODY,
    H1_RUNNING, /* the handler has it */
    H1_ANSWER,  /* being sent */
    H1_END      /* nothing more is read or said */
};

struct h1 {
    struct protocol protocol; /* first: the two are cast into each other */
    enum h1_state state;
    struct h1_parser *parser;
    struct head_scan scan;
    struct chunk_scan chunks;
    struct bytes head;  /* of a head that came in pieces */
    struct bytes later; /* what came while a request was at work; `later_at` is the first byte not yet read */
    size_t later_at;
    struct http_request *request;
    bool chunked;
    bool say_continue;
    bool head_sent; /* of the answer */
    bool last;      /* close after this request */
    struct pace pace;
    uint64_t idle_since_us;
};

static struct h1 *h1_of(struct protocol *p)
{
    return (struct h1 *)p;
}

static uint64_t now(const struct h1 *h)
{
    return *h->protocol.env.now_us;
}

static void wipe(struct bytes *b)
{
    if (b->p != NULL)
        secret_wipe(b->p, b->len);
    bytes_clear(b);
}

static void end(struct h1 *h)
{
    h->state = H1_END;
    wipe(&h->later);
    wipe(&h->head);
}

/* Answer what cannot be understood, then close: after a refusal nobody knows where the next request would begin. */
static void refuse(struct h1 *h, unsigned status)
{
    if (h->request == NULL && (h->request = protocol_request(&h->protocol, 11)) == NULL) {
        end(h);
        return;
    }
    response_refuse(h->request, status);
    h->request->close = h->last = true;
    h->state = H1_ANSWER;
    h->head_sent = false;
    wipe(&h->later);
    wipe(&h->head);
}

/* What the parser finds. */

static struct span trim(struct span s)
{
    while (s.len > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = span_of(s.p + 1, s.len - 1);
    while (s.len > 0 && (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t'))
        s.len--;
    return s;
}

static void note_refusal(struct http_request *rq, enum status st)
{
    rq->refuse = st == ST_TOO_LARGE ? 431 : 503;
}

static enum status on_field(void *arg, struct span name, struct span value)
{
    struct h1 *h = arg;
    struct http_request *rq = h->request;
    enum status st = request_add_field(rq, h->protocol.env.limits, name, trim(value));
    uint8_t *copy;

    if (st != ST_OK) {
        note_refusal(rq, st);
        return st;
    }
    copy = (uint8_t *)(uintptr_t)rq->fields[rq->field_count - 1].name.p; /* the request's own */
    for (size_t i = 0; i < name.len; i++)
        if (copy[i] >= 'A' && copy[i] <= 'Z')
            copy[i] |= 0x20;
    return ST_OK;
}

static enum status on_body(void *arg, struct span part)
{
    struct h1 *h = arg;
    enum status st = request_add_body(h->request, part, h->protocol.env.limits->body);

    if (st != ST_OK)
        h->request->refuse = st == ST_TOO_LARGE ? 413 : 503;
    return st;
}

static const struct h1_parser_events events = { .field = on_field, .body = on_body };

static void begin_request(struct h1 *h)
{
    h->state = H1_HEAD;
    h->chunked = h->head_sent = false;
    h->chunks = (struct chunk_scan){ 0 };
    h->idle_since_us = now(h);
    h->pace = (struct pace){ 0 };
    head_scan_init(&h->scan);
    h1_parser_reset(h->parser);
}

static void dispatch(struct h1 *h)
{
    struct http_request *rq = h->request;

    h->last = h->last || rq->version < 11 || !h1_parser_keeps_alive(h->parser);
    h->state = H1_RUNNING;
    h->say_continue = false;
    request_complete(rq, now(h));
    rq->stage = REQUEST_RUNNING;
    h->protocol.env.dispatch(h->protocol.env.arg, rq);
}

/* The head. */

static bool may_have_chunks(enum http_method m)
{
    return m == HTTP_POST || m == HTTP_PUT || m == HTTP_PATCH;
}

/* RFC 9112, 6: one length, told one way. Returns 0 or the status of the refusal. */
static unsigned check_framing(struct h1 *h, struct http_request *rq)
{
    unsigned lengths = http_header_count(rq, "content-length"), codings = http_header_count(rq, "transfer-encoding");
    struct span expect = http_header(rq, "expect");
    uint64_t length = 0;

    if (lengths + codings > 1)
        return 400;
    if (codings == 1 &&
        (!span_is(http_header(rq, "transfer-encoding"), "chunked") || rq->version < 11 || !may_have_chunks(rq->method)))
        return 400;
    if (lengths == 1 && request_content_length(http_header(rq, "content-length"), &length) != ST_OK)
        return 400;
    if (length > h->protocol.env.limits->body)
        return 413;
    if (expect.p != NULL && !span_is_nocase(expect, "100-continue"))
        return 417;
    h->chunked = codings == 1;
    h->say_continue = expect.p != NULL && rq->version == 11 && (h->chunked || length > 0);
    return 0;
}

/* RFC 9112, 3.2: a path, or a URI whose authority is that of Host; `*` for OPTIONS. */
static unsigned check_target(struct http_request *rq, struct span target)
{
    static const char scheme[] = "https://";
    size_t authority_len = 0;

    if (http_header_count(rq, "host") != 1 || !request_host_valid(rq->authority = http_header(rq, "host")))
        return 400;
    if (target.len > sizeof scheme && span_equal_nocase(span_of(target.p, sizeof scheme - 1), span_text(scheme))) {
        target = span_of(target.p + sizeof scheme - 1, target.len - (sizeof scheme - 1));
        while (authority_len < target.len && target.p[authority_len] != '/' && target.p[authority_len] != '?')
            authority_len++;
        if (!span_equal_nocase(span_of(target.p, authority_len), rq->authority))
            return 400;
        target = span_of(target.p + authority_len, target.len - authority_len);
    }
    if (target.len == 0 || (target.p[0] != '/' && !(span_is(target, "*") && rq->method == HTTP_OPTIONS)))
        return 400;
    return request_copy(rq, &rq->target, target) == ST_OK ? 0 : 503;
}

/* Returns 0 or the status of the refusal. */
static unsigned read_head(struct h1 *h, struct span head, enum h1_parsed *parsed)
{
    struct http_request *rq = h->request;
    struct request_line line;
    unsigned status;
    size_t used;

    if (head_check(head, &line) != ST_OK)
        return 400;
    if (line.version == 0)
        return 505;
    rq->version = line.version;
    rq->method = request_method(line.method);
    if (request_copy(rq, &rq->method_text, line.method) != ST_OK)
        return 503;
    *parsed = h1_parser_read(h->parser, head, &used);
    if (rq->refuse != 0)
        return rq->refuse;
    if (*parsed == H1_PARSED_METHOD_UNKNOWN && rq->method == HTTP_OTHER && !span_is(line.method, "PRI"))
        return 501;
    if (*parsed == H1_PARSED_BAD || *parsed == H1_PARSED_METHOD_UNKNOWN || used != head.len)
        return 400;
    if (span_is(line.method, "CONNECT"))
        return 501;
    if ((status = check_target(rq, line.target)) != 0)
        return status;
    return check_framing(h, rq);
}

static void head_complete(struct h1 *h, struct span head)
{
    enum h1_parsed parsed;
    unsigned status;

    if ((h->request = protocol_request(&h->protocol, 11)) == NULL) {
        end(h);
        return;
    }
    status = read_head(h, head, &parsed);
    wipe(&h->head);
    if (status != 0)
        refuse(h, status);
    else if (parsed == H1_PARSED_WHOLE)
        dispatch(h);
    else
        h->state = H1_BODY;
}

/* Returns how much was read. */
static size_t take_head(struct h1 *h, struct span in)
{
    size_t used = 0;
    enum scan_result r = head_scan_read(&h->scan, h->protocol.env.limits, in, &used);

    if (r == SCAN_BAD)
        refuse(h, 400);
    else if (r == SCAN_TOO_LARGE)
        refuse(h, 431);
    else if (r == SCAN_LINE_TOO_LONG)
        refuse(h, 414);
    else if (r == SCAN_DONE && h->head.len == 0)
        head_complete(h, span_of(in.p, used));
    else {
        bytes_append(&h->head, in.p, used);
        if (bytes_status(&h->head) != ST_OK)
            end(h);
        else if (r == SCAN_DONE)
            head_complete(h, bytes_span(&h->head));
    }
    return used;
}

/* The body. */

static size_t take_body(struct h1 *h, struct span in)
{
    enum scan_result framed = SCAN_MORE;
    size_t used = in.len;
    enum h1_parsed parsed;

    if (h->chunked)
        framed = chunk_scan_read(&h->chunks, in, &used);
    parsed = h1_parser_read(h->parser, span_of(in.p, used), &used);
    if (h->request->refuse != 0)
        refuse(h, h->request->refuse);
    else if (framed == SCAN_BAD || parsed == H1_PARSED_BAD || parsed == H1_PARSED_METHOD_UNKNOWN)
        refuse(h, 400);
    else if (h->chunked && (framed == SCAN_DONE) != (parsed == H1_PARSED_WHOLE)) /* the two readings must agree */
        refuse(h, 400);
    else if (parsed == H1_PARSED_WHOLE)
        dispatch(h);
    return used;
}

/* Read as long as there is a request to be read. Returns how much was read. */
static size_t advance(struct h1 *h, struct span in)
{
    size_t at = 0;

    while (at < in.len && (h->state == H1_HEAD || h->state == H1_BODY)) {
        struct span rest = span_of(in.p + at, in.len - at);

        at += h->state == H1_HEAD ? take_head(h, rest) : take_body(h, rest);
    }
    return at;
}

static void keep_for_later(struct h1 *h, struct span in)
{
    if (in.len == 0 || h->state == H1_END || (h->state == H1_ANSWER && h->last))
        return; /* whatever follows the last request is dropped */
    bytes_append_span(&h->later, in);
    if (bytes_status(&h->later) != ST_OK)
        end(h);
}

/* The protocol's operations. */

static void receive(struct protocol *p, struct span in)
{
    struct h1 *h = h1_of(p);
    size_t used = 0;

    h->pace.bytes += in.len;
    if (h->later.len == 0)
        used = advance(h, in);
    keep_for_later(h, span_of(in.p + used, in.len - used));
}

/* What came while a request was at work. */
static void advance_later(struct h1 *h)
{
    struct bytes taken = { 0 };
    size_t at = h->later_at;

    if (h->later.len == 0)
        return;
    bytes_move(&taken, &h->later); /* so that a refusal, which drops what came later, does not pull it from under us */
    at += advance(h, span_of(taken.p + at, taken.len - at));
    if (at < taken.len && h->state != H1_END && !(h->state == H1_ANSWER && h->last)) {
        bytes_move(&h->later, &taken);
        h->later_at = at;
    } else {
        wipe(&taken);
        h->later_at = 0;
    }
}

static void respond(struct protocol *p, struct http_request *rq)
{
    struct h1 *h = h1_of(p);

    if (h->state != H1_RUNNING || h->request != rq) {
        request_free(rq);
        return;
    }
    rq->close = h->last = h->last || rq->close;
    h->state = H1_ANSWER;
    h->head_sent = false;
}

static void answer_sent(struct h1 *h)
{
    request_free(h->request);
    h->request = NULL;
    if (h->last)
        end(h);
    else
        begin_request(h);
}

static void produce_answer(struct h1 *h, struct bytes *out, size_t room)
{
    struct http_request *rq = h->request;
    size_t left = response_has_body(rq) ? rq->answer.len - rq->answer_sent : 0, n;

    if (!h->head_sent) {
        rq->close = h->last;
        response_write_head(rq, out, h->protocol.env.date);
        h->head_sent = true;
    }
    n = out->len < room ? room - out->len : 0;
    n = n < left ? n : left;
    if (n > 0)
        bytes_append(out, rq->answer.p + rq->answer_sent, n);
    rq->answer_sent += n;
    if (n == left)
        answer_sent(h);
}

static void produce(struct protocol *p, struct bytes *out, size_t room)
{
    struct h1 *h = h1_of(p);

    if (h->say_continue && h->state == H1_BODY) {
        bytes_append_text(out, "HTTP/1.1 100 Continue\r\n\r\n");
        h->say_continue = false;
    }
    while (out->len < room && h->state == H1_ANSWER) {
        produce_answer(h, out, room);
        if (h->state == H1_HEAD)
            advance_later(h);
    }
}

static unsigned wants(const struct protocol *p)
{
    const struct h1 *h = (const struct h1 *)p;

    switch (h->state) {
    case H1_HEAD:
        return PROTOCOL_READ;
    case H1_BODY:
        return PROTOCOL_READ | (h->say_continue ? PROTOCOL_WRITE : 0);
    case H1_RUNNING:
        return PROTOCOL_RUNNING | (h->later.len == 0 ? PROTOCOL_READ : 0);
    case H1_ANSWER:
        return PROTOCOL_WRITE;
    case H1_END:
        break;
    }
    return 0;
}

static void tick(struct protocol *p)
{
    struct h1 *h = h1_of(p);
    bool reading = h->state == H1_BODY || (h->state == H1_HEAD && h->scan.len > 0);

    if (!pace_holds(&h->pace, reading, p->env.limits, now(h)))
        refuse(h, 408);
    else if (h->state == H1_HEAD && !reading && now(h) - h->idle_since_us >= p->env.limits->idle_ms * 1000)
        end(h);
}

static void drain(struct protocol *p)
{
    struct h1 *h = h1_of(p);

    h->last = true;
    if (h->state == H1_HEAD && h->scan.len == 0)
        end(h);
}

static void end_of_input(struct protocol *p)
{
    struct h1 *h = h1_of(p);

    h->last = true;
    if (h->state == H1_HEAD || h->state == H1_BODY)
        end(h);
}

static void h1_free(struct protocol *p)
{
    struct h1 *h = h1_of(p);

    if (h->state != H1_RUNNING) /* then it is the handler's */
        request_free(h->request);
    wipe(&h->head);
    wipe(&h->later);
    h1_parser_free(h->parser);
    free(h);
}

static const struct protocol_ops h1_ops = {
    .receive = receive,
    .respond = respond,
    .produce = produce,
    .wants = wants,
    .tick = tick,
    .drain = drain,
    .end_of_input = end_of_input,
    .free = h1_free,
};

enum status h1_new(const struct protocol_env *env, struct protocol **out)
{
    struct h1 *h = calloc(1, sizeof *h);

    *out = NULL;
    if (h == NULL || h1_parser_new(&events, h, &h->parser) != ST_OK) {
        free(h);
        return ST_NO_MEMORY;
    }
    h->protocol = (struct protocol){ .ops = &h1_ops, .env = *env };
    begin_request(h);
    *out = &h->protocol;
    return ST_OK;
}
