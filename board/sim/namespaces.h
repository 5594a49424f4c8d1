/* namespaces.h - a view of the system with nothing in it: no network, no mounts, no files, no System V objects. */
#ifndef STRONGROOM_BOARD_NAMESPACES_H
#define STRONGROOM_BOARD_NAMESPACES_H

#include <stdbool.h>

/* New network, mount, IPC and UTS namespaces; first a user namespace when `own_user`, in which this process is nobody,
 * or when only that gives the right to the others. For a process of one thread. False: the system does not allow it. */
bool namespaces_enter(bool own_user);
/* An empty file system, read-only, for a root. Needs namespaces_enter(). `mount_point` is any folder there is. */
bool namespaces_empty_root(const char *mount_point);

#endif
