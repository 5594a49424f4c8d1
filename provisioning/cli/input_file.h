/* input_file.h - a file that a command is given to read, and what is wrong with it in words. */
#ifndef STRONGROOM_PROVISIONING_INPUT_FILE_H
#define STRONGROOM_PROVISIONING_INPUT_FILE_H

#include "provisioning/cli/command.h"

/* The whole of a file that is no secret and not empty, of at most `max` bytes. EXIT_DONE, or EXIT_REFUSED after saying
 * why. `out` is for bytes_clear(), in every case. */
int input_file_read(const struct invocation *in, const char *path, size_t max, struct bytes *out);

#endif
