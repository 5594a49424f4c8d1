/* recover.c - where a trail ends. What `head` names was durable, so it must be there, whole and chained. What stands
 * behind it may be the last write of a process that died: whole lines are kept, the rest is set aside. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "firmware/base/clock.h"
#include "firmware/base/log.h"
#include "service/audit/checkpoint.h"
#include "service/audit/trail.h"

#define COPY_BLOCK 65536

/* Reading one segment: how far its lines are good. */
struct scan {
    uint64_t first;
    const struct chain_point *head;
    struct chain_point at; /* the last good line; of an empty segment, the number alone is meant */
    uint64_t good;         /* bytes of good lines */
    bool any, closed;
};

static enum status corrupt(const char *what, uint64_t seq)
{
    log_error("audit: the trail is not whole: %s (line %llu)", what, (unsigned long long)seq);
    return ST_CORRUPT;
}

static bool follows(const struct scan *s, const struct chain_line *line)
{
    static const uint8_t zeros[CHAIN_HASH_LEN];

    if (line->seq != s->at.seq + 1)
        return false;
    if (s->any)
        return memcmp(line->prev, s->at.hash, CHAIN_HASH_LEN) == 0;
    if (s->at.seq == s->head->seq)
        return memcmp(line->prev, s->head->hash, CHAIN_HASH_LEN) == 0;
    return s->at.seq > 0 || memcmp(line->prev, zeros, CHAIN_HASH_LEN) == 0;
}

/* One more line. Errors: ST_BAD_REQUEST it is not one that follows; ST_CORRUPT; ST_INTERNAL. */
static enum status scan_line(struct trail *t, struct scan *s, struct span text)
{
    struct chain_line line;
    struct checkpoint c;
    enum status st;

    if (chain_parse(text, &line) != ST_OK || !follows(s, &line))
        return ST_BAD_REQUEST;
    if ((st = chain_hash(&t->hasher, text, s->at.hash)) != ST_OK)
        return st;
    s->at.seq = line.seq;
    s->any = true;
    s->good += text.len + 1;
    s->closed = checkpoint_parse(line.record, &c) == ST_OK && c.reason == CHECKPOINT_CLOSE;
    if (s->at.seq == s->head->seq && !chain_point_equal(&s->at, s->head))
        return corrupt("the newest line is not the one the head names", s->at.seq);
    return ST_OK;
}

static enum status scan_segment(struct trail *t, struct scan *s)
{
    struct line_reader r;
    struct span line;
    enum status st;

    s->at = (struct chain_point){ .seq = s->first - 1 };
    if ((st = line_reader_init(&r, t->segment_fd)) != ST_OK)
        return st;
    while ((st = line_reader_next(&r, &line)) == ST_OK && (st = scan_line(t, s, line)) == ST_OK)
        ;
    line_reader_clear(&r);
    if (st != ST_NOT_FOUND && st != ST_BAD_REQUEST && st != ST_TOO_LARGE)
        return st;
    /* The lines end here, or become nonsense. Up to the head they may not. */
    return s->at.seq < s->head->seq ? corrupt("it ends before the line the head names", s->at.seq) : ST_OK;
}

static bool copy_from(int from, int to, uint64_t offset, uint64_t *copied)
{
    static const uint64_t bound = 1ull << 32;
    uint8_t block[COPY_BLOCK];
    ssize_t n;

    *copied = 0;
    while (*copied < bound && (n = pread(from, block, sizeof block, (off_t)(offset + *copied))) > 0) {
        if (write(to, block, (size_t)n) != n)
            return false;
        *copied += (uint64_t)n;
    }
    return n == 0 && fsync(to) == 0;
}

/* Move what stands behind the good lines into a file of its own. */
static enum status set_rest_aside(struct trail *t, const struct scan *s)
{
    off_t size = lseek(t->segment_fd, 0, SEEK_END);
    char name[96];
    uint64_t copied = 0;
    bool ok;
    int fd;

    if (size < 0)
        return ST_IO;
    if ((uint64_t)size == s->good)
        return ST_OK;
    snprintf(name, sizeof name, "audit-%020llu.partial-%lld", (unsigned long long)s->first,
             (long long)clock_unix_100ns());
    if ((fd = openat(t->directory_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)) < 0)
        return ST_IO;
    ok = copy_from(t->segment_fd, fd, s->good, &copied);
    ok = close(fd) == 0 && ok;
    if (!ok || fsync(t->directory_fd) != 0 || ftruncate(t->segment_fd, (off_t)s->good) != 0 ||
        fsync(t->segment_fd) != 0)
        return ST_IO;
    t->set_aside += copied;
    log_warning("audit: %llu bytes of an unfinished write were set aside as %s", (unsigned long long)copied, name);
    return ST_OK;
}

/* Read the last segment and make it the one to go on with. *empty: it had no line and is gone. */
static enum status take_segment(struct trail *t, const struct chain_point *head, uint64_t first, bool *empty)
{
    struct scan s = { .first = first, .head = head };
    char name[SEGMENT_NAME_LEN + 1];
    enum status st;

    segment_name(name, first);
    if ((t->segment_fd = openat(t->directory_fd, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)) < 0)
        return ST_IO;
    if (head->seq < first - 1)
        return corrupt("the head is older than the last segment", head->seq);
    if ((st = scan_segment(t, &s)) != ST_OK || (st = set_rest_aside(t, &s)) != ST_OK)
        return st;
    t->at = s.at;
    t->segment_size = s.good;
    t->closed = s.closed;
    if (!(*empty = !s.any))
        return ST_OK;
    close(t->segment_fd);
    t->segment_fd = -1;
    return unlinkat(t->directory_fd, name, 0) == 0 && fsync(t->directory_fd) == 0 ? ST_OK : ST_IO;
}

/* A process that died between making a segment and writing to it left it empty: then the one before is the last. That
 * one ends with the line the head names, which take_segment() checks. */
static enum status find_end(struct trail *t, const struct chain_point *head)
{
    struct segment_list segments;
    enum status st = segment_list_read(t->directory_fd, &segments);
    uint64_t next = 0; /* the first line of an empty segment that is gone */
    bool empty = true;

    while (st == ST_OK && empty && segments.count > 0) {
        st = take_segment(t, head, segments.first[--segments.count], &empty);
        if (st == ST_OK && !empty && next != 0 && t->at.seq + 1 != next)
            st = corrupt("a segment does not begin where the one before ends", next);
        next = segments.first[segments.count];
    }
    segment_list_clear(&segments);
    if (st == ST_OK && empty) {
        t->at = (struct chain_point){ 0 };
        t->segment_size = 0;
        if (head->seq > 0)
            st = corrupt("there is no segment", head->seq);
    }
    return st;
}

static enum status make_head(struct trail *t)
{
    struct chain_point nothing = { 0 };
    char text[HEAD_LEN];

    head_write(text, &nothing);
    t->head_fd = openat(t->directory_fd, "head.new", O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (t->head_fd < 0 || write(t->head_fd, text, sizeof text) != sizeof text || fsync(t->head_fd) != 0 ||
        renameat(t->directory_fd, "head.new", t->directory_fd, "head") != 0 || fsync(t->directory_fd) != 0) {
        log_error("audit: the head cannot be made: %s", strerror(errno));
        return ST_IO;
    }
    return ST_OK;
}

/* A trail begins with its head, so segments without one are not whole. */
static enum status begin_trail(struct trail *t)
{
    struct segment_list segments;
    enum status st = segment_list_read(t->directory_fd, &segments);
    bool any = segments.count > 0;

    segment_list_clear(&segments);
    if (st != ST_OK)
        return st;
    return any ? corrupt("the head is missing", 0) : make_head(t);
}

enum status trail_recover(struct trail *t)
{
    struct chain_point head;
    char text[HEAD_LEN];
    enum status st = head_read(t->directory_fd, &head);

    if (st == ST_NOT_FOUND)
        return begin_trail(t);
    if (st != ST_OK)
        return st == ST_CORRUPT ? corrupt("the head is not readable", 0) : st;
    if ((st = find_end(t, &head)) != ST_OK)
        return st;
    t->head_fd = openat(t->directory_fd, "head", O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    head_write(text, &t->at);
    if (t->head_fd < 0 || pwrite(t->head_fd, text, sizeof text, 0) != sizeof text || fdatasync(t->head_fd) != 0)
        return ST_IO;
    return ST_OK;
}
