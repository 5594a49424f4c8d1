/* private_file.h - files that commands make: secrets (for their owner's eyes alone) and results. */
#ifndef STRONGROOM_PROVISIONING_PRIVATE_FILE_H
#define STRONGROOM_PROVISIONING_PRIVATE_FILE_H

#include <sys/types.h>

#include "firmware/base/secret.h"

/* A new file of exactly this mode, on the disk when this returns; nothing that was there is replaced, and no link is
 * followed. The file is whole or not there, also when the process is killed meanwhile. (What a kill leaves on a file
 * system without O_TMPFILE, a FAT medium for one, has another name: that of the file, a dot and six letters.)
 * Errors: ST_EXISTS; ST_NOT_FOUND no such directory; ST_NOT_PERMITTED; ST_IO; ST_NO_MEMORY. */
MUST_CHECK enum status file_create(const char *path, mode_t mode, struct span content);

/* As file_create, in two steps: first the place, so that a secret is not made that has nowhere to go. Its name is taken
 * when it is filled; ST_EXISTS again if somebody else has taken it meanwhile. */
struct file_draft {
    int fd;
    char *name; /* NULL: it has none */
};
MUST_CHECK enum status file_reserve(const char *path, mode_t mode, struct file_draft *out);
/* Have that many bytes on the disk, where its file system can promise them; what is not filled is given back.
 * Errors: ST_TOO_LARGE there are not as many. */
MUST_CHECK enum status file_make_room(const struct file_draft *d, size_t room);
/* Write, flush, close, give it its name. On error there is no file. */
MUST_CHECK enum status file_fill(struct file_draft *d, const char *path, struct span content);
/* Give up: close, and no file is left. */
void file_abandon(struct file_draft *d);

/* The whole of a file that is no secret. Errors: ST_NOT_FOUND; ST_NOT_PERMITTED; ST_UNSUPPORTED no ordinary file;
 * ST_TOO_LARGE beyond `max`; ST_IO. */
MUST_CHECK enum status file_read(const char *path, size_t max, struct bytes *out);

#endif
