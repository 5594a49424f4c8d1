#include "service/audit/segments.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define SEGMENTS_MAX (1u << 20)
#define BUFFER_LEN   (8u * AUDIT_LINE_MAX)

static const char prefix[] = "audit-", suffix[] = ".jsonl";

#define PREFIX_LEN (sizeof prefix - 1)
#define SUFFIX_LEN (sizeof suffix - 1)
#define SEQ_DIGITS 20

void segment_name(char out[SEGMENT_NAME_LEN + 1], uint64_t first)
{
    int n = snprintf(out, SEGMENT_NAME_LEN + 1, "%s%020llu%s", prefix, (unsigned long long)first, suffix);

    INVARIANT(n == SEGMENT_NAME_LEN);
}

/* A number with leading zeros, as names and `head` have it. */
static bool read_padded(const uint8_t *digits, uint64_t *out)
{
    size_t zeros = 0;

    while (zeros < SEQ_DIGITS - 1 && digits[zeros] == '0')
        zeros++;
    return chain_read_number(span_of(digits + zeros, SEQ_DIGITS - zeros), out);
}

static bool ends_with(struct span s, const char *end, size_t len)
{
    return s.len >= len && memcmp(s.p + s.len - len, end, len) == 0;
}

static enum status add(struct segment_list *l, uint64_t first)
{
    size_t room = l->room > 0 ? l->room * 2 : 64;
    uint64_t *p;

    if (l->count == SEGMENTS_MAX)
        return ST_TOO_LARGE;
    if (l->count == l->room) {
        if ((p = realloc(l->first, room * sizeof *p)) == NULL)
            return ST_NO_MEMORY;
        l->first = p;
        l->room = room;
    }
    l->first[l->count++] = first;
    return ST_OK;
}

static enum status add_named(struct segment_list *l, const char *text)
{
    struct span name = span_text(text);
    uint64_t first;

    if (!span_starts_with(name, span_text(prefix)) || !ends_with(name, suffix, SUFFIX_LEN))
        return ST_OK; /* none of the segments */
    if (name.len != SEGMENT_NAME_LEN || !read_padded(name.p + PREFIX_LEN, &first) || first == 0)
        return ST_CORRUPT;
    return add(l, first);
}

static int compare_numbers(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

enum status segment_list_read(int directory_fd, struct segment_list *out)
{
    int fd = openat(directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
    enum status st = ST_OK;
    struct dirent *entry;

    *out = (struct segment_list){ 0 };
    if (directory == NULL) {
        if (fd >= 0)
            close(fd);
        return ST_IO;
    }
    while (st == ST_OK && (errno = 0, entry = readdir(directory)) != NULL)
        st = add_named(out, entry->d_name);
    if (st == ST_OK && errno != 0)
        st = ST_IO;
    closedir(directory);
    if (st != ST_OK)
        segment_list_clear(out);
    else if (out->count > 0)
        qsort(out->first, out->count, sizeof *out->first, compare_numbers);
    return st;
}

void segment_list_clear(struct segment_list *l)
{
    free(l->first);
    *l = (struct segment_list){ 0 };
}

void head_write(char out[HEAD_LEN], const struct chain_point *at)
{
    char text[HEAD_LEN + 1], hash[2 * CHAIN_HASH_LEN + 1] = { 0 };
    int n;

    chain_hex(hash, at->hash);
    n = snprintf(text, sizeof text, "%020llu %s\n", (unsigned long long)at->seq, hash);
    INVARIANT(n == HEAD_LEN);
    memcpy(out, text, HEAD_LEN);
}

enum status head_parse(struct span text, struct chain_point *out)
{
    if (text.len != HEAD_LEN || text.p[SEQ_DIGITS] != ' ' || text.p[HEAD_LEN - 1] != '\n' ||
        !read_padded(text.p, &out->seq) || !chain_unhex(out->hash, text.p + SEQ_DIGITS + 1))
        return ST_CORRUPT;
    return ST_OK;
}

enum status head_read(int directory_fd, struct chain_point *out)
{
    int fd = openat(directory_fd, "head", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    uint8_t text[HEAD_LEN + 1];
    ssize_t n;

    if (fd < 0)
        return errno == ENOENT ? ST_NOT_FOUND : ST_IO;
    n = read(fd, text, sizeof text);
    close(fd);
    return n < 0 ? ST_IO : head_parse(span_of(text, (size_t)n), out);
}

enum status line_reader_init(struct line_reader *r, int fd)
{
    *r = (struct line_reader){ .fd = fd, .buffer = malloc(BUFFER_LEN) };
    return r->buffer != NULL ? ST_OK : ST_NO_MEMORY;
}

void line_reader_clear(struct line_reader *r)
{
    free(r->buffer);
    *r = (struct line_reader){ 0 };
}

static enum status fill(struct line_reader *r)
{
    size_t held = r->end - r->start;
    ssize_t n;

    memmove(r->buffer, r->buffer + r->start, held);
    r->start = 0;
    r->end = held;
    do
        n = pread(r->fd, r->buffer + held, BUFFER_LEN - held, (off_t)(r->offset + held));
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return ST_IO;
    r->end += (size_t)n;
    r->ended = n == 0;
    return ST_OK;
}

enum status line_reader_next(struct line_reader *r, struct span *line)
{
    size_t searched = 0;
    enum status st;

    for (;;) {
        const uint8_t *start = r->buffer + r->start, *end = NULL;
        size_t held = r->end - r->start;

        if (held > searched)
            end = memchr(start + searched, '\n', held - searched);
        if (end != NULL) {
            *line = span_of(start, (size_t)(end - start));
            r->start += line->len + 1;
            r->offset += line->len + 1;
            return line->len < AUDIT_LINE_MAX ? ST_OK : ST_TOO_LARGE;
        }
        searched = held;
        if (held >= AUDIT_LINE_MAX)
            return ST_TOO_LARGE;
        if (r->ended) {
            r->unfinished = held;
            return ST_NOT_FOUND;
        }
        if ((st = fill(r)) != ST_OK)
            return st;
    }
}
