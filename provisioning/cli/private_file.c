#include "provisioning/cli/private_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static enum status status_of_errno(void)
{
    switch (errno) {
    case EEXIST:
        return ST_EXISTS;
    case ENOENT:
    case ENOTDIR:
        return ST_NOT_FOUND;
    case EACCES:
    case EPERM:
    case ELOOP:
    case EROFS:
        return ST_NOT_PERMITTED;
    default:
        return ST_IO;
    }
}

enum status file_reserve(const char *path, mode_t mode, int *fd)
{
    *fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (*fd < 0)
        return status_of_errno();
    if (fchmod(*fd, mode) != 0) { /* the umask has no say */
        file_abandon(*fd, path);
        return ST_IO;
    }
    return ST_OK;
}

void file_abandon(int fd, const char *path)
{
    close(fd);
    unlink(path);
}

/* The name, too, must survive a power cut. */
static enum status flush_directory(const char *path)
{
    char *copy = strdup(path);
    int fd = copy != NULL ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    enum status st = fd >= 0 && fsync(fd) == 0 ? ST_OK : ST_IO;

    if (fd >= 0)
        close(fd);
    free(copy);
    return st;
}

enum status file_fill(int fd, const char *path, struct span content)
{
    size_t done = 0;
    int broken;

    while (done < content.len) {
        ssize_t n = write(fd, content.p + done, content.len - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            file_abandon(fd, path);
            return ST_IO;
        }
        done += (size_t)n;
    }
    broken = fsync(fd);
    if (close(fd) != 0 || broken != 0 || flush_directory(path) != ST_OK) {
        unlink(path);
        return ST_IO;
    }
    return ST_OK;
}

enum status file_create(const char *path, mode_t mode, struct span content)
{
    enum status st;
    int fd;

    if ((st = file_reserve(path, mode, &fd)) != ST_OK)
        return st;
    return file_fill(fd, path, content);
}

/* Not every file system has RENAME_NOREPLACE; where it has not, who writes there at the same time is beyond us. */
static enum status rename_new(const char *from, const char *to)
{
    struct stat there;

    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return ST_OK;
    if (errno != EINVAL && errno != ENOSYS)
        return status_of_errno();
    if (lstat(to, &there) == 0)
        return ST_EXISTS;
    return rename(from, to) == 0 ? ST_OK : status_of_errno();
}

enum status file_create_whole(const char *path, mode_t mode, struct span content)
{
    struct bytes temporary = { 0 };
    enum status st;

    bytes_printf(&temporary, "%s.new", path);
    if ((st = bytes_status(&temporary)) == ST_OK &&
        (st = file_create(bytes_text(&temporary), mode, content)) == ST_OK) {
        if ((st = rename_new(bytes_text(&temporary), path)) != ST_OK)
            unlink(bytes_text(&temporary));
        else
            st = flush_directory(path);
    }
    bytes_clear(&temporary);
    return st;
}

enum status file_read(const char *path, size_t max, struct bytes *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    enum status st = ST_OK;
    uint8_t block[4096];
    ssize_t n;

    bytes_reset(out);
    if (fd < 0)
        return status_of_errno();
    while ((n = read(fd, block, sizeof block)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            st = ST_IO;
            break;
        }
        if ((size_t)n > max - out->len) {
            st = ST_TOO_LARGE;
            break;
        }
        bytes_append(out, block, (size_t)n);
    }
    close(fd);
    return st != ST_OK ? st : bytes_status(out);
}
