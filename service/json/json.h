/* json.h - reading JSON bodies strictly (RFC 8259; THREATS.md 5.4) with jansson, and writing answers without a tree.
 * Reading refuses: invalid UTF-8, lone surrogates, a byte order mark, trailing bytes, NUL in a string, repeated names
 * at any level, depth above 16, more than 1,000 members and elements in all, more bytes than the caller allows. Time
 * and memory are linear in what arrived. What was read is wiped when the tree is freed (this sets jansson's allocator
 * for the process before main() begins). */
#ifndef STRONGROOM_JSON_JSON_H
#define STRONGROOM_JSON_JSON_H

#include <jansson.h>

#include "firmware/base/bytes.h"

#define JSON_DEPTH_MAX  16
#define JSON_ITEMS_MAX  1000
#define JSON_BODY_MAX   (64u * 1024)
#define JSON_IMPORT_MAX (1024u * 1024)

/* Parse an object. Caller json_decref()s *out. Errors: ST_BAD_REQUEST; ST_TOO_LARGE (bytes, depth, items). */
MUST_CHECK enum status json_read_object(struct span text, size_t max_bytes, json_t **out);

/* As json_read_object, for a value of any kind. */
MUST_CHECK enum status json_read_value(struct span text, size_t max_bytes, json_t **out);

/* Typed members of an object, `null` meaning absent. Each: ST_OK and the value; ST_NOT_FOUND absent (the value is
 * untouched); ST_BAD_REQUEST another type, or outside the range. Texts are borrowed from the tree. */
MUST_CHECK enum status json_get_text(const json_t *object, const char *name, struct span *out);
MUST_CHECK enum status json_get_int(const json_t *object, const char *name, int64_t min, int64_t max, int64_t *out);
MUST_CHECK enum status json_get_bool(const json_t *object, const char *name, bool *out);
MUST_CHECK enum status json_get_object(const json_t *object, const char *name, json_t **out); /* borrowed */
MUST_CHECK enum status json_get_array(const json_t *object, const char *name, json_t **out);  /* borrowed */

/* Writing: appends to `out`, quotes and escapes (RFC 8259, 7). Members carry their own comma by `w->comma`. */
struct json_writer {
    struct bytes *out;
    bool comma;
};
void json_begin(struct json_writer *w, struct bytes *out);
void json_open_object(struct json_writer *w, const char *name); /* name NULL: as an array element or the root */
void json_open_array(struct json_writer *w, const char *name);
void json_close_object(struct json_writer *w);
void json_close_array(struct json_writer *w);
void json_put_text(struct json_writer *w, const char *name, struct span value); /* invalid UTF-8 becomes U+FFFD */
void json_put_int(struct json_writer *w, const char *name, int64_t value);
void json_put_bool(struct json_writer *w, const char *name, bool value);
void json_put_null(struct json_writer *w, const char *name);
void json_put_base64url(struct json_writer *w, const char *name, struct span value);
void json_put_raw(struct json_writer *w, const char *name, struct span json); /* already JSON */

#endif
