/* response.h - answers: taking a handler's, making our own refusals, writing the head of one for HTTP/1.1. */
#ifndef STRONGROOM_HTTP_RESPONSE_H
#define STRONGROOM_HTTP_RESPONSE_H

#include "service/http/request.h"

#define DATE_LEN 29 /* IMF-fixdate (RFC 9110, 5.6.7): "Sun, 06 Nov 1994 08:49:37 GMT" */

/* Turn the request into its answer: copies the fields, moves the body, ends the handler's state, wipes what the peer
 * sent. A field that cannot stand in an answer makes it a 500. */
void response_take(struct http_request *rq, struct http_response *response);
/* The same with an error of our own, {"error":{"code","message"}}; 503 carries Retry-After. */
void response_refuse(struct http_request *rq, unsigned status);
/* Does an answer to this request have its body on the wire? Not to HEAD, not for 204 and 304. */
bool response_has_body(const struct http_request *rq);
/* The status line and the fields, to the empty line. */
void response_write_head(const struct http_request *rq, struct bytes *out, const char *date);
void response_format_date(char out[DATE_LEN + 1], int64_t unix_s);

#endif
