/* listener.h - the unix socket that links come in through. Anyone may connect: who a peer is, its certificate says. */
#ifndef STRONGROOM_BOARD_LISTENER_H
#define STRONGROOM_BOARD_LISTENER_H

#include "firmware/base/status.h"

/* Bind and listen, in the place of a socket that a keystore before us left. Errors: ST_EXISTS something else is there;
 * ST_IO. Each says why in the log. */
MUST_CHECK enum status listener_open(const char *path, int *fd);

#endif
