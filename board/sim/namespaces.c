#include "board/sim/namespaces.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NOBODY 65534u

static bool write_text(const char *path, const char *text, int len)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool ok = fd >= 0 && write(fd, text, (size_t)len) == len;

    if (fd >= 0)
        close(fd);
    return ok;
}

static bool map_to_nobody(const char *path, unsigned id)
{
    char line[64];

    return write_text(path, line, snprintf(line, sizeof line, "%u %u 1\n", NOBODY, id));
}

bool namespaces_enter_user(void)
{
    unsigned uid = geteuid(), gid = getegid();
    /* the files below belong to root while this process is not dumpable */
    int dumpable = prctl(PR_GET_DUMPABLE);
    bool ok;

    if (unshare(CLONE_NEWUSER) != 0)
        return false;
    prctl(PR_SET_DUMPABLE, 1);
    ok = write_text("/proc/self/setgroups", "deny", 4) && map_to_nobody("/proc/self/uid_map", uid) &&
         map_to_nobody("/proc/self/gid_map", gid);
    prctl(PR_SET_DUMPABLE, dumpable);
    return ok;
}

bool namespaces_enter(void)
{
    return unshare(CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS) == 0;
}

bool namespaces_empty_root(const char *mount_point)
{
    /* pivot_root(2), "pivot_root(".", ".")": the old root comes to lie over the new one, and is taken off */
    return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("none", mount_point, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=4k,nr_inodes=1,mode=0555") ==
               0 &&
           chdir(mount_point) == 0 && syscall(SYS_pivot_root, ".", ".") == 0 && umount2(".", MNT_DETACH) == 0 &&
           chdir("/") == 0 &&
           mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0;
}
