/* result_file.h - the files that a command leaves. Their places are taken, with room on the disk, before anything is
 * asked, typed or sent: whoever types a passphrase, or spends approvals, gets what he did it for.
 * A process runs one command at a time, so what is reserved is kept here, by its path. */
#ifndef STRONGROOM_PROVISIONING_RESULT_FILE_H
#define STRONGROOM_PROVISIONING_RESULT_FILE_H

#include "provisioning/cli/command.h"

/* Take the place of a file that is not there yet; `path` lives as long as the command. `room`: as many bytes of the
 * disk, given back as far as they are not used. EXIT_DONE, or EXIT_REFUSED or EXIT_USAGE after saying why. */
int result_file_reserve(const struct invocation *in, const char *path, unsigned mode, size_t room);
/* Give the file its content, and its name; one that was not reserved is made now. EXIT_REFUSED after saying why: then
 * there is no file. */
int result_file_write(const struct invocation *in, const char *path, unsigned mode, struct span content);
/* Give up what was reserved and not written. The grammar does so behind every verb. */
void result_files_abandon(void);

#endif
