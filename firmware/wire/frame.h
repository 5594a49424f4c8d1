/* frame.h - the outer frame of the link, whatever the transport:
 *
 *   version    1 byte: LINK_VERSION
 *   kind       1 byte: enum frame_kind
 *   reserved   2 bytes: 0
 *   session    4 bytes, big-endian: 0 in HELLO
 *   body       HELLO: the client's nonce. HELLO_ACK: that nonce and the boot id. DATA: TLS, up to LINK_FRAME_MAX.
 *              CLOSE: none
 *
 * LINK_FRAMING_LENGTH puts 4 bytes in front, big-endian: the length of all this. LINK_FRAMING_COBS puts a CRC-32C (RFC
 * 3720, B.4) behind, big-endian, encodes all by consistent overhead byte stuffing (Cheshire and Baker, 1997) so that no
 * byte is 0, and ends with a 0: a reader that lost its place finds it again there. What is damaged is dropped. */
#ifndef STRONGROOM_WIRE_FRAME_H
#define STRONGROOM_WIRE_FRAME_H

#include "firmware/wire/buffer.h"
#include "firmware/wire/link.h"

#define FRAME_HEADER_LEN 8
#define FRAME_EXTRA_MAX  4 /* the length, or the CRC */

enum frame_kind {
    FRAME_HELLO = 1,
    FRAME_HELLO_ACK = 2,
    FRAME_DATA = 3,
    FRAME_CLOSE = 4,
};

struct frame {
    enum frame_kind kind;
    uint32_t session;
    struct span body;
};

/* Reads frames out of a stream. Holds what has arrived of one frame, never more. */
struct frame_reader {
    enum link_framing framing;
    struct wire_buffer held;
    bool lent; /* `held` is the frame that the last call returned */
    /* COBS: */
    uint8_t code, left; /* the block we are in: its code, and how many of its bytes are still to come */
    bool begun, lost;   /* a frame has begun; it is damaged: what is left of it is skipped */
};

void frame_reader_init(struct frame_reader *r, enum link_framing framing);
void frame_reader_clear(struct frame_reader *r);
/* The next whole frame; `in` is moved past what was used. *got false: all of it was used and no frame is complete.
 * out->body is borrowed from `in` or the reader until the next call. Errors, after which the stream is lost:
 * ST_BAD_REQUEST; ST_TOO_LARGE; ST_NO_MEMORY. */
MUST_CHECK enum status frame_read(struct frame_reader *r, struct span *in, struct frame *out, bool *got);
bool frame_reader_is_mid_frame(const struct frame_reader *r);

/* Writes frames at the end of a buffer, a body in any number of pieces. */
struct frame_writer {
    enum link_framing framing;
    struct wire_buffer *out;
    enum status st; /* of the frame being written */
    bool open;
    size_t start;    /* of the frame, counted from the first byte that `out` holds */
    size_t body_len; /* so far */
    size_t code_at;  /* COBS: of the block being written, counted likewise */
    uint32_t crc;
};

void frame_begin(struct frame_writer *w, enum frame_kind kind, uint32_t session);
void frame_put(struct frame_writer *w, struct span piece);
/* Errors: ST_TOO_LARGE, ST_NO_MEMORY the buffer could not hold it: what is there of the frame is of no use. */
MUST_CHECK enum status frame_end(struct frame_writer *w);

#endif
