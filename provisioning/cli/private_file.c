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

/* The folder that `path` is in; NULL: no memory. The caller's, for free(). */
static char *folder_of(const char *path)
{
    char *copy = strdup(path), *folder = copy != NULL ? strdup(dirname(copy)) : NULL;

    free(copy);
    return folder;
}

/* A file without a name, which vanishes with its process until file_fill() gives it one. -1 where the file system has
 * no such files, or /proc is not there to name it by. */
static int open_nameless(const char *path)
{
    char *folder = folder_of(path);
    int fd = folder != NULL && access("/proc/self/fd", X_OK) == 0 ? open(folder, O_WRONLY | O_TMPFILE | O_CLOEXEC, 0600)
                                                                  : -1;

    free(folder);
    return fd;
}

static bool is_nameless(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 0;
}

static enum status open_new(const char *path, int *fd)
{
    struct stat there;

    if (lstat(path, &there) == 0) /* also what open() would say otherwise: of a folder, for one */
        return S_ISDIR(there.st_mode) ? ST_IO : ST_EXISTS;
    if ((*fd = open_nameless(path)) < 0)
        *fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    return *fd >= 0 ? ST_OK : status_of_errno();
}

enum status file_reserve(const char *path, mode_t mode, int *fd)
{
    enum status st = open_new(path, fd);

    if (st == ST_OK && fchmod(*fd, mode) != 0) { /* the umask has no say */
        file_abandon(*fd, path);
        st = ST_IO;
    }
    return st;
}

void file_abandon(int fd, const char *path)
{
    bool nameless = is_nameless(fd);

    close(fd);
    if (!nameless)
        unlink(path);
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
    return fsync(fd) == 0 ? ST_OK : ST_IO;
}

/* Whole, and under its name only now. What has come there meanwhile is not replaced. */
static enum status give_name(int fd, const char *path)
{
    char self[32];

    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    return linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0 ? ST_OK : status_of_errno();
}

enum status file_fill(int fd, const char *path, struct span content)
{
    bool nameless = is_nameless(fd);
    enum status st = write_content(fd, content);
    bool named = !nameless;

    if (st == ST_OK && nameless)
        named = (st = give_name(fd, path)) == ST_OK;
    if (close(fd) != 0 && st == ST_OK)
        st = ST_IO;
    if (st == ST_OK)
        st = flush_directory(path);
    if (st != ST_OK && named)
        unlink(path);
    return st;
}

enum status file_create(const char *path, mode_t mode, struct span content)
{
    enum status st;
    int fd;

    if ((st = file_reserve(path, mode, &fd)) != ST_OK)
        return st;
    return file_fill(fd, path, content);
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
