#include "board/sim/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "firmware/base/log.h"

enum status directory_open(const char *path, int *fd)
{
    struct stat st;

    *fd = -1;
    if (mkdir(path, 0711) != 0 && errno != EEXIST) {
        log_error("%s cannot be made: %s", path, strerror(errno));
        return ST_IO;
    }
    if ((*fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0 || fstat(*fd, &st) != 0) {
        log_error("%s cannot be opened: %s", path, strerror(errno));
        return ST_IO;
    }
    if (st.st_uid == geteuid() && (st.st_mode & (S_IWGRP | S_IWOTH)) == 0)
        return ST_OK;
    log_error("%s must belong to the user of the keystore, and nobody else may write in it", path);
    close(*fd);
    *fd = -1;
    return ST_NOT_PERMITTED;
}

enum status directory_open_file(int directory, const char *name, mode_t mode, int *fd)
{
    int seen = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    enum status st = ST_IO;
    struct stat info;

    *fd = -1;
    if (seen < 0)
        return errno == ENOENT ? ST_NOT_FOUND : ST_IO;
    if (fstat(seen, &info) != 0)
        goto done;
    st = ST_NOT_PERMITTED;
    if (!S_ISREG(info.st_mode) || info.st_uid != geteuid() || info.st_nlink != 1)
        goto done;
    st = ST_IO;
    if (fchmod(seen, S_IRUSR | S_IWUSR) == 0) /* its mode may keep even its owner from writing */
        *fd = openat(directory, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (fchmod(seen, mode) == 0 && *fd >= 0)
        st = ST_OK;
done:
    close(seen);
    return st;
}

enum status directory_make_file(int directory, const char *name, mode_t mode, struct span content, size_t times,
                                int *fd)
{
    enum status st = ST_IO;
    char draft[64];

    snprintf(draft, sizeof draft, "%s.new", name);
    if (unlinkat(directory, draft, 0) != 0 && errno != ENOENT)
        return ST_IO;
    if ((*fd = openat(directory, draft, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode)) < 0)
        return ST_IO;
    if (fchmod(*fd, mode) != 0)
        goto done;
    for (size_t i = 0; i < times; i++)
        if ((st = file_write(*fd, i * content.len, content.p, content.len)) != ST_OK)
            goto done;
    st = fsync(*fd) == 0 && renameat(directory, draft, directory, name) == 0 && fsync(directory) == 0 ? ST_OK : ST_IO;
done:
    if (st != ST_OK) {
        close(*fd);
        *fd = -1;
    }
    return st;
}

enum status file_read(int fd, size_t at, void *out, size_t len)
{
    uint8_t *p = out;

    while (len > 0) {
        ssize_t n = pread(fd, p, len, (off_t)at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return ST_IO;
        p += n;
        at += (size_t)n;
        len -= (size_t)n;
    }
    return ST_OK;
}

enum status file_write(int fd, size_t at, const void *from, size_t len)
{
    const uint8_t *p = from;

    while (len > 0) {
        ssize_t n = pwrite(fd, p, len, (off_t)at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return ST_IO;
        p += n;
        at += (size_t)n;
        len -= (size_t)n;
    }
    return ST_OK;
}
