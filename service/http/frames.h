/* frames.h - a second look at the frames of an HTTP/2 connection, ahead of nghttp2: it only tells them apart and
 * counts. Here floods are seen whatever state their streams are in, and a frame that stops half-way is known to be
 * half. */
#ifndef STRONGROOM_HTTP_FRAMES_H
#define STRONGROOM_HTTP_FRAMES_H

#include "firmware/base/bytes.h"
#include "service/http/flood.h"

#define FRAMES_PREFACE_LEN 24  /* RFC 9113, 3.4 */
#define FRAMES_HEADER_LEN  9   /* RFC 9113, 4.1 */
#define FRAMES_REMEMBERED  256 /* streams; what lies further back may have been opened */

struct frames {
    size_t preface_left;
    uint8_t header[FRAMES_HEADER_LEN];
    size_t header_len;
    uint32_t length, left; /* of the payload */
    uint8_t first[4];      /* its first bytes */
    size_t first_len;
    bool in_block; /* a header block has begun and not ended */
    uint64_t block_since_us;
    unsigned continuations;         /* frames of it beyond the first */
    uint32_t highest;               /* stream that HEADERS have named */
    bool opened[FRAMES_REMEMBERED]; /* which of the streams just below it they have named, too; by their order */
    uint32_t error;                 /* not 0: the connection is to end with this code */
};

void frames_init(struct frames *f);
/* Read to the end of the next frame, or of the bytes. Returns how many were read; *kind is the flood the completed
 * frame counts for, or FLOOD_KINDS. Sets f->error where nghttp2 1.52 is too patient: it ignores HEADERS on a stream
 * that was passed over (RFC 9113, 5.1.1 wants PROTOCOL_ERROR), and its limit of CONTINUATION frames counts reads, not
 * frames. */
size_t frames_read(struct frames *f, struct span in, const struct http_limits *limits, uint64_t now_us,
                   enum flood_kind *kind);
/* Is a frame or a header block half received? */
static inline bool frames_partial(const struct frames *f)
{
    return f->header_len > 0 || f->in_block || (f->preface_left > 0 && f->preface_left < FRAMES_PREFACE_LEN);
}

#endif
