/* namespaces.h - a view of the system with nothing in it: no network, no mounts, no files, no System V objects. */
#ifndef STRONGROOM_BOARD_NAMESPACES_H
#define STRONGROOM_BOARD_NAMESPACES_H

#include <stdbool.h>

/* A user namespace, in which this process is nobody and, for now, has the right to the rest. For a process of one
 * thread. False, as all of them: the system does not allow it. */
bool namespaces_enter_user(void);
/* New network, mount, IPC and UTS namespaces. */
bool namespaces_enter(void);
/* An empty file system, read-only, for a root. Needs namespaces_enter(). `mount_point` is any folder there is. */
bool namespaces_empty_root(const char *mount_point);

#endif
