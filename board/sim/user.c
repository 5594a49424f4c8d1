#include "board/sim/user.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum status user_find(const char *name, struct user *out)
{
    FILE *f = fopen("/etc/passwd", "re");
    enum status st = ST_NOT_FOUND;
    const struct passwd *entry;

    while (f != NULL && st != ST_OK && (entry = fgetpwent(f)) != NULL)
        if (strcmp(entry->pw_name, name) == 0) {
            *out = (struct user){ .uid = entry->pw_uid, .gid = entry->pw_gid };
            st = ST_OK;
        }
    if (f != NULL)
        fclose(f);
    return st;
}

enum status user_act_as(const struct user *u)
{
    return setegid(u->gid) == 0 && seteuid(u->uid) == 0 ? ST_OK : ST_NOT_PERMITTED;
}

enum status user_act_as_root(void)
{
    return seteuid(0) == 0 && setegid(0) == 0 ? ST_OK : ST_NOT_PERMITTED;
}

enum status user_become(const struct user *u)
{
    if (setgroups(0, NULL) != 0 || setresgid(u->gid, u->gid, u->gid) != 0 || setresuid(u->uid, u->uid, u->uid) != 0)
        return ST_NOT_PERMITTED;
    /* the way back must be closed */
    return u->uid != 0 && setuid(0) == 0 ? ST_NOT_PERMITTED : ST_OK;
}
