/* private_file.h - files that commands make: secrets (for their owner's eyes alone) and results. */
#ifndef STRONGROOM_PROVISIONING_PRIVATE_FILE_H
#define STRONGROOM_PROVISIONING_PRIVATE_FILE_H

#include <sys/types.h>

#include "firmware/base/secret.h"

/* A new file of exactly this mode, whole and on the disk when this returns; nothing that was there is replaced, and no
 * link is followed. Errors: ST_EXISTS; ST_NOT_FOUND no such directory; ST_NOT_PERMITTED; ST_IO. */
MUST_CHECK enum status file_create(const char *path, mode_t mode, struct span content);

/* As file_create, in two steps: first the empty file, so that a secret is not made that has nowhere to go. */
MUST_CHECK enum status file_reserve(const char *path, mode_t mode, int *fd);
/* Write, flush, close. On error the file is removed. */
MUST_CHECK enum status file_fill(int fd, const char *path, struct span content);
/* Give up: close and remove. */
void file_abandon(int fd, const char *path);

/* As file_create, but never there in part, whatever happens: written under another name first (`path` and ".new"),
 * which must be free too. */
MUST_CHECK enum status file_create_whole(const char *path, mode_t mode, struct span content);

/* The whole of a file that is no secret. Errors: ST_NOT_FOUND; ST_NOT_PERMITTED; ST_TOO_LARGE beyond `max`; ST_IO. */
MUST_CHECK enum status file_read(const char *path, size_t max, struct bytes *out);

#endif
