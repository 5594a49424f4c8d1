/* identity_file.h - keystore.pem in the board's folder: the public certificate, for whoever pins it. Opened before the
 * sandbox; it is empty until the firmware has an identity. */
#ifndef STRONGROOM_BOARD_IDENTITY_FILE_H
#define STRONGROOM_BOARD_IDENTITY_FILE_H

#include "firmware/base/bytes.h"

struct identity_file {
    int fd;
    size_t len; /* that it has now */
};

/* Errors: ST_NOT_PERMITTED; ST_IO. */
MUST_CHECK enum status identity_file_open(struct identity_file *f, int directory);
void identity_file_close(struct identity_file *f);
/* `certificate` is DER. Errors: ST_IO; ST_NO_MEMORY. */
MUST_CHECK enum status identity_file_write(struct identity_file *f, struct span certificate);

#endif
