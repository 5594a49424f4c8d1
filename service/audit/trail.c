#include "service/audit/trail.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "firmware/base/log.h"

static enum status open_directory(const char *path, struct trail *t)
{
    struct stat st;

    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        log_error("audit: %s: %s", path, strerror(errno));
        return ST_IO;
    }
    if ((t->directory_fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) < 0 ||
        fstat(t->directory_fd, &st) != 0) {
        log_error("audit: %s: %s", path, strerror(errno));
        return errno == ENOTDIR || errno == ELOOP ? ST_NOT_PERMITTED : ST_IO;
    }
    if (st.st_uid != geteuid() || (st.st_mode & 077) != 0) {
        log_error("audit: %s: must be this user's alone (0700)", path);
        return ST_NOT_PERMITTED;
    }
    return ST_OK;
}

/* An open file description's lock: two trails of one process exclude each other as well, and a verifier can ask who
 * holds it without taking it. */
static enum status lock_trail(struct trail *t)
{
    struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

    t->lock_fd = openat(t->directory_fd, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (t->lock_fd < 0)
        return ST_IO;
    if (fcntl(t->lock_fd, F_OFD_SETLK, &whole) != 0)
        return errno == EAGAIN || errno == EACCES ? ST_BUSY : ST_IO;
    return ST_OK;
}

enum status trail_open(const char *directory, struct trail *t)
{
    enum status st;

    *t = (struct trail){ .directory_fd = -1, .lock_fd = -1, .head_fd = -1, .segment_fd = -1 };
    if ((st = chain_hasher_init(&t->hasher)) != ST_OK || (st = open_directory(directory, t)) != ST_OK ||
        (st = lock_trail(t)) != ST_OK || (st = trail_recover(t)) != ST_OK) {
        trail_close(t);
        return st;
    }
    return ST_OK;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void trail_close(struct trail *t)
{
    close_fd(&t->segment_fd);
    if (t->head_fd >= 0)
        fdatasync(t->head_fd); /* what it says is durable already; this only saves recovery a longer look */
    close_fd(&t->head_fd);
    close_fd(&t->lock_fd);
    close_fd(&t->directory_fd);
    chain_hasher_clear(&t->hasher);
}

static bool write_at(int fd, struct span s, uint64_t offset)
{
    while (s.len > 0) {
        ssize_t n = pwrite(fd, s.p, s.len, (off_t)offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        s = span_of(s.p + n, s.len - (size_t)n);
        offset += (uint64_t)n;
    }
    return true;
}

/* Cut off what a failed write left, so that nothing stands in the trail whose operation was refused. */
static bool repair(struct trail *t)
{
    if (t->dirty && t->segment_fd >= 0)
        t->dirty = ftruncate(t->segment_fd, (off_t)t->segment_size) != 0 || fdatasync(t->segment_fd) != 0;
    return !t->dirty;
}

static bool begin_segment(struct trail *t)
{
    char name[SEGMENT_NAME_LEN + 1];
    struct stat st;

    if (t->segment_fd >= 0)
        return true;
    segment_name(name, t->at.seq + 1);
    /* The file may be there from an attempt before this one, but then with nothing in it. */
    t->segment_fd = openat(t->directory_fd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    t->segment_size = 0;
    if (t->segment_fd < 0 || fstat(t->segment_fd, &st) != 0 || st.st_size != 0 || fsync(t->directory_fd) != 0) {
        close_fd(&t->segment_fd);
        return false;
    }
    return true;
}

/* The head is written in place when the lines are durable and is not flushed by itself: a killed process leaves it in
 * the page cache, and after a power cut it may be old, which is no fault, as the trail then only is longer than it
 * says. Never the other way round. That costs a microsecond where a flush would double the cost of a record. */
static void write_head(struct trail *t)
{
    char text[HEAD_LEN];

    head_write(text, &t->at);
    if (!write_at(t->head_fd, span_of(text, sizeof text), 0)) /* over bytes that are there: no space is needed */
        log_error("audit: the head cannot be written: %s", strerror(errno));
}

enum status trail_append(struct trail *t, struct span lines, const struct chain_point *end)
{
    int why;

    if (!repair(t) || !begin_segment(t))
        goto failed;
    t->dirty = true;
    if (!write_at(t->segment_fd, lines, t->segment_size) || fdatasync(t->segment_fd) != 0)
        goto failed;
    t->dirty = false;
    t->segment_size += lines.len;
    t->at = *end;
    t->closed = false;
    write_head(t);
    return ST_OK;
failed:
    why = errno;
    repair(t); /* at once if it can be; else before the next append */
    errno = why;
    return ST_IO;
}

/* The head is flushed before the next segment is begun: so it is at most one segment behind, and recovery, which reads
 * the last segment, always finds the line it names. */
enum status trail_end_segment(struct trail *t)
{
    if (t->segment_fd < 0)
        return ST_OK;
    if (!repair(t) || fdatasync(t->head_fd) != 0)
        return ST_IO;
    close_fd(&t->segment_fd);
    t->segment_size = 0;
    return ST_OK;
}
