/* user.h - the user the keystore runs as when it is started by root. Reads /etc/passwd itself: a static program has no
 * name service. */
#ifndef STRONGROOM_BOARD_USER_H
#define STRONGROOM_BOARD_USER_H

#include <sys/types.h>

#include "firmware/base/status.h"

struct user {
    uid_t uid;
    gid_t gid;
};

/* Errors: ST_NOT_FOUND. */
MUST_CHECK enum status user_find(const char *name, struct user *out);
/* Act as the user while files are opened or made, and as root again. Errors: ST_NOT_PERMITTED. */
MUST_CHECK enum status user_act_as(const struct user *u);
MUST_CHECK enum status user_act_as_root(void);
/* For good. Errors: ST_NOT_PERMITTED. */
MUST_CHECK enum status user_become(const struct user *u);

#endif
