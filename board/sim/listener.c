#include "board/sim/listener.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "firmware/base/log.h"

#define BACKLOG 128

static enum status make_room(const char *path)
{
    struct stat st;

    if (lstat(path, &st) != 0)
        return ST_OK; /* or bind() says what is wrong */
    if (!S_ISSOCK(st.st_mode)) {
        log_error("%s is there and is no socket", path);
        return ST_EXISTS;
    }
    return unlink(path) == 0 ? ST_OK : ST_IO;
}

enum status listener_open(const char *path, int *fd)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    enum status st;
    mode_t before;
    bool ok;

    *fd = -1;
    if (strlen(path) >= sizeof at.sun_path)
        return ST_TOO_LARGE;
    if ((st = make_room(path)) != ST_OK)
        return st;
    memcpy(at.sun_path, path, strlen(path));
    before = umask(0111); /* bind() gives the socket its mode, so nobody can swap it in between */
    *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ok = *fd >= 0 && bind(*fd, (const struct sockaddr *)&at, sizeof at) == 0 && listen(*fd, BACKLOG) == 0;
    umask(before);
    if (ok)
        return ST_OK;
    log_error("%s: %s", path, strerror(errno));
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
    return ST_IO;
}
