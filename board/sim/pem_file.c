#include "board/sim/pem_file.h"

#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "board/sim/directory.h"
#include "firmware/wire/limits.h"

#define LINE_IN  48 /* bytes in a line of 64 characters: RFC 7468, 2 */
#define LINE_OUT 64
#define FRAME    128 /* both of the lines around them, whatever the label */
#define BLOCK    1024

_Static_assert(PEM_FILE_CONTENT_MAX >= STATEMENT_MAX, "a statement is longer than what the file takes");
_Static_assert((PEM_FILE_CONTENT_MAX / LINE_IN + 1) * (LINE_OUT + 1) + FRAME <= PEM_FILE_MAX, "it is longer as text");

static enum status make(int directory, const char *name, size_t room, int *fd)
{
    char newlines[BLOCK];

    memset(newlines, '\n', sizeof newlines);
    return directory_make_file(directory, name, 0444, span_of(newlines, sizeof newlines), (room + BLOCK - 1) / BLOCK,
                               fd);
}

enum status pem_file_open(struct pem_file *f, int directory, const char *name, const char *label, size_t room)
{
    struct stat info;
    enum status st;

    INVARIANT(room <= PEM_FILE_MAX && 2 * strlen(label) + sizeof "-----BEGIN -----\n-----END -----\n" <= FRAME);
    *f = (struct pem_file){ .label = label, .fd = -1 };
    st = directory_open_file(directory, name, 0444, &f->fd);
    if (st == ST_NOT_FOUND)
        st = make(directory, name, room, &f->fd);
    if (st == ST_OK && fstat(f->fd, &info) != 0)
        st = ST_IO;
    if (st == ST_OK && info.st_size > (off_t)PEM_FILE_MAX)
        st = ST_TOO_LARGE; /* nothing of ours: it could not be padded */
    if (st != ST_OK) {
        if (f->fd >= 0)
            close(f->fd);
        f->fd = -1;
        return st;
    }
    f->len = (size_t)info.st_size;
    pthread_mutex_init(&f->lock, NULL);
    return ST_OK;
}

void pem_file_close(struct pem_file *f)
{
    if (f->fd < 0)
        return;
    close(f->fd);
    f->fd = -1;
    pthread_mutex_destroy(&f->lock);
}

static void append_pem(struct bytes *out, const char *label, struct span content)
{
    unsigned char line[LINE_OUT + 1];

    bytes_printf(out, "-----BEGIN %s-----\n", label);
    while (content.len > 0) {
        size_t n = content.len < LINE_IN ? content.len : LINE_IN;

        bytes_append(out, line, (size_t)EVP_EncodeBlock(line, content.p, (int)n));
        bytes_append_char(out, '\n');
        content = span_of(content.p + n, content.len - n);
    }
    bytes_printf(out, "-----END %s-----\n", label);
}

enum status pem_file_write(struct pem_file *f, struct span content)
{
    struct bytes text = { 0 };
    enum status st;

    if (content.len > PEM_FILE_CONTENT_MAX)
        return ST_TOO_LARGE;
    if (content.len > 0)
        append_pem(&text, f->label, content);
    pthread_mutex_lock(&f->lock);
    while (!text.failed && text.len < f->len)
        bytes_append_char(&text, '\n');
    if ((st = bytes_status(&text)) == ST_OK && (st = file_write(f->fd, 0, text.p, text.len)) == ST_OK)
        st = fdatasync(f->fd) == 0 ? ST_OK : ST_IO;
    if (text.len > f->len && !text.failed)
        f->len = text.len; /* also after an error: so much of it may be there */
    pthread_mutex_unlock(&f->lock);
    bytes_clear(&text);
    return st;
}
