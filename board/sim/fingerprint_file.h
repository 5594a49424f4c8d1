/* fingerprint_file.h - a certificate in a file of the machine, which names a peer of a board in factory state. */
#ifndef STRONGROOM_BOARD_FINGERPRINT_FILE_H
#define STRONGROOM_BOARD_FINGERPRINT_FILE_H

#include "firmware/wire/link.h"

/* The fingerprint of the certificate in a PEM file. Errors: ST_NOT_FOUND; ST_BAD_REQUEST it holds none. */
MUST_CHECK enum status fingerprint_file_read(const char *path, uint8_t out[LINK_FINGERPRINT_LEN]);

#endif
