/* sandbox.h - takes from the keystore's process everything but the descriptors it has, its memory and its threads
 * (THREATS.md C7). In two steps: before the first thread, and once the last one runs.
 *
 * What the system does not allow is left out and named: a board whose isolation is not "full" is for development. No
 * PID namespace: no call that takes a process id passes the filter. Builds with sanitizers, which need some of it
 * themselves, leave out what would break them, and say so. */
#ifndef STRONGROOM_BOARD_SANDBOX_H
#define STRONGROOM_BOARD_SANDBOX_H

#include "board/sim/user.h"

struct sandbox {
    char isolation[192]; /* "full", or "lacks ..." */
};

/* Before any other thread: locked memory, empty namespaces, the user, no capabilities, no privileges to be gained, no
 * files. `user` is NULL unless root starts the keystore for another user. `folder` is any that is there. Names in
 * s->isolation what could not be had, the filter to come included. Errors: ST_NOT_PERMITTED the user cannot be taken
 * on. */
MUST_CHECK enum status sandbox_enter(struct sandbox *s, const struct user *user, const char *folder);
/* After the last thread was started: the filter of system calls, on all of them. Errors: ST_UNAVAILABLE it was there to
 * be had and is not. */
MUST_CHECK enum status sandbox_close(void);

#endif
