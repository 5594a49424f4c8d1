#include "tests/unit/service/http/wire.h"

#include "service/http/mailbox.h"
#include "tests/unit/harness.h"

static void deliver(void *arg, struct http_request *rq)
{
    struct wire *w = arg;

    if (w->protocol != NULL)
        protocol_respond(w->protocol, rq);
    else
        request_free(rq);
}

void wire_answer(struct wire *w, struct http_request *rq)
{
    const struct http_field fields[] = { { "content-type", span_text("text/plain") },
                                         { "x-ms-request-id", span_text("1") } };
    struct http_response r = { .status = w->answer_status != 0 ? w->answer_status : 200,
                               .fields = fields,
                               .field_count = 2,
                               .close = w->answer_close };

    for (size_t i = 0; i < w->answer_len; i++)
        bytes_append_char(&r.body, 'a');
    if (w->answer_len == 0)
        bytes_append_text(&r.body, "ok");
    http_respond(rq, &r);
}

static void dispatch(void *arg, struct http_request *rq)
{
    struct wire *w = arg;

    w->seen++;
    bytes_append_span(&w->log, http_method_text(rq));
    bytes_append_char(&w->log, ' ');
    bytes_append_span(&w->log, http_target(rq));
    bytes_append_char(&w->log, ' ');
    bytes_append_span(&w->log, http_authority(rq));
    bytes_append_char(&w->log, ' ');
    bytes_append_span(&w->log, http_body(rq));
    bytes_append_char(&w->log, '\n');
    if (!w->keep) {
        wire_answer(w, rq);
        return;
    }
    INVARIANT(w->kept_count < WIRE_KEPT_MAX);
    w->kept[w->kept_count++] = rq;
}

void wire_open(struct wire *w, bool h2)
{
    struct protocol_env env = { .limits = &w->limits,
                                .pool = &w->pool,
                                .connection = 7,
                                .peer = "192.0.2.1",
                                .tls_version = "TLSv1.3",
                                .now_us = &w->now_us,
                                .date = "Sun, 06 Nov 1994 08:49:37 GMT",
                                .dispatch = dispatch,
                                .arg = w };

    *w = (struct wire){ .limits = http_limits_default, .now_us = 1000000 };
    if (mailbox_new(deliver, w, &w->mailbox) != ST_OK)
        CU_FAIL_FATAL("no mailbox");
    env.home = w->mailbox;
    if ((h2 ? h2_new(&env, &w->protocol) : h1_new(&env, &w->protocol)) != ST_OK)
        CU_FAIL_FATAL("no protocol");
}

void wire_close(struct wire *w)
{
    protocol_free(w->protocol);
    w->protocol = NULL;
    wire_answer_kept(w);
    mailbox_close(w->mailbox, 0);
    request_pool_clear(&w->pool);
    bytes_clear(&w->log);
    bytes_clear(&w->out);
}

void wire_produce(struct wire *w)
{
    struct bytes out = { 0 };

    do {
        bytes_reset(&out);
        protocol_produce(w->protocol, &out, HTTP_RECORD_MAX);
        CU_ASSERT(out.len <= HTTP_RECORD_MAX + 1024);
        bytes_append_span(&w->out, bytes_span(&out));
    } while (out.len > 0);
    bytes_clear(&out);
}

void wire_receive(struct wire *w, struct span in, size_t piece)
{
    for (size_t at = 0, n; at < in.len; at += n) {
        uint8_t *copy; /* of its own, so that a read beyond its end is seen */

        n = piece == 0 || piece > in.len - at ? in.len - at : piece;
        copy = malloc(n);
        INVARIANT(copy != NULL);
        memcpy(copy, in.p + at, n);
        if ((protocol_wants(w->protocol) & PROTOCOL_READ) != 0)
            protocol_receive(w->protocol, span_of(copy, n));
        free(copy);
        wire_produce(w);
    }
}

void wire_text(struct wire *w, const char *text)
{
    wire_receive(w, span_text(text), 0);
}

void wire_pass(struct wire *w, uint64_t ms)
{
    w->now_us += ms * 1000;
    protocol_tick(w->protocol);
    wire_produce(w);
}

void wire_answer_kept(struct wire *w)
{
    unsigned n = w->kept_count;

    w->kept_count = 0;
    for (unsigned i = 0; i < n; i++)
        wire_answer(w, w->kept[i]);
    if (w->protocol != NULL)
        wire_produce(w);
}

unsigned wire_said_times(const struct wire *w, const char *text)
{
    size_t len = strlen(text), n = 0;

    for (size_t i = 0; i + len <= w->out.len; i++)
        n += memcmp(w->out.p + i, text, len) == 0;
    return (unsigned)n;
}

bool wire_said(const struct wire *w, const char *text)
{
    return wire_said_times(w, text) > 0;
}

bool wire_ended(const struct wire *w)
{
    return protocol_wants(w->protocol) == 0;
}
