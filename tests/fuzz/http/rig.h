/* rig.h - a protocol object between a fuzzer and nothing: requests are answered at once, or kept until the end. */
#ifndef STRONGROOM_FUZZ_HTTP_RIG_H
#define STRONGROOM_FUZZ_HTTP_RIG_H

#include "service/http/mailbox.h"
#include "service/http/protocol.h"

#define RIG_KEPT_MAX 512

struct rig {
    uint64_t now_us;
    struct request_pool pool;
    struct mailbox *mailbox;
    struct protocol *protocol;
    bool keep;
    size_t answer_len;
    struct http_request *kept[RIG_KEPT_MAX];
    unsigned kept_count;
    struct bytes out, log;
};

static inline void rig_deliver(void *arg, struct http_request *rq)
{
    struct rig *r = arg;

    if (r->protocol != NULL)
        protocol_respond(r->protocol, rq);
    else
        request_free(rq);
}

static inline void rig_answer(struct rig *r, struct http_request *rq)
{
    struct http_response response = { .status = 200 };

    for (size_t i = 0; i < r->answer_len; i++)
        bytes_append_char(&response.body, 'a');
    http_respond(rq, &response);
}

/* What the handler is promised (http.h). */
static inline void rig_dispatch(void *arg, struct http_request *rq)
{
    struct rig *r = arg;

    INVARIANT(http_target(rq).len > 0 && request_host_valid(http_authority(rq)));
    INVARIANT(http_body(rq).len <= HTTP_BODY_MAX && rq->field_count <= HTTP_FIELDS_MAX &&
              rq->head_size <= HTTP_HEAD_MAX);
    for (size_t i = 0; i < rq->field_count; i++) {
        struct request_field f = rq->fields[i];

        INVARIANT(f.name.len > 0);
        for (size_t k = 0; k < f.name.len; k++)
            INVARIANT(f.name.p[k] > 0x20 && f.name.p[k] < 0x7f && !(f.name.p[k] >= 'A' && f.name.p[k] <= 'Z'));
        for (size_t k = 0; k < f.value.len; k++)
            INVARIANT(f.value.p[k] != '\0' && f.value.p[k] != '\r' && f.value.p[k] != '\n');
    }
    bytes_append_span(&r->log, http_method_text(rq));
    bytes_append_span(&r->log, http_target(rq));
    bytes_append_span(&r->log, http_body(rq));
    if (r->keep && r->kept_count < RIG_KEPT_MAX)
        r->kept[r->kept_count++] = rq;
    else
        rig_answer(r, rq);
}

static inline void rig_produce(struct rig *r)
{
    struct bytes out = { 0 };

    do {
        bytes_reset(&out);
        protocol_produce(r->protocol, &out, HTTP_RECORD_MAX);
        bytes_append_span(&r->out, bytes_span(&out));
    } while (out.len > 0);
    bytes_clear(&out);
}

static inline void rig_receive(struct rig *r, struct span in, size_t piece)
{
    for (size_t at = 0, n; at < in.len; at += n) {
        n = piece == 0 || piece > in.len - at ? in.len - at : piece;
        if ((protocol_wants(r->protocol) & PROTOCOL_READ) != 0)
            protocol_receive(r->protocol, span_of(in.p + at, n));
        rig_produce(r);
    }
}

static inline void rig_open(struct rig *r, bool h2)
{
    struct protocol_env env = { .limits = &http_limits_default,
                                .pool = &r->pool,
                                .peer = "192.0.2.1",
                                .tls_version = "TLSv1.3",
                                .now_us = &r->now_us,
                                .date = "Sun, 06 Nov 1994 08:49:37 GMT",
                                .dispatch = rig_dispatch,
                                .arg = r };

    *r = (struct rig){ .now_us = 1000000 };
    INVARIANT(mailbox_new(rig_deliver, r, &r->mailbox) == ST_OK);
    env.home = r->mailbox;
    INVARIANT((h2 ? h2_new(&env, &r->protocol) : h1_new(&env, &r->protocol)) == ST_OK);
}

static inline void rig_release(struct rig *r)
{
    unsigned n = r->kept_count;

    r->kept_count = 0;
    for (unsigned i = 0; i < n; i++)
        rig_answer(r, r->kept[i]);
}

static inline void rig_close(struct rig *r)
{
    protocol_free(r->protocol);
    r->protocol = NULL;
    r->keep = false;
    rig_release(r);
    mailbox_close(r->mailbox, 0);
    request_pool_clear(&r->pool);
    bytes_clear(&r->out);
    bytes_clear(&r->log);
}

#endif
