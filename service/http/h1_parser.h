/* h1_parser.h - llhttp, the HTTP/1.1 parser, behind a door of its own (its names for methods are also ours).
 * Bytes in, fields and body out. The caller hands over a head in one piece. */
#ifndef STRONGROOM_HTTP_H1_PARSER_H
#define STRONGROOM_HTTP_H1_PARSER_H

#include "firmware/base/bytes.h"

struct h1_parser;
/* Either may refuse by another status than ST_OK; the parser then reads no further. */
struct h1_parser_events {
    enum status (*field)(void *arg, struct span name, struct span value);
    enum status (*body)(void *arg, struct span part);
};
enum h1_parsed { H1_PARSED_MORE, H1_PARSED_WHOLE, H1_PARSED_BAD, H1_PARSED_METHOD_UNKNOWN };

/* Errors: ST_NO_MEMORY. */
MUST_CHECK enum status h1_parser_new(const struct h1_parser_events *events, void *arg, struct h1_parser **out);
void h1_parser_free(struct h1_parser *p);
/* Begin a new request. */
void h1_parser_reset(struct h1_parser *p);
/* Read to the end of the bytes or of the request; *used says how far. */
enum h1_parsed h1_parser_read(struct h1_parser *p, struct span in, size_t *used);
/* May another request follow the one just read? */
bool h1_parser_keeps_alive(const struct h1_parser *p);

#endif
