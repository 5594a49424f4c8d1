/* flash_file.h - the flash of the simulated board: a file of fixed size for each region. Thread-safe; what two threads
 * write to one place at one time is theirs to keep apart. */
#ifndef STRONGROOM_BOARD_FLASH_FILE_H
#define STRONGROOM_BOARD_FLASH_FILE_H

#include "board/hal.h"

#define FLASH_STORE_SIZE (8u * 1024 * 1024) /* a bank */
#define FLASH_AUDIT_SIZE (16u * 1024 * 1024)

struct flash_file {
    int fd[HAL_REGION_COUNT_];
};

/* Open the files in the folder, making new ones full of 0xff. Only one process at a time has them. Errors: ST_BUSY
 * another one has; ST_CORRUPT a size is wrong; ST_NOT_PERMITTED; ST_IO. */
MUST_CHECK enum status flash_file_open(struct flash_file *f, int directory);
void flash_file_close(struct flash_file *f);

size_t flash_file_size(enum hal_region region);
/* Errors of all: ST_IO; ST_BAD_REQUEST outside of the region. */
MUST_CHECK enum status flash_file_read(struct flash_file *f, enum hal_region region, size_t at, void *out, size_t len);
MUST_CHECK enum status flash_file_write(struct flash_file *f, enum hal_region region, size_t at, const void *p,
                                        size_t len);
MUST_CHECK enum status flash_file_sync(struct flash_file *f, enum hal_region region);

#endif
