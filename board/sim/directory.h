/* directory.h - the folder in which the simulated board keeps its flash and the rest. Everything in it is opened once,
 * at the start: afterwards the sandbox has no file system. */
#ifndef STRONGROOM_BOARD_DIRECTORY_H
#define STRONGROOM_BOARD_DIRECTORY_H

#include <sys/types.h>

#include "firmware/base/bytes.h"

/* Open the folder, making it (0711: the socket in it is for others too) when it is not there. Errors: ST_NOT_PERMITTED
 * it is another user's or others may write in it; ST_IO. Each says why in the log. */
MUST_CHECK enum status directory_open(const char *path, int *fd);
/* Open a file in it for reading and writing, whatever its mode is, which must be a plain file of ours with one name.
 * Errors: ST_NOT_FOUND; ST_NOT_PERMITTED; ST_IO. */
MUST_CHECK enum status directory_open_file(int directory, const char *name, mode_t mode, int *fd);
/* Make the file with `content` repeated `times`, and open it. It appears whole or, after a power cut, not at all.
 * Errors: ST_IO. */
MUST_CHECK enum status directory_make_file(int directory, const char *name, mode_t mode, struct span content,
                                           size_t times, int *fd);

/* All of it, at a place in the file, with neither less nor a signal between. Errors: ST_IO. */
MUST_CHECK enum status file_read(int fd, size_t at, void *out, size_t len);
MUST_CHECK enum status file_write(int fd, size_t at, const void *p, size_t len);

#endif
