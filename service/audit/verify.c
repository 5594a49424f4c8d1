#include "service/audit/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "service/audit/checkpoint.h"
#include "service/audit/segments.h"

/* What is remembered of a line, as a checkpoint may speak for one up to CHECKPOINT_REACH lines back. */
struct passed {
    uint8_t hash[CHAIN_HASH_LEN];
    uint64_t records; /* up to here */
};

struct verifier {
    int directory_fd;
    EVP_PKEY *key;
    struct chain_hasher hasher;
    struct passed *passed; /* of line n: [n % CHECKPOINT_REACH] */
    size_t room;           /* grows with the trail, up to CHECKPOINT_REACH */
    struct chain_point at; /* the line before */
    struct chain_point head;
    uint64_t covered; /* the newest line a checkpoint speaks for */
    bool live;        /* a daemon is writing: the last line may not be whole yet */
    char name[SEGMENT_NAME_LEN + 1];
    uint64_t line; /* in that segment, from 1 */
    struct audit_report *report;
};

static enum status fault(struct verifier *v, const char *what)
{
    if (v->line > 0)
        bytes_printf(&v->report->problem, "%s, line %llu: %s", v->name, (unsigned long long)v->line, what);
    else
        bytes_printf(&v->report->problem, "%s: %s", v->name[0] != '\0' ? v->name : "the trail", what);
    return ST_CORRUPT;
}

static enum status make_room(struct verifier *v, size_t index)
{
    size_t room = v->room > 0 ? v->room * 2 : 4096;
    struct passed *p;

    if (index < v->room)
        return ST_OK;
    INVARIANT(index < room && room <= CHECKPOINT_REACH); /* lines come one by one, so the index rises by one */
    if ((p = realloc(v->passed, room * sizeof *p)) == NULL)
        return ST_NO_MEMORY;
    v->passed = p;
    v->room = room;
    return ST_OK;
}

static enum status remember(struct verifier *v, struct span text)
{
    size_t index = (v->at.seq + 1) % CHECKPOINT_REACH;
    enum status st;

    if ((st = make_room(v, index)) != ST_OK || (st = chain_hash(&v->hasher, text, v->at.hash)) != ST_OK)
        return st;
    v->at.seq++;
    memcpy(v->passed[index].hash, v->at.hash, CHAIN_HASH_LEN);
    v->passed[index].records = v->report->records;
    return ST_OK;
}

static enum status verify_checkpoint(struct verifier *v, const struct chain_line *line)
{
    const struct passed *spoken_for;
    struct checkpoint c;
    enum status st;

    if (checkpoint_parse(line->record, &c) != ST_OK)
        return fault(v, "it is no checkpoint, though it begins like one");
    /* Each speaks for more than the one before, so an old signature cannot stand in a new place. */
    if (c.at.seq >= line->seq || c.at.seq <= v->covered || line->seq - c.at.seq > CHECKPOINT_REACH)
        return fault(v, "the checkpoint speaks for a line it cannot speak for");
    if (c.reason == CHECKPOINT_CLOSE && c.at.seq != line->seq - 1)
        return fault(v, "the closing checkpoint does not speak for the line before it");
    spoken_for = &v->passed[c.at.seq % CHECKPOINT_REACH];
    if (memcmp(spoken_for->hash, c.at.hash, CHAIN_HASH_LEN) != 0)
        return fault(v, "the checkpoint names another hash for the line it speaks for");
    if ((st = checkpoint_check(v->key, &c)) != ST_OK)
        return st == ST_CORRUPT ? fault(v, "the checkpoint's signature is not valid") : st;
    v->covered = c.at.seq;
    v->report->checkpoints++;
    v->report->unsigned_tail = v->report->records - spoken_for->records;
    v->report->closed = c.reason == CHECKPOINT_CLOSE;
    return ST_OK;
}

static enum status verify_line(struct verifier *v, struct span text)
{
    struct chain_line line;
    enum status st = ST_OK;

    if (chain_parse(text, &line) != ST_OK)
        return fault(v, "it is no line of a trail");
    if (line.seq != v->at.seq + 1)
        return fault(v, "its number does not follow the line before");
    if (memcmp(line.prev, v->at.hash, CHAIN_HASH_LEN) != 0)
        return fault(v, "its prev is not the hash of the line before: one of the two was changed");
    v->report->closed = false;
    if (checkpoint_is(line.record))
        st = verify_checkpoint(v, &line);
    else {
        v->report->records++;
        v->report->unsigned_tail++;
    }
    if (st != ST_OK || (st = remember(v, text)) != ST_OK)
        return st;
    if (v->at.seq == v->head.seq && !chain_point_equal(&v->at, &v->head))
        return fault(v, "it is not the line the head names");
    return ST_OK;
}

static enum status verify_end_of_segment(struct verifier *v, const struct line_reader *r, bool last)
{
    if (r->unfinished > 0 && !(last && v->live)) {
        v->line++;
        return fault(v, "the line is not finished");
    }
    if (v->line == 0 && !last)
        return fault(v, "the segment is empty");
    return ST_OK;
}

static enum status verify_lines(struct verifier *v, int fd, bool last)
{
    struct line_reader r;
    struct span text;
    enum status st, read;

    if ((st = line_reader_init(&r, fd)) != ST_OK)
        return st;
    while ((read = line_reader_next(&r, &text)) == ST_OK && st == ST_OK) {
        v->line++;
        st = verify_line(v, text);
    }
    if (st == ST_OK && read == ST_NOT_FOUND)
        st = verify_end_of_segment(v, &r, last);
    else if (st == ST_OK && read == ST_TOO_LARGE) {
        v->line++;
        st = fault(v, "the line is longer than any of a trail");
    } else if (st == ST_OK)
        st = read;
    line_reader_clear(&r);
    return st;
}

static enum status verify_segment(struct verifier *v, uint64_t first, bool last)
{
    enum status st;
    int fd;

    segment_name(v->name, first);
    v->line = 0;
    if (first > v->at.seq + 1) {
        bytes_printf(&v->report->problem, "%s: lines %llu to %llu, before this segment, are missing", v->name,
                     (unsigned long long)v->at.seq + 1, (unsigned long long)first - 1);
        return ST_CORRUPT;
    }
    if (first < v->at.seq + 1)
        return fault(v, "the segment begins with lines that the one before has already");
    if ((fd = openat(v->directory_fd, v->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)) < 0)
        return errno == ELOOP ? fault(v, "the segment is a symbolic link") : ST_IO;
    st = verify_lines(v, fd, last);
    close(fd);
    v->report->segments += st == ST_OK;
    return st;
}

static enum status verify_all(struct verifier *v)
{
    struct segment_list segments;
    enum status st = segment_list_read(v->directory_fd, &segments);

    if (st == ST_CORRUPT)
        return fault(v, "a file has the name of a segment, but not the form of one");
    for (size_t i = 0; st == ST_OK && i < segments.count; i++)
        st = verify_segment(v, segments.first[i], i + 1 == segments.count);
    segment_list_clear(&segments);
    if (st == ST_OK && v->at.seq < v->head.seq) {
        bytes_printf(&v->report->problem, "the end is cut off: the head names line %llu, the last there is %llu",
                     (unsigned long long)v->head.seq, (unsigned long long)v->at.seq);
        st = ST_CORRUPT;
    }
    return st;
}

/* Is there anything at all, when there is no head? */
static enum status verify_headless(struct verifier *v)
{
    struct segment_list segments;
    enum status st = segment_list_read(v->directory_fd, &segments);
    bool any = st == ST_CORRUPT || segments.count > 0;

    segment_list_clear(&segments);
    if (any)
        return fault(v, "the head is missing");
    return st != ST_OK ? st : ST_NOT_FOUND;
}

/* Does someone hold the lock? Asking does not take it, so a daemon may start meanwhile. */
static bool is_live(int directory_fd)
{
    struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    int fd = openat(directory_fd, "lock", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    bool live = fd >= 0 && fcntl(fd, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;

    if (fd >= 0)
        close(fd);
    return live;
}

static enum status verify_directory(struct verifier *v)
{
    enum status st;

    if ((st = chain_hasher_init(&v->hasher)) != ST_OK)
        return st;
    /* Before the segments: what a daemon adds meanwhile stands behind the line the head names now. */
    v->live = is_live(v->directory_fd);
    st = head_read(v->directory_fd, &v->head);
    if (st == ST_NOT_FOUND)
        return verify_headless(v);
    if (st == ST_CORRUPT)
        return fault(v, "the head is not readable");
    return st == ST_OK ? verify_all(v) : st;
}

enum status audit_verify(const char *directory, EVP_PKEY *public_key, struct audit_report *report)
{
    struct verifier v = { .key = public_key, .report = report };
    enum status st;

    *report = (struct audit_report){ 0 };
    if ((v.directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        return errno == ENOENT || errno == ENOTDIR ? ST_NOT_FOUND : ST_IO;
    st = verify_directory(&v);
    close(v.directory_fd);
    chain_hasher_clear(&v.hasher);
    free(v.passed);
    return st;
}

void audit_report_clear(struct audit_report *r)
{
    bytes_clear(&r->problem);
    *r = (struct audit_report){ 0 };
}
