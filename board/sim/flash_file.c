#include "board/sim/flash_file.h"

#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "board/sim/directory.h"

#define BLOCK (64u * 1024)

static const struct {
    const char *name;
    size_t size;
} regions[HAL_REGION_COUNT_] = {
    [HAL_REGION_STORE_A] = { "flash-store-a", FLASH_STORE_SIZE },
    [HAL_REGION_STORE_B] = { "flash-store-b", FLASH_STORE_SIZE },
    [HAL_REGION_AUDIT] = { "flash-audit", FLASH_AUDIT_SIZE },
};

static enum status make_region(int directory, enum hal_region region, int *fd)
{
    uint8_t erased[BLOCK];

    memset(erased, 0xff, sizeof erased);
    return directory_make_file(directory, regions[region].name, 0600, span_of(erased, sizeof erased),
                               regions[region].size / BLOCK, fd);
}

static enum status open_region(int directory, enum hal_region region, int *fd)
{
    enum status st = directory_open_file(directory, regions[region].name, 0600, fd);
    struct stat info;

    if (st == ST_NOT_FOUND)
        st = make_region(directory, region, fd);
    if (st != ST_OK)
        return st;
    if (flock(*fd, LOCK_EX | LOCK_NB) != 0)
        return ST_BUSY;
    if (fstat(*fd, &info) != 0)
        return ST_IO;
    return (size_t)info.st_size == regions[region].size ? ST_OK : ST_CORRUPT;
}

enum status flash_file_open(struct flash_file *f, int directory)
{
    enum status st = ST_OK;

    for (size_t i = 0; i < ARRAY_LEN(f->fd); i++)
        f->fd[i] = -1;
    for (unsigned i = 0; st == ST_OK && i < ARRAY_LEN(f->fd); i++)
        st = open_region(directory, (enum hal_region)i, &f->fd[i]);
    if (st != ST_OK)
        flash_file_close(f);
    return st;
}

void flash_file_close(struct flash_file *f)
{
    for (size_t i = 0; i < ARRAY_LEN(f->fd); i++) {
        if (f->fd[i] >= 0)
            close(f->fd[i]);
        f->fd[i] = -1;
    }
}

size_t flash_file_size(enum hal_region region)
{
    INVARIANT((unsigned)region < HAL_REGION_COUNT_);
    return regions[region].size;
}

static bool is_inside(enum hal_region region, size_t at, size_t len)
{
    size_t size = flash_file_size(region);

    return at <= size && len <= size - at;
}

enum status flash_file_read(struct flash_file *f, enum hal_region region, size_t at, void *out, size_t len)
{
    return is_inside(region, at, len) ? file_read(f->fd[region], at, out, len) : ST_BAD_REQUEST;
}

enum status flash_file_write(struct flash_file *f, enum hal_region region, size_t at, const void *p, size_t len)
{
    return is_inside(region, at, len) ? file_write(f->fd[region], at, p, len) : ST_BAD_REQUEST;
}

enum status flash_file_sync(struct flash_file *f, enum hal_region region)
{
    INVARIANT((unsigned)region < HAL_REGION_COUNT_);
    return fdatasync(f->fd[region]) == 0 ? ST_OK : ST_IO;
}
