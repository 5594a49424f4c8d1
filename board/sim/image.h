/* image.h - the measurement of the running firmware. */
#ifndef STRONGROOM_BOARD_IMAGE_H
#define STRONGROOM_BOARD_IMAGE_H

#include "firmware/base/bytes.h"

/* SHA-256 of the program that runs. Errors: ST_IO. */
MUST_CHECK enum status image_measure(uint8_t out[32]);

#endif
