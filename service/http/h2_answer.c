#include "firmware/base/secret.h"
#include "service/http/h2.h"
#include "service/http/response.h"

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

int h2_on_send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *header, size_t length,
                    nghttp2_data_source *source, void *user_data)
{
    struct http_request *rq = source->ptr;
    struct h2 *h = user_data;

    (void)session;
    (void)frame;
    if (h->out->len + H2_SLACK > h->room)
        return NGHTTP2_ERR_WOULDBLOCK;
    bytes_append(h->out, header, FRAMES_HEADER_LEN);
    bytes_append(h->out, rq->answer.p + rq->answer_sent, length);
    rq->answer_sent += length;
    rq->progress_us = h->progress_us = h2_now(h);
    h->answers -= length;
    return 0;
}

/* A frame that fills the record and no more. */
ssize_t h2_on_data_length(nghttp2_session *session, uint8_t type, int32_t stream, int32_t session_window,
                          int32_t stream_window, uint32_t max_frame, void *user_data)
{
    struct h2 *h = user_data;
    int64_t most = h->room > h->out->len + H2_SLACK ? (int64_t)(h->room - h->out->len) - FRAMES_HEADER_LEN : H2_SLACK;

    (void)session;
    (void)type;
    (void)stream;
    most = most < session_window ? most : session_window;
    most = most < stream_window ? most : stream_window;
    return (ssize_t)(most < (int64_t)max_frame ? most : (int64_t)max_frame);
}

void h2_answer(struct h2 *h, struct http_request *rq)
{
    nghttp2_nv nv[HTTP_RESPONSE_FIELDS_MAX + 3];
    nghttp2_data_provider body = { .source.ptr = rq, .read_callback = on_read_answer };
    size_t n = 0;

    rq->stage = REQUEST_ANSWERED;
    rq->progress_us = h2_now(h);
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
        if (rq->answer.p != NULL)
            secret_wipe(rq->answer.p, rq->answer.len);
        bytes_clear(&rq->answer);
    }
    h->answers += rq->answer.len;
    if (nghttp2_submit_response(h->session, rq->stream, nv, n, rq->answer.len > 0 ? &body : NULL) != 0) {
        h2_end(h, NGHTTP2_INTERNAL_ERROR);
        h2_forget(h, rq);
        return;
    }
    if (rq->close && !h->draining) {
        h->draining = true;
        (void)nghttp2_submit_goaway(h->session, NGHTTP2_FLAG_NONE, h->last_stream, NGHTTP2_NO_ERROR, NULL, 0);
    }
}

void h2_refuse(struct h2 *h, struct http_request *rq, unsigned status)
{
    h2_discharge(h, rq);
    response_refuse(rq, status);
    h2_answer(h, rq);
}
