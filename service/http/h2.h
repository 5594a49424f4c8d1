/* h2.h - an HTTP/2 connection inside, shared by the files that make it: h2.c (the protocol's operations), h2_session.c
 * (nghttp2 and its callbacks), h2_request.c (requests from their first byte to the handler), h2_answer.c (answers). */
#ifndef STRONGROOM_HTTP_H2_H
#define STRONGROOM_HTTP_H2_H

#include <nghttp2/nghttp2.h>

#include "service/http/frames.h"
#include "service/http/protocol.h"

#define H2_SLACK 512 /* room in a record that is not worth another DATA frame */

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
    uint64_t idle_since_us, progress_us;         /* when some DATA was last taken */
    uint64_t notice_us;                          /* when the first GOAWAY of a graceful end was sent, or 0 */
    int32_t last_stream;
    bool stalled; /* an answer was given up because the peer did not take it */
    bool ended;   /* nothing more is read; what is queued goes out */
    bool draining;
    bool calm;         /* our own resets are too many */
    struct bytes *out; /* while producing */
    size_t room;
};

static inline uint64_t h2_now(const struct h2 *h)
{
    return *h->protocol.env.now_us;
}

/* GOAWAY, then nothing: what nghttp2 has queued is sent, what still comes is not read. */
void h2_end(struct h2 *h, uint32_t code);
void h2_reset(struct h2 *h, int32_t stream, uint32_t code);

/* The request of an open stream, NULL when there is none (any more). */
struct http_request *h2_request_of(struct h2 *h, int32_t stream);
void h2_link(struct h2 *h, struct http_request *rq);
/* Its stream is gone or is to be. A request that runs stays the handler's until it is answered. */
void h2_forget(struct h2 *h, struct http_request *rq);
/* Its body is no longer held. */
void h2_discharge(struct h2 *h, struct http_request *rq);
/* The request's head has arrived, and with it perhaps all of it. */
void h2_head_received(struct h2 *h, struct http_request *rq, bool whole);
/* It has arrived: to the handler, or to be held while too many answers wait. */
void h2_complete(struct h2 *h, struct http_request *rq);
bool h2_too_many_answers(const struct h2 *h);
void h2_release_held(struct h2 *h);

/* Queue the answer that the request has become. */
void h2_answer(struct h2 *h, struct http_request *rq);
void h2_refuse(struct h2 *h, struct http_request *rq, unsigned status);
int h2_on_send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *header, size_t length,
                    nghttp2_data_source *source, void *user_data);
ssize_t h2_on_data_length(nghttp2_session *session, uint8_t type, int32_t stream, int32_t session_window,
                          int32_t stream_window, uint32_t max_frame, void *user_data);

/* Errors: ST_NO_MEMORY. */
MUST_CHECK enum status h2_session_open(struct h2 *h);

#endif
