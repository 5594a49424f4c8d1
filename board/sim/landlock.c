#include "board/sim/landlock.h"

#include <linux/landlock.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

/* landlock(7): what each version of the interface can refuse. */
#define FS_1 ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)
#define FS_2 (FS_1 | LANDLOCK_ACCESS_FS_REFER)
#define FS_3 (FS_2 | LANDLOCK_ACCESS_FS_TRUNCATE)
#define FS_5 (FS_3 | LANDLOCK_ACCESS_FS_IOCTL_DEV)

bool landlock_enter(void)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    struct landlock_ruleset_attr refuse = { .handled_access_fs = FS_1 };
    bool ok;
    int fd;

    if (version < 1)
        return false;
    if (version >= 2)
        refuse.handled_access_fs = FS_2;
    if (version >= 3)
        refuse.handled_access_fs = FS_3;
    if (version >= 4)
        refuse.handled_access_net = LANDLOCK_ACCESS_NET_BIND_TCP | LANDLOCK_ACCESS_NET_CONNECT_TCP;
    if (version >= 5)
        refuse.handled_access_fs = FS_5;
    if (version >= 6)
        refuse.scoped = LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | LANDLOCK_SCOPE_SIGNAL;
    if ((fd = (int)syscall(SYS_landlock_create_ruleset, &refuse, sizeof refuse, 0)) < 0)
        return false;
    ok = syscall(SYS_landlock_restrict_self, fd, 0) == 0;
    close(fd);
    return ok;
}
