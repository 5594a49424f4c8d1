/* frames.h - HTTP/2 frames made by hand, also wrong ones, and what the server's frames say. */
#ifndef STRONGROOM_TESTS_HTTP_FRAMES_H
#define STRONGROOM_TESTS_HTTP_FRAMES_H

#include "firmware/base/bytes.h"

enum frame_type {
    FRAME_DATA,
    FRAME_HEADERS,
    FRAME_PRIORITY,
    FRAME_RST_STREAM,
    FRAME_SETTINGS,
    FRAME_PUSH_PROMISE,
    FRAME_PING,
    FRAME_GOAWAY,
    FRAME_WINDOW_UPDATE,
    FRAME_CONTINUATION
};
enum { FLAG_ACK = 1, FLAG_END_STREAM = 1, FLAG_END_HEADERS = 4, FLAG_PADDED = 8, FLAG_PRIORITY = 0x20 };
enum {
    H2_NO_ERROR,
    H2_PROTOCOL_ERROR,
    H2_INTERNAL_ERROR,
    H2_FLOW_CONTROL_ERROR,
    H2_SETTINGS_TIMEOUT,
    H2_STREAM_CLOSED,
    H2_FRAME_SIZE_ERROR,
    H2_REFUSED_STREAM,
    H2_CANCEL,
    H2_COMPRESSION_ERROR,
    H2_CONNECT_ERROR,
    H2_ENHANCE_YOUR_CALM
};

void frame_put(struct bytes *to, enum frame_type type, unsigned flags, uint32_t stream, struct span payload);
void frame_put_u32(struct bytes *to, enum frame_type type, uint32_t stream,
                   uint32_t value); /* RST_STREAM, WINDOW_UPDATE */
/* A setting of one entry. */
void frame_put_setting(struct bytes *to, uint16_t id, uint32_t value);
/* The client's preface and an empty SETTINGS. */
void frame_put_preface(struct bytes *to);
/* A literal field without indexing and Huffman coding (RFC 7541, 6.2.2), names and values as they are. */
void field_put(struct bytes *block, struct span name, struct span value);
void field_put_text(struct bytes *block, const char *name, const char *value);
/* ":method", ":scheme" https, ":authority" kv.localhost, ":path" /keys. */
void fields_put_request(struct bytes *block, const char *method);
/* A whole request: HEADERS, and DATA when there is a body. */
void request_put(struct bytes *to, uint32_t stream, const char *method, const char *body);

/* What the server has said so far. */
struct said {
    bool goaway;
    uint32_t goaway_code, goaway_last;
    unsigned goaways, settings, setting_acks, ping_acks, resets, headers, ended, window_updates;
    size_t data; /* bytes of DATA */
    bool sound;  /* whole frames only */
};
struct said frames_said(struct span out);
/* The code of the RST_STREAM of a stream, -1 when there is none. */
int frames_reset_code(struct span out, uint32_t stream);
/* The status of a stream's (last) answer, 0 when there is none. Reads all header blocks in order. */
unsigned frames_status(struct span out, uint32_t stream);
/* The DATA of a stream. */
void frames_body(struct span out, uint32_t stream, struct bytes *body);

#endif
