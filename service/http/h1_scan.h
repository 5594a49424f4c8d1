/* h1_scan.h - a strict look at HTTP/1.1 bytes ahead of llhttp: where a head ends, whether every line of it is what
 * RFC 9112 says and nothing that some reader may understand otherwise, and the same for the frame of a chunked body.
 * Whatever the cuts in which bytes arrive, the outcome is the same. Pure. */
#ifndef STRONGROOM_HTTP_H1_SCAN_H
#define STRONGROOM_HTTP_H1_SCAN_H

#include "firmware/base/bytes.h"
#include "service/http/limits.h"

enum scan_result { SCAN_MORE, SCAN_DONE, SCAN_BAD, SCAN_TOO_LARGE, SCAN_LINE_TOO_LONG };

struct head_scan {
    size_t len;   /* bytes of the head so far */
    size_t line;  /* of its current line, 0 on a new one */
    bool first;   /* still in the request line */
    bool cr;      /* the last byte was CR */
    bool skipped; /* one empty line ahead of the request (RFC 9112, 2.2) has been passed over */
};
void head_scan_init(struct head_scan *s);
/* Read on; *used says how far. SCAN_DONE: the head's last byte is the last one used. */
enum scan_result head_scan_read(struct head_scan *s, const struct http_limits *limits, struct span in, size_t *used);

struct request_line {
    struct span method, target;
    int version; /* 10 or 11; 0: another one */
};
/* Check a complete head line by line. Errors: ST_BAD_REQUEST. */
MUST_CHECK enum status head_check(struct span head, struct request_line *line);

enum chunk_state { CHUNK_SIZE, CHUNK_SIZE_LF, CHUNK_DATA, CHUNK_DATA_CR, CHUNK_DATA_LF, CHUNK_LAST_CR, CHUNK_LAST_LF };
struct chunk_scan {
    enum chunk_state state;
    unsigned digits;
    uint64_t size;
};
/* No extensions and no trailer fields: no client of this API sends them, and both are old doors for smuggling. */
enum scan_result chunk_scan_read(struct chunk_scan *s, struct span in, size_t *used);

#endif
