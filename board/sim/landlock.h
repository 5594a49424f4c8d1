/* landlock.h - no file may be opened and no port bound any more, whatever the rest of the sandbox lets through. */
#ifndef STRONGROOM_BOARD_LANDLOCK_H
#define STRONGROOM_BOARD_LANDLOCK_H

#include <stdbool.h>

/* For this thread and those it starts: refuses every access to files by name and, where the kernel knows how, TCP,
 * signals to others and abstract sockets. Descriptors that are open stay of use. Needs no_new_privs. False: the kernel
 * has no Landlock. */
bool landlock_enter(void);

#endif
