#include "provisioning/keystore/backup_file.h"

#include "firmware/base/big_endian.h"
#include "provisioning/cli/input_file.h"
#include "provisioning/cli/result_file.h"

#define TITLE      "strongroom partition backup v1\n"
#define TITLE_LEN  (sizeof TITLE - 1)
#define NUMBER_LEN 4
#define HEAD_LEN   (TITLE_LEN + NUMBER_LEN)

void backup_file_clear(struct backup_file *f)
{
    bytes_clear(&f->content);
    f->parts = 0;
}

enum status backup_file_add(struct backup_file *f, struct span part)
{
    if (part.len == 0 || part.len > BACKUP_PART_MAX ||
        f->content.len > BACKUP_FILE_MAX - HEAD_LEN - NUMBER_LEN - part.len)
        return ST_TOO_LARGE;
    if (f->parts++ == 0) {
        bytes_append(&f->content, TITLE, TITLE_LEN);
        bytes_append_u32(&f->content, 0); /* the count, once it is known */
    }
    bytes_append_u32(&f->content, (uint32_t)part.len);
    bytes_append_span(&f->content, part);
    return bytes_status(&f->content);
}

int backup_file_write(const struct invocation *in, const char *path, struct backup_file *f)
{
    INVARIANT(f->parts > 0);
    be_put(f->content.p + TITLE_LEN, f->parts, NUMBER_LEN);
    return result_file_write(in, path, 0600, bytes_span(&f->content));
}

bool backup_file_next(const struct backup_file *f, size_t *at, struct span *part)
{
    size_t len;

    if (*at == 0)
        *at = HEAD_LEN;
    if (f->content.len - *at < NUMBER_LEN)
        return false;
    len = (size_t)be_get(f->content.p + *at, NUMBER_LEN);
    if (len == 0 || len > BACKUP_PART_MAX || len > f->content.len - *at - NUMBER_LEN)
        return false;
    *part = span_of(f->content.p + *at + NUMBER_LEN, len);
    *at += NUMBER_LEN + len;
    return true;
}

static bool is_whole(struct backup_file *f)
{
    struct span part;
    uint32_t parts = 0;
    size_t at = 0;

    if (f->content.len < HEAD_LEN || memcmp(f->content.p, TITLE, TITLE_LEN) != 0)
        return false;
    f->parts = (uint32_t)be_get(f->content.p + TITLE_LEN, NUMBER_LEN);
    while (backup_file_next(f, &at, &part))
        parts++;
    return at == f->content.len && parts == f->parts && parts > 0;
}

int backup_file_read(const struct invocation *in, const char *path, struct backup_file *f)
{
    int code = input_file_read(in, path, BACKUP_FILE_MAX, &f->content);

    if (code != EXIT_DONE)
        return code;
    return is_whole(f) ? EXIT_DONE : command_refuse(in, "%s: no backup of a partition, or it has been cut", path);
}
