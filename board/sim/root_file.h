/* root_file.h - the device root key in a file. INSECURE, for laptops and tests without a TPM: whoever reads the file
 * and the flash has every key. The file says so itself. */
#ifndef STRONGROOM_BOARD_ROOT_FILE_H
#define STRONGROOM_BOARD_ROOT_FILE_H

#include "board/hal.h"

struct root_file {
    int fd;
};

/* Makes the key when there is none. Errors: ST_NOT_PERMITTED; ST_IO. */
MUST_CHECK enum status root_file_open(struct root_file *r, int directory);
void root_file_close(struct root_file *r);
/* Errors: ST_NOT_FOUND it has been destroyed; ST_CORRUPT it is no key; ST_IO. */
MUST_CHECK enum status root_file_key(struct root_file *r, uint8_t out[HAL_ROOT_KEY_LEN]);
/* For good. Errors: ST_IO. */
MUST_CHECK enum status root_file_destroy(struct root_file *r);

#endif
