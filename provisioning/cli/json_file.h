/* json_file.h - small JSON files that ceremonies carry from machine to machine: reading members of fixed and bounded
 * length, and the file itself. */
#ifndef STRONGROOM_PROVISIONING_JSON_FILE_H
#define STRONGROOM_PROVISIONING_JSON_FILE_H

#include "provisioning/cli/command.h"
#include "service/json/json.h"

/* An object whose "version" is 1. *out is for json_decref(). EXIT_REFUSED after saying why. */
int json_file_read(const struct invocation *in, const char *path, size_t max, json_t **out);
/* What json_file_read() gave is no `what`, or its members are not right. EXIT_REFUSED, after saying so. */
int json_file_refuse(const struct invocation *in, const char *path, const char *what, enum status st);
/* An object of "version" 1 is begun in `text`, which is empty; json_file_end() closes it, makes it a file of this mode
 * that was not there, and clears `text`. EXIT_DONE, or EXIT_REFUSED after saying why. */
void json_file_begin(struct json_writer *w, struct bytes *text);
int json_file_end(const struct invocation *in, const char *path, unsigned mode, struct json_writer *w,
                  struct bytes *text);

/* Members that must be there. Errors: ST_BAD_REQUEST absent, of another type, form or length; ST_NO_MEMORY. */
MUST_CHECK enum status json_file_hex(const json_t *object, const char *name, uint8_t *out, size_t len);
MUST_CHECK enum status json_file_base64url(const json_t *object, const char *name, size_t max, struct bytes *out);
MUST_CHECK enum status json_file_number(const json_t *object, const char *name, int64_t max, uint64_t *out);
/* `out` has room for max bytes and a NUL. */
MUST_CHECK enum status json_file_text(const json_t *object, const char *name, size_t max, char *out);
void json_file_put_hex(struct json_writer *w, const char *name, struct span value);

#endif
