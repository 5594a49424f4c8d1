/* h2.c - HTTP/2 by nghttp2 (RFC 9113). nghttp2 keeps the protocol's rules; what it lets pass and we do not is refused
 * here: floods, header lists and bodies beyond the limits, peers that stall, work that is cancelled as soon as begun.
 */
#include <inttypes.h>
#include <malloc.h>
#include <nghttp2/nghttp2.h>

#include "firmware/base/secret.h"
#include "service/http/frames.h"
#include "service/http/protocol.h"
#include "service/http/response.h"

#define SLACK 512 /* room in a record that is not worth another DATA frame */

struct h2 {
    struct protocol protocol; /* first: the two are cast into each other */
    nghttp2_session *session;
    struct frames frames;
    struct flood flood;
    struct pace pace;
    struct http_request *requests;               /* all whose stream is open */
    struct http_request *held_first, *held_last; /* complete, not begun: too many answers wait */
    unsigned open, running;                      /* streams; requests with the handler, their stream gone or not */
    size_t bodies, answers;                      /* bytes held */
    uint64_t idle_since_us, progress_us;
    uint64_t notice_us; /* when the first GOAWAY of a graceful end was sent, or 0 */
    int32_t last_stream;
    bool stalled; /* an answer was given up because the peer did not take it */
    bool ended;   /* nothing more is read; what is queued goes out */
    bool draining;
    bool calm;         /* our own resets are too many */
    struct bytes *out; /* while producing */
    size_t room;
};

static struct h2 *h2_of(struct protocol *p)
{
    return (struct h2 *)p;
}

static uint64_t now(const struct h2 *h)
{
    return *h->protocol.env.now_us;
}

/* GOAWAY, then nothing: what nghttp2 has queued is sent, what still comes is not read. */
static void end(struct h2 *h, uint32_t code)
{
    if (h->ended)
        return;
    h->ended = true;
    (void)nghttp2_session_terminate_session2(h->session, h->last_stream, code); /* out of memory: ended all the same */
}

static void reset(struct h2 *h, int32_t stream, uint32_t code)
{
    if (nghttp2_submit_rst_stream(h->session, NGHTTP2_FLAG_NONE, stream, code) != 0)
        end(h, NGHTTP2_INTERNAL_ERROR);
}

/* The requests of open streams. */

static struct http_request *request_of(struct h2 *h, int32_t stream)
{
    return nghttp2_session_get_stream_user_data(h->session, stream);
}

static void link_request(struct h2 *h, struct http_request *rq)
{
    rq->prev = NULL;
    rq->next = h->requests;
    if (rq->next != NULL)
        rq->next->prev = rq;
    h->requests = rq;
    h->open++;
}

static void unlink_request(struct h2 *h, struct http_request *rq)
{
    if (rq->prev != NULL)
        rq->prev->next = rq->next;
    else
        h->requests = rq->next;
    if (rq->next != NULL)
        rq->next->prev = rq->prev;
    h->open--;
    if (h->open == 0)
        h->idle_since_us = now(h);
}

static void unhold(struct h2 *h, struct http_request *rq)
{
    struct http_request **at = &h->held_first, *before = NULL;

    for (; *at != rq; at = &(*at)->held_next)
        before = *at;
    *at = rq->held_next;
    if (h->held_last == rq)
        h->held_last = before;
}

/* Its body is no longer held. */
static void discharge(struct h2 *h, struct http_request *rq)
{
    h->bodies -= rq->charged;
    rq->charged = 0;
}

/* Its stream is gone or is to be. A request that runs stays the handler's until it is answered. */
static void forget(struct h2 *h, struct http_request *rq)
{
    (void)nghttp2_session_set_stream_user_data(h->session, rq->stream,
                                               NULL); /* fails when the stream is gone already */
    unlink_request(h, rq);
    switch (rq->stage) {
    case REQUEST_RUNNING:
        return;
    case REQUEST_ANSWERED:
        h->answers -= rq->answer.len - rq->answer_sent;
        break;
    case REQUEST_HELD:
        unhold(h, rq);
        /* fall through */
    case REQUEST_ARRIVING:
        break;
    }
    discharge(h, rq);
    request_free(rq);
}

/* Answers. */

static nghttp2_nv field_of(struct span name, struct span value, uint8_t flags)
{
    return (nghttp2_nv){ .name = (uint8_t *)(uintptr_t)name.p,
                         .value = (uint8_t *)(uintptr_t)value.p,
                         .namelen = name.len,
                         .valuelen = value.len,
                         .flags = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE | flags };
}

static nghttp2_nv field_of_text(const char *name, const char *value, uint8_t flags)
{
    return field_of(span_text(name), span_text(value), flags);
}

/* How much of the body goes into the next DATA frame; send_data() then copies it straight to the output. */
static ssize_t on_read_answer(nghttp2_session *session, int32_t stream, uint8_t *buf, size_t length, uint32_t *flags,
                              nghttp2_data_source *source, void *user_data)
{
    struct http_request *rq = source->ptr;
    size_t left = rq->answer.len - rq->answer_sent;

    (void)session;
    (void)stream;
    (void)buf;
    (void)user_data;
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (left <= length)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)(left < length ? left : length);
}

static int on_send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *header, size_t length,
                        nghttp2_data_source *source, void *user_data)
{
    struct http_request *rq = source->ptr;
    struct h2 *h = user_data;

    (void)session;
    (void)frame;
    if (h->out->len + SLACK > h->room)
        return NGHTTP2_ERR_WOULDBLOCK;
    bytes_append(h->out, header, FRAMES_HEADER_LEN);
    bytes_append(h->out, rq->answer.p + rq->answer_sent, length);
    rq->answer_sent += length;
    rq->progress_us = h->progress_us = now(h);
    h->answers -= length;
    return 0;
}

/* A frame that fills the record and no more. */
static ssize_t on_data_length(nghttp2_session *session, uint8_t type, int32_t stream, int32_t session_window,
                              int32_t stream_window, uint32_t max_frame, void *user_data)
{
    struct h2 *h = user_data;
    int64_t most = h->room > h->out->len + SLACK ? (int64_t)(h->room - h->out->len) - FRAMES_HEADER_LEN : SLACK;

    (void)session;
    (void)type;
    (void)stream;
    most = most < session_window ? most : session_window;
    most = most < stream_window ? most : stream_window;
    return (ssize_t)(most < (int64_t)max_frame ? most : (int64_t)max_frame);
}

static void answer(struct h2 *h, struct http_request *rq)
{
    nghttp2_nv nv[HTTP_RESPONSE_FIELDS_MAX + 3];
    nghttp2_data_provider body = { .source.ptr = rq, .read_callback = on_read_answer };
    size_t n = 0;

    rq->stage = REQUEST_ANSWERED;
    rq->progress_us = now(h);
    nv[n++] = field_of_text(":status", rq->status_text, 0);
    for (size_t i = 0; i < rq->answer_field_count; i++) {
        /* What differs in every answer would push out of the compression table what does not. */
        bool unique = span_starts_with(rq->answer_fields[i].name, span_text("x-ms-"));

        nv[n++] =
            field_of(rq->answer_fields[i].name, rq->answer_fields[i].value, unique ? NGHTTP2_NV_FLAG_NO_INDEX : 0);
    }
    nv[n++] = field_of_text("date", h->protocol.env.date, 0);
    if (rq->status != 204 && rq->status != 304)
        nv[n++] = field_of_text("content-length", rq->length_text, 0);
    if (!response_has_body(rq)) {
        secret_wipe(rq->answer.p, rq->answer.len);
        bytes_clear(&rq->answer);
    }
    h->answers += rq->answer.len;
    if (nghttp2_submit_response(h->session, rq->stream, nv, n, rq->answer.len > 0 ? &body : NULL) != 0) {
        end(h, NGHTTP2_INTERNAL_ERROR);
        forget(h, rq);
        return;
    }
    if (rq->close && !h->draining) {
        h->draining = true;
        (void)nghttp2_submit_goaway(h->session, NGHTTP2_FLAG_NONE, h->last_stream, NGHTTP2_NO_ERROR, NULL, 0);
    }
}

static void refuse(struct h2 *h, struct http_request *rq, unsigned status)
{
    discharge(h, rq);
    response_refuse(rq, status);
    answer(h, rq);
}

static void respond(struct protocol *p, struct http_request *rq)
{
    struct h2 *h = h2_of(p);

    h->running--;
    discharge(h, rq);
    if (request_of(h, rq->stream) == rq)
        answer(h, rq);
    else
        request_free(rq); /* nobody waits for it any more */
}

/* Requests that have arrived. */

static void dispatch(struct h2 *h, struct http_request *rq)
{
    rq->stage = REQUEST_RUNNING;
    h->running++;
    h->protocol.env.dispatch(h->protocol.env.arg, rq);
}

static bool too_many_answers(const struct h2 *h)
{
    return h->answers >= h->protocol.env.limits->answers_per_connection;
}

static void complete(struct h2 *h, struct http_request *rq)
{
    request_complete(rq, now(h));
    if (h->held_first == NULL && !too_many_answers(h)) {
        dispatch(h, rq);
        return;
    }
    rq->stage = REQUEST_HELD;
    rq->held_next = NULL;
    if (h->held_first == NULL)
        h->held_first = rq;
    else
        h->held_last->held_next = rq;
    h->held_last = rq;
}

static void release_held(struct h2 *h)
{
    struct http_request *rq;

    while ((rq = h->held_first) != NULL && !too_many_answers(h)) {
        h->held_first = rq->held_next;
        if (h->held_first == NULL)
            h->held_last = NULL;
        dispatch(h, rq);
    }
}

/* nghttp2 has checked what RFC 9113, 8.3 asks of a request's fields; these it has not. */
static bool head_sound(struct http_request *rq)
{
    if (rq->authority.p == NULL)
        rq->authority = rq->host;
    else if (rq->host.p != NULL && !span_equal_nocase(rq->host, rq->authority))
        return false;
    return request_host_valid(rq->authority) && span_is_nocase(rq->scheme, "https") && rq->target.len > 0;
}

/* 0, or the status of the refusal. */
static unsigned head_refusal(struct h2 *h, struct http_request *rq)
{
    struct span length = http_header(rq, "content-length"), expect = http_header(rq, "expect");
    uint64_t announced = 0;

    if (rq->refuse != 0)
        return rq->refuse;
    if (rq->target.len > h->protocol.env.limits->target)
        return 414;
    if (length.p != NULL && request_content_length(length, &announced) != ST_OK)
        return 400;
    if (announced > h->protocol.env.limits->body)
        return 413;
    return expect.p != NULL && !span_is_nocase(expect, "100-continue") ? 417 : 0;
}

static void head_received(struct h2 *h, struct http_request *rq, bool whole)
{
    static const nghttp2_nv go_on = {
        .name = (uint8_t *)(uintptr_t) ":status", .value = (uint8_t *)(uintptr_t) "100", .namelen = 7, .valuelen = 3
    };
    unsigned status;

    if (rq->refuse == 0 && !head_sound(rq)) {
        reset(h, rq->stream, NGHTTP2_PROTOCOL_ERROR);
        forget(h, rq);
    } else if ((status = head_refusal(h, rq)) != 0) {
        refuse(h, rq, status);
    } else if (whole) {
        complete(h, rq);
    } else if (http_header(rq, "expect").p != NULL &&
               nghttp2_submit_headers(h->session, NGHTTP2_FLAG_NONE, rq->stream, NULL, &go_on, 1, NULL) != 0) {
        end(h, NGHTTP2_INTERNAL_ERROR);
    }
}

/* nghttp2's callbacks. */

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
    struct h2 *h = user_data;
    struct http_request *rq;

    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0; /* trailers */
    h->last_stream = frame->hd.stream_id;
    /* Work counts until it ends, not until its stream does (THREATS.md, C3). */
    if (h->running >= h->protocol.env.limits->streams || (rq = protocol_request(&h->protocol, 20)) == NULL) {
        reset(h, frame->hd.stream_id, NGHTTP2_REFUSED_STREAM);
        return 0;
    }
    rq->stream = frame->hd.stream_id;
    link_request(h, rq);
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
    struct http_request *rq = request_of(h, frame->hd.stream_id);
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
    end(h, NGHTTP2_ENHANCE_YOUR_CALM);
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
    struct http_request *rq = request_of(h, stream);
    enum status st;

    (void)session;
    (void)flags;
    if (rq == NULL || rq->stage != REQUEST_ARRIVING || h->ended)
        return 0; /* refused already: read and dropped, so that the connection's window opens again */
    rq->pace.bytes += len;
    if (h->bodies + len > h->protocol.env.limits->bodies_per_connection) {
        refuse(h, rq, 503);
    } else if ((st = request_add_body(rq, span_of(data, len), h->protocol.env.limits->body)) == ST_OK) {
        h->bodies += len;
        rq->charged += len;
    } else {
        refuse(h, rq, st == ST_TOO_LARGE ? 413 : 503);
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
        (rq = request_of(h, frame->hd.stream_id)) == NULL || rq->stage != REQUEST_ARRIVING)
        return 0;
    if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
        head_received(h, rq, last);
    else if (rq->refuse != 0) /* trailers beyond the limits */
        refuse(h, rq, rq->refuse);
    else if (last)
        complete(h, rq);
    return 0;
}

static int on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
    struct h2 *h = user_data;

    switch (frame->hd.type) {
    case NGHTTP2_RST_STREAM:
        if (frame->rst_stream.error_code != NGHTTP2_NO_ERROR && !flood_allows(&h->flood, FLOOD_RESET, now(h)))
            h->calm = true; /* they made us: it is their budget all the same */
        break;
    case NGHTTP2_HEADERS:
    case NGHTTP2_DATA:
        /* Answered before the request was whole: the rest need not be sent (RFC 9113, 8.1). */
        if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0 &&
            nghttp2_session_get_stream_remote_close(session, frame->hd.stream_id) == 0)
            reset(h, frame->hd.stream_id, NGHTTP2_NO_ERROR);
        break;
    default:
        break;
    }
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t stream, uint32_t code, void *user_data)
{
    struct h2 *h = user_data;
    struct http_request *rq = request_of(h, stream);

    (void)session;
    (void)code;
    if (rq != NULL)
        forget(h, rq);
    return 0;
}

/* The protocol's operations. */

static void receive(struct protocol *p, struct span in)
{
    struct h2 *h = h2_of(p);
    enum flood_kind kind = FLOOD_KINDS;
    bool flooded = false;
    size_t sound = 0;
    ssize_t n;

    if (h->ended || in.len == 0)
        return;
    h->pace.bytes += in.len;
    while (sound < in.len && !flooded) {
        sound += frames_read(&h->frames, span_of(in.p + sound, in.len - sound), p->env.limits, now(h), &kind);
        flooded = kind != FLOOD_KINDS && !flood_allows(&h->flood, kind, now(h));
    }
    n = nghttp2_session_mem_recv(h->session, in.p, sound);
    if (n == NGHTTP2_ERR_FLOODED || n == NGHTTP2_ERR_TOO_MANY_CONTINUATIONS || flooded)
        end(h, NGHTTP2_ENHANCE_YOUR_CALM);
    else if (n == NGHTTP2_ERR_BAD_CLIENT_MAGIC)
        end(h, NGHTTP2_PROTOCOL_ERROR);
    else if (n < 0)
        end(h, NGHTTP2_INTERNAL_ERROR);
}

static void produce(struct protocol *p, struct bytes *out, size_t room)
{
    struct h2 *h = h2_of(p);
    const uint8_t *frame;
    ssize_t n = 1;

    h->out = out;
    h->room = room;
    while (n > 0 && out->len + SLACK <= room) {
        release_held(h);
        if ((n = nghttp2_session_mem_send(h->session, &frame)) > 0) {
            bytes_append(out, frame, (size_t)n);
            h->progress_us = now(h);
        }
        if (h->calm && !h->ended) {
            end(h, NGHTTP2_ENHANCE_YOUR_CALM);
            n = 1;
        }
        if (n == 0 && h->held_first != NULL && !too_many_answers(h))
            n = 1;
    }
    h->out = NULL;
    if (n < 0)
        h->ended = true;
}

static unsigned wants(const struct protocol *p)
{
    const struct h2 *h = (const struct h2 *)p;
    unsigned w = 0;

    if (nghttp2_session_want_write(h->session) != 0)
        w |= PROTOCOL_WRITE;
    if (!h->ended && nghttp2_session_want_read(h->session) != 0)
        w |= PROTOCOL_READ;
    return w;
}

/* Requests that arrive too slowly, answers that are not taken. Returns whether all that waits has waited too long. */
static void tick_requests(struct h2 *h)
{
    const struct http_limits *limits = h->protocol.env.limits;
    uint64_t stall_us = limits->stall_ms * 1000;
    struct http_request *rq, *next;

    for (rq = h->requests; rq != NULL; rq = next) {
        next = rq->next;
        if (rq->stage == REQUEST_ARRIVING && !pace_holds(&rq->pace, true, limits, now(h))) {
            refuse(h, rq, 408);
        } else if (rq->stage == REQUEST_ANSWERED && now(h) - rq->progress_us >= stall_us) {
            reset(h, rq->stream, NGHTTP2_CANCEL); /* and when that is sent, on_stream_close() frees it */
            rq->progress_us = now(h);
            h->stalled = true;
        }
    }
    if (h->stalled && now(h) - h->progress_us >= stall_us)
        end(h, NGHTTP2_ENHANCE_YOUR_CALM);
}

static void tick(struct protocol *p)
{
    struct h2 *h = h2_of(p);
    const struct http_limits *limits = p->env.limits;

    if (h->ended)
        return;
    tick_requests(h);
    if (h->frames.in_block && now(h) - h->frames.block_since_us >= limits->block_ms * 1000)
        end(h, NGHTTP2_ENHANCE_YOUR_CALM);
    else if (!pace_holds(&h->pace, frames_partial(&h->frames), limits, now(h)))
        end(h, NGHTTP2_ENHANCE_YOUR_CALM);
    else if (h->open == 0 && now(h) - h->idle_since_us >= limits->idle_ms * 1000)
        end(h, NGHTTP2_NO_ERROR);
    else if (h->notice_us != 0 && now(h) - h->notice_us >= limits->notice_ms * 1000) {
        h->notice_us = 0;
        (void)nghttp2_submit_goaway(h->session, NGHTTP2_FLAG_NONE, h->last_stream, NGHTTP2_NO_ERROR, NULL, 0);
    }
}

/* First "no more, please", so that what is on its way still counts; then the last stream (RFC 9113, 6.8). */
static void drain(struct protocol *p)
{
    struct h2 *h = h2_of(p);

    if (h->draining || h->ended)
        return;
    h->draining = true;
    h->notice_us = now(h);
    (void)nghttp2_submit_shutdown_notice(h->session);
}

static void end_of_input(struct protocol *p)
{
    end(h2_of(p), NGHTTP2_NO_ERROR); /* a client that has closed its side reads nothing either */
}

static void h2_free(struct protocol *p)
{
    struct h2 *h = h2_of(p);

    while (h->requests != NULL)
        forget(h, h->requests);
    nghttp2_session_del(h->session);
    free(h);
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

static enum status open_session(struct h2 *h)
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
    nghttp2_session_callbacks_set_send_data_callback(c, on_send_data);
    nghttp2_session_callbacks_set_data_source_read_length_callback(c, on_data_length);
    nghttp2_option_set_max_continuations(o, limits->continuations);
    nghttp2_option_set_no_closed_streams(o, 1);
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

static const struct protocol_ops h2_ops = {
    .receive = receive,
    .respond = respond,
    .produce = produce,
    .wants = wants,
    .tick = tick,
    .drain = drain,
    .end_of_input = end_of_input,
    .free = h2_free,
};

enum status h2_new(const struct protocol_env *env, struct protocol **out)
{
    const struct http_limits *limits = env->limits;
    const nghttp2_settings_entry settings[] = {
        { NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits->streams },
        { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, HTTP_BODY_MAX },
        { NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, (uint32_t)limits->head },
    };
    struct h2 *h = calloc(1, sizeof *h);
    enum status st;

    *out = NULL;
    if (h == NULL)
        return ST_NO_MEMORY;
    h->protocol = (struct protocol){ .ops = &h2_ops, .env = *env };
    h->idle_since_us = h->progress_us = now(h);
    frames_init(&h->frames);
    flood_init(&h->flood, limits, now(h));
    if ((st = open_session(h)) != ST_OK) {
        free(h);
        return st;
    }
    if (nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, settings, ARRAY_LEN(settings)) != 0 ||
        nghttp2_session_set_local_window_size(h->session, NGHTTP2_FLAG_NONE, 0, HTTP_BODY_MAX) != 0) {
        h2_free(&h->protocol);
        return ST_NO_MEMORY;
    }
    *out = &h->protocol;
    return ST_OK;
}
