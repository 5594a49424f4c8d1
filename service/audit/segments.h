/* segments.h - the files of a trail's directory: their names, `head`, and reading a segment line by line. Private to
 * this folder.
 *
 *   audit-<number of its first line, 20 digits>.jsonl   a segment
 *   head                                                number and hash of the newest line: 20 digits, space, 64 hex
 *   lock                                                held while someone writes */
#ifndef STRONGROOM_AUDIT_SEGMENTS_H
#define STRONGROOM_AUDIT_SEGMENTS_H

#include "service/audit/audit.h"
#include "service/audit/chain.h"

#define SEGMENT_NAME_LEN 32 /* "audit-" 20 digits ".jsonl" */
#define HEAD_LEN         86

void segment_name(char out[SEGMENT_NAME_LEN + 1], uint64_t first);

/* The first line numbers of all segments, rising. */
struct segment_list {
    uint64_t *first;
    size_t count, room;
};
/* Errors: ST_CORRUPT a file calls itself a segment that cannot be one; ST_IO; ST_NO_MEMORY; ST_TOO_LARGE. */
MUST_CHECK enum status segment_list_read(int directory_fd, struct segment_list *out);
void segment_list_clear(struct segment_list *l);

void head_write(char out[HEAD_LEN], const struct chain_point *at);
/* Errors: ST_CORRUPT. */
MUST_CHECK enum status head_parse(struct span text, struct chain_point *out);
/* Errors: ST_NOT_FOUND; ST_CORRUPT; ST_IO. */
MUST_CHECK enum status head_read(int directory_fd, struct chain_point *out);

/* Lines of a file from its start. Memory is bounded by AUDIT_LINE_MAX. */
struct line_reader {
    int fd; /* borrowed */
    uint8_t *buffer;
    size_t start, end;
    uint64_t offset;   /* of the next line */
    size_t unfinished; /* at the end: bytes behind the last line end */
    bool ended;
};
MUST_CHECK enum status line_reader_init(struct line_reader *r, int fd); /* Errors: ST_NO_MEMORY */
void line_reader_clear(struct line_reader *r);
/* The next line without its end; valid until the next call. Errors: ST_NOT_FOUND there is no further whole line;
 * ST_TOO_LARGE it is longer than any line of ours; ST_IO. */
MUST_CHECK enum status line_reader_next(struct line_reader *r, struct span *line);

#endif
