/* h2.c - HTTP/2 by nghttp2 (RFC 9113). nghttp2 keeps the protocol's rules; what it lets pass and we do not is refused
 * here: floods, header lists and bodies beyond the limits, peers that stall, work that is cancelled as soon as begun.
 */
#include "firmware/base/secret.h"
#include "service/http/h2.h"
#include "service/http/response.h"

static struct h2 *h2_of(struct protocol *p)
{
    return (struct h2 *)p;
}

void h2_end(struct h2 *h, uint32_t code)
{
    if (h->ended)
        return;
    h->ended = true;
    (void)nghttp2_session_terminate_session2(h->session, h->last_stream, code); /* out of memory: ended all the same */
}

void h2_reset(struct h2 *h, int32_t stream, uint32_t code)
{
    if (nghttp2_submit_rst_stream(h->session, NGHTTP2_FLAG_NONE, stream, code) != 0)
        h2_end(h, NGHTTP2_INTERNAL_ERROR);
}

static void respond(struct protocol *p, struct http_request *rq)
{
    struct h2 *h = h2_of(p);

    h->running--;
    h2_discharge(h, rq);
    if (h2_request_of(h, rq->stream) == rq)
        h2_answer(h, rq);
    else
        request_free(rq); /* nobody waits for it any more */
}

/* Up to the end of a frame, to nghttp2 and to our own count. Returns how much was read. */
static size_t receive_frame(struct h2 *h, struct span in)
{
    enum flood_kind kind;
    size_t len = frames_read(&h->frames, in, h->protocol.env.limits, h2_now(h), &kind);
    ssize_t n = nghttp2_session_mem_recv(h->session, in.p, len);

    if (h->frames.error != 0)
        h2_end(h, h->frames.error);
    else if (n == NGHTTP2_ERR_FLOODED || (kind != FLOOD_KINDS && !flood_allows(&h->flood, kind, h2_now(h))))
        h2_end(h, NGHTTP2_ENHANCE_YOUR_CALM);
    else if (n == NGHTTP2_ERR_BAD_CLIENT_MAGIC)
        h2_end(h, NGHTTP2_PROTOCOL_ERROR);
    else if (n < 0)
        h2_end(h, NGHTTP2_INTERNAL_ERROR);
    return len;
}

static void receive(struct protocol *p, struct span in)
{
    struct h2 *h = h2_of(p);

    h->pace.bytes += in.len;
    for (size_t at = 0; at < in.len && !h->ended && nghttp2_session_want_read(h->session) != 0;)
        at += receive_frame(h, span_of(in.p + at, in.len - at));
}

static void produce(struct protocol *p, struct bytes *out, size_t room)
{
    struct h2 *h = h2_of(p);
    const uint8_t *frame;
    ssize_t n = 1;

    h->out = out;
    h->room = room;
    while (n > 0 && out->len + H2_SLACK <= room) {
        h2_release_held(h);
        if ((n = nghttp2_session_mem_send(h->session, &frame)) > 0)
            bytes_append(out, frame, (size_t)n);
        if (h->calm && !h->ended) {
            h2_end(h, NGHTTP2_ENHANCE_YOUR_CALM);
            n = 1;
        }
        if (n == 0 && h->held_first != NULL && !h2_too_many_answers(h))
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

/* Requests that arrive too slowly, answers that are not taken: first the stream goes, then the connection. */
static void tick_requests(struct h2 *h)
{
    const struct http_limits *limits = h->protocol.env.limits;
    uint64_t stall_us = limits->stall_ms * 1000;
    struct http_request *rq, *next;

    if (h->stalled && h2_now(h) - h->progress_us >= stall_us)
        h2_end(h, NGHTTP2_ENHANCE_YOUR_CALM);
    for (rq = h->requests; rq != NULL && !h->ended; rq = next) {
        next = rq->next;
        if (rq->stage == REQUEST_ARRIVING && !pace_holds(&rq->pace, true, limits, h2_now(h))) {
            h2_refuse(h, rq, 408);
        } else if (rq->stage == REQUEST_ANSWERED && h2_now(h) - rq->progress_us >= stall_us) {
            h2_reset(h, rq->stream, NGHTTP2_CANCEL); /* and when that is sent, on_stream_close() frees it */
            rq->progress_us = h2_now(h);
            h->stalled = true;
        }
    }
}

static void tick(struct protocol *p)
{
    struct h2 *h = h2_of(p);
    const struct http_limits *limits = p->env.limits;

    if (h->ended)
        return;
    tick_requests(h);
    if (h->frames.in_block && h2_now(h) - h->frames.block_since_us >= limits->block_ms * 1000)
        h2_end(h, NGHTTP2_ENHANCE_YOUR_CALM);
    else if (!pace_holds(&h->pace, frames_partial(&h->frames), limits, h2_now(h)))
        h2_end(h, NGHTTP2_ENHANCE_YOUR_CALM);
    else if (h->open == 0 && h2_now(h) - h->idle_since_us >= limits->idle_ms * 1000)
        h2_end(h, NGHTTP2_NO_ERROR);
    else if (h->notice_us != 0 && h2_now(h) - h->notice_us >= limits->notice_ms * 1000) {
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
    h->notice_us = h2_now(h);
    (void)nghttp2_submit_shutdown_notice(h->session);
}

static void end_of_input(struct protocol *p)
{
    h2_end(h2_of(p), NGHTTP2_NO_ERROR); /* a client that has closed its side reads nothing either */
}

static void h2_free(struct protocol *p)
{
    struct h2 *h = h2_of(p);

    while (h->requests != NULL)
        h2_forget(h, h->requests);
    nghttp2_session_del(h->session);
    free(h);
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
    h->idle_since_us = h->progress_us = h2_now(h);
    frames_init(&h->frames);
    flood_init(&h->flood, limits, h2_now(h));
    if ((st = h2_session_open(h)) != ST_OK) {
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
