#include <malloc.h>

#include "firmware/base/secret.h"
#include "service/http/h2.h"

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
    struct h2 *h = user_data;
    struct http_request *rq;

    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0; /* trailers */
    h->last_stream = frame->hd.stream_id;
    /* Work counts until it ends, not until its stream does (THREATS.md, C3). */
    if (h->running >= h->protocol.env.limits->streams || (rq = protocol_request(&h->protocol, 20)) == NULL) {
        h2_reset(h, frame->hd.stream_id, NGHTTP2_REFUSED_STREAM);
        return 0;
    }
    rq->stream = frame->hd.stream_id;
    h2_link(h, rq);
    (void)nghttp2_session_set_stream_user_data(session, rq->stream, rq); /* the stream is there: it has just begun */
    return 0;
}

static enum status take_pseudo(struct http_request *rq, struct span name, struct span value)
{
    enum status st;

    if (span_is(name, ":path"))
        return request_copy(rq, &rq->target, value);
    if (span_is(name, ":authority"))
        return request_copy(rq, &rq->authority, value);
    if (span_is(name, ":scheme"))
        return request_copy(rq, &rq->scheme, value);
    if (span_is(name, ":method")) {
        st = request_copy(rq, &rq->method_text, value);
        rq->method = request_method(value);
        return st;
    }
    return ST_BAD_REQUEST; /* nghttp2 refuses unknown ones before they come here; :protocol is never offered */
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_len,
                     const uint8_t *value, size_t value_len, uint8_t flags, void *user_data)
{
    struct h2 *h = user_data;
    const struct http_limits *limits = h->protocol.env.limits;
    struct http_request *rq = h2_request_of(h, frame->hd.stream_id);
    struct span n = span_of(name, name_len), v = span_of(value, value_len);
    enum status st = ST_OK;

    (void)session;
    (void)flags;
    if (rq == NULL || rq->stage != REQUEST_ARRIVING)
        return 0;
    if (rq->refuse != 0 || frame->headers.cat != NGHTTP2_HCAT_REQUEST) { /* counted, not kept */
        rq->head_size += n.len + v.len + 32;
        st = rq->head_size > limits->head ? ST_TOO_LARGE : ST_OK;
    } else if (n.p[0] == ':') {
        rq->head_size += n.len + v.len + 32;
        st = rq->head_size > limits->head ? ST_TOO_LARGE : take_pseudo(rq, n, v);
    } else if ((st = request_add_field(rq, limits, n, v)) == ST_OK && span_is(n, "host")) {
        rq->host = rq->fields[rq->field_count - 1].value;
    }
    if (st != ST_OK && rq->refuse == 0)
        rq->refuse = st == ST_TOO_LARGE ? 431 : st == ST_NO_MEMORY ? 503 : 400;
    if (rq->head_size <= limits->bomb)
        return 0;
    h2_end(h, NGHTTP2_ENHANCE_YOUR_CALM);
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* the rest of the block is not handed to us any more */
}

/* What nghttp2 would leave out, we refuse: RFC 9113, 8.2.1 calls the request malformed. */
static int on_invalid_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_len,
                             const uint8_t *value, size_t value_len, uint8_t flags, void *user_data)
{
    (void)session;
    (void)frame;
    (void)name;
    (void)name_len;
    (void)value;
    (void)value_len;
    (void)flags;
    (void)user_data;
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static int on_data_chunk(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *data, size_t len,
                         void *user_data)
{
    struct h2 *h = user_data;
    struct http_request *rq = h2_request_of(h, stream);
    enum status st;

    (void)session;
    (void)flags;
    if (rq == NULL || rq->stage != REQUEST_ARRIVING || h->ended)
        return 0; /* refused already: read and dropped, so that the connection's window opens again */
    rq->pace.bytes += len;
    if (h->bodies + len > h->protocol.env.limits->bodies_per_connection) {
        h2_refuse(h, rq, 503);
    } else if ((st = request_add_body(rq, span_of(data, len), h->protocol.env.limits->body)) == ST_OK) {
        h->bodies += len;
        rq->charged += len;
    } else {
        h2_refuse(h, rq, st == ST_TOO_LARGE ? 413 : 503);
    }
    return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
    struct h2 *h = user_data;
    bool last = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    struct http_request *rq;

    (void)session;
    if ((frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) || h->ended ||
        (rq = h2_request_of(h, frame->hd.stream_id)) == NULL || rq->stage != REQUEST_ARRIVING)
        return 0;
    if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
        h2_head_received(h, rq, last);
    else if (rq->refuse != 0) /* trailers beyond the limits */
        h2_refuse(h, rq, rq->refuse);
    else if (last)
        h2_complete(h, rq);
    return 0;
}

static int on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
    struct h2 *h = user_data;

    switch (frame->hd.type) {
    case NGHTTP2_RST_STREAM:
        if (frame->rst_stream.error_code != NGHTTP2_NO_ERROR && !flood_allows(&h->flood, FLOOD_RESET, h2_now(h)))
            h->calm = true; /* they made us: it is their budget all the same */
        break;
    case NGHTTP2_HEADERS:
    case NGHTTP2_DATA:
        /* Answered before the request was whole: the rest need not be sent (RFC 9113, 8.1). */
        if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0 &&
            nghttp2_session_get_stream_remote_close(session, frame->hd.stream_id) == 0)
            h2_reset(h, frame->hd.stream_id, NGHTTP2_NO_ERROR);
        break;
    default:
        break;
    }
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t stream, uint32_t code, void *user_data)
{
    struct h2 *h = user_data;
    struct http_request *rq = h2_request_of(h, stream);

    (void)session;
    (void)code;
    if (rq != NULL)
        h2_forget(h, rq);
    return 0;
}

/* nghttp2's memory holds header fields, tokens among them. */
static void wiping_free(void *p, void *arg)
{
    (void)arg;
    if (p != NULL)
        secret_wipe(p, malloc_usable_size(p));
    free(p);
}
static void *plain_malloc(size_t n, void *arg)
{
    (void)arg;
    return malloc(n);
}
static void *plain_calloc(size_t n, size_t size, void *arg)
{
    (void)arg;
    return calloc(n, size);
}
static void *wiping_realloc(void *p, size_t n, void *arg)
{
    void *q = malloc(n > 0 ? n : 1);
    size_t had = p != NULL ? malloc_usable_size(p) : 0;

    if (q == NULL)
        return NULL;
    if (had > 0)
        memcpy(q, p, had < n ? had : n);
    wiping_free(p, arg);
    return q;
}

enum status h2_session_open(struct h2 *h)
{
    static nghttp2_mem memory = { NULL, plain_malloc, wiping_free, plain_calloc, wiping_realloc };
    const struct http_limits *limits = h->protocol.env.limits;
    nghttp2_session_callbacks *c = NULL;
    nghttp2_option *o = NULL;
    int rv = NGHTTP2_ERR_NOMEM;

    if (nghttp2_session_callbacks_new(&c) != 0 || nghttp2_option_new(&o) != 0)
        goto done;
    nghttp2_session_callbacks_set_on_begin_headers_callback(c, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(c, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(c, on_invalid_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, on_data_chunk);
    nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_frame);
    nghttp2_session_callbacks_set_on_frame_send_callback(c, on_frame_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(c, on_stream_close);
    nghttp2_session_callbacks_set_send_data_callback(c, h2_on_send_data);
    nghttp2_session_callbacks_set_data_source_read_length_callback(c, h2_on_data_length);
    nghttp2_option_set_max_continuations(o, 100 * (size_t)limits->continuations); /* frames.c counts them */
    nghttp2_option_set_server_fallback_rfc7540_priorities(o, 0);
    /* Our own budget is smaller and says ENHANCE_YOUR_CALM. */
    nghttp2_option_set_stream_reset_rate_limit(o, 10 * (uint64_t)limits->resets_burst,
                                               10 * (uint64_t)limits->resets_per_s);
    nghttp2_option_set_max_outbound_ack(o, 1000); /* of 17 bytes each */
    rv = nghttp2_session_server_new3(&h->session, c, h, o, &memory);
done:
    nghttp2_option_del(o);
    nghttp2_session_callbacks_del(c);
    return rv == 0 ? ST_OK : ST_NO_MEMORY;
}
