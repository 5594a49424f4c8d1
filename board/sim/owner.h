/* owner.h - the certificate of whoever owns a board in factory state. */
#ifndef STRONGROOM_BOARD_OWNER_H
#define STRONGROOM_BOARD_OWNER_H

#include "firmware/wire/link.h"

/* The fingerprint of the certificate in a PEM file. Errors: ST_NOT_FOUND; ST_BAD_REQUEST it holds none. */
MUST_CHECK enum status owner_read(const char *path, uint8_t out[LINK_FINGERPRINT_LEN]);

#endif
