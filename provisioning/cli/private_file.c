#include "provisioning/cli/private_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
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

/* The folder that `path` is in; NULL: no memory. The caller's, for free(). */
static char *folder_of(const char *path)
{
    char *copy = strdup(path), *folder = copy != NULL ? strdup(dirname(copy)) : NULL;

    free(copy);
    return folder;
}

/* Without a name, it vanishes with its process. -1 where the file system has no such files, or where /proc is not there
 * to name it by. */
static int open_nameless(const char *path)
{
    char *folder = folder_of(path);
    int fd = -1;

    if (folder != NULL && access("/proc/self/fd", X_OK) == 0)
        fd = open(folder, O_WRONLY | O_TMPFILE | O_CLOEXEC, 0600);
    free(folder);
    return fd;
}

static enum status open_named(const char *path, struct file_draft *out)
{
    struct bytes name = { 0 };
    enum status st;

    bytes_printf(&name, "%s.XXXXXX", path);
    if ((st = bytes_status(&name)) == ST_OK && (out->name = strdup(bytes_text(&name))) == NULL)
        st = ST_NO_MEMORY;
    bytes_clear(&name);
    if (st == ST_OK && (out->fd = mkostemp(out->name, O_CLOEXEC)) < 0)
        st = status_of_errno();
    return st;
}

enum status file_reserve(const char *path, mode_t mode, struct file_draft *out)
{
    enum status st = ST_OK;
    struct stat there;

    *out = (struct file_draft){ .fd = -1 };
    if (lstat(path, &there) == 0)
        return ST_EXISTS;
    if ((out->fd = open_nameless(path)) < 0)
        st = open_named(path, out);
    if (st == ST_OK && fchmod(out->fd, mode) != 0) /* the umask has no say */
        st = ST_IO;
    if (st != ST_OK)
        file_abandon(out);
    return st;
}

void file_abandon(struct file_draft *d)
{
    if (d->fd >= 0) {
        close(d->fd);
        if (d->name != NULL)
            unlink(d->name);
    }
    free(d->name);
    *d = (struct file_draft){ .fd = -1 };
}

enum status file_make_room(const struct file_draft *d, size_t room)
{
    if (room == 0 || fallocate(d->fd, 0, 0, (off_t)room) == 0 || errno == EOPNOTSUPP || errno == ENOSYS)
        return ST_OK;
    return errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? ST_TOO_LARGE : ST_IO;
}

/* The name, too, must survive a power cut. */
static enum status flush_directory(const char *path)
{
    char *folder = folder_of(path);
    int fd = folder != NULL ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    enum status st = fd >= 0 && fsync(fd) == 0 ? ST_OK : ST_IO;

    if (fd >= 0)
        close(fd);
    free(folder);
    return st;
}

static enum status write_content(int fd, struct span content)
{
    size_t done = 0;

    while (done < content.len) {
        ssize_t n = write(fd, content.p + done, content.len - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return ST_IO;
        done += (size_t)n;
    }
    return ftruncate(fd, (off_t)done) == 0 && fsync(fd) == 0 ? ST_OK : ST_IO; /* the room beyond it is given back */
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

/* What has come there meanwhile is not replaced. */
static enum status give_name(struct file_draft *d, const char *path)
{
    char self[32];
    enum status st;

    if (d->name != NULL) {
        if ((st = rename_new(d->name, path)) == ST_OK) {
            free(d->name);
            d->name = NULL;
        }
        return st;
    }
    snprintf(self, sizeof self, "/proc/self/fd/%d", d->fd);
    return linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0 ? ST_OK : status_of_errno();
}

enum status file_fill(struct file_draft *d, const char *path, struct span content)
{
    enum status st = write_content(d->fd, content);

    if (st == ST_OK && (st = give_name(d, path)) == ST_OK && (st = flush_directory(path)) != ST_OK)
        unlink(path);
    file_abandon(d); /* which takes away no name that it has been given */
    return st;
}

enum status file_create(const char *path, mode_t mode, struct span content)
{
    struct file_draft draft;
    enum status st;

    if ((st = file_reserve(path, mode, &draft)) != ST_OK)
        return st;
    return file_fill(&draft, path, content);
}

enum status file_read(const char *path, size_t max, struct bytes *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); /* a FIFO must not hold us up */
    enum status st = ST_OK;
    uint8_t block[4096];
    struct stat info;
    ssize_t n;

    bytes_reset(out);
    if (fd < 0)
        return status_of_errno();
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        close(fd);
        return ST_UNSUPPORTED;
    }
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
