#include "service/http/h2.h"
#include "service/http/response.h"

struct http_request *h2_request_of(struct h2 *h, int32_t stream)
{
    return nghttp2_session_get_stream_user_data(h->session, stream);
}

void h2_link(struct h2 *h, struct http_request *rq)
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
        h->idle_since_us = h2_now(h);
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

void h2_discharge(struct h2 *h, struct http_request *rq)
{
    h->bodies -= rq->charged;
    rq->charged = 0;
}

void h2_forget(struct h2 *h, struct http_request *rq)
{
    (void)nghttp2_session_set_stream_user_data(h->session, rq->stream,
                                               NULL); /* fails when the stream is gone already */
    unlink_request(h, rq);
    if (rq->stage == REQUEST_RUNNING)
        return;
    if (rq->stage == REQUEST_ANSWERED)
        h->answers -= rq->answer.len - rq->answer_sent;
    else if (rq->stage == REQUEST_HELD)
        unhold(h, rq);
    h2_discharge(h, rq);
    request_free(rq);
}

/* Requests that have arrived. */

static void dispatch(struct h2 *h, struct http_request *rq)
{
    rq->stage = REQUEST_RUNNING;
    h->running++;
    h->protocol.env.dispatch(h->protocol.env.arg, rq);
}

bool h2_too_many_answers(const struct h2 *h)
{
    return h->answers >= h->protocol.env.limits->answers_per_connection;
}

void h2_complete(struct h2 *h, struct http_request *rq)
{
    request_complete(rq, h2_now(h));
    if (h->held_first == NULL && !h2_too_many_answers(h)) {
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

void h2_release_held(struct h2 *h)
{
    struct http_request *rq;

    while ((rq = h->held_first) != NULL && !h2_too_many_answers(h)) {
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

void h2_head_received(struct h2 *h, struct http_request *rq, bool whole)
{
    static const nghttp2_nv go_on = {
        .name = (uint8_t *)(uintptr_t) ":status", .value = (uint8_t *)(uintptr_t) "100", .namelen = 7, .valuelen = 3
    };
    unsigned status;

    if (rq->refuse == 0 && !head_sound(rq)) {
        h2_reset(h, rq->stream, NGHTTP2_PROTOCOL_ERROR);
        h2_forget(h, rq);
    } else if ((status = head_refusal(h, rq)) != 0) {
        h2_refuse(h, rq, status);
    } else if (whole) {
        h2_complete(h, rq);
    } else if (http_header(rq, "expect").p != NULL &&
               nghttp2_submit_headers(h->session, NGHTTP2_FLAG_NONE, rq->stream, NULL, &go_on, 1, NULL) != 0) {
        h2_end(h, NGHTTP2_INTERNAL_ERROR);
    }
}
