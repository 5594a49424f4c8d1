/* release_file.h - what a holder gives so that a security domain comes back on another keystore: his share, sealed to
 * that keystore's transfer certificate, and his approval of just this restore. version 1; kind "release"; share: a
 * compact JWE; and the members of an approval (act_file.h) */
#ifndef STRONGROOM_PROVISIONING_RELEASE_FILE_H
#define STRONGROOM_PROVISIONING_RELEASE_FILE_H

#include "provisioning/ceremony/act_file.h"

#define RELEASE_FILE_MAX (64u * 1024)

/* A zeroed one is empty and valid. */
struct release {
    struct bytes share; /* text */
    struct approval approval;
};

/* Both: EXIT_DONE, or EXIT_REFUSED after saying why. A file that is written was not there before. */
int release_read(const struct invocation *in, const char *path, struct release *out);
int release_write(const struct invocation *in, const char *path, const struct release *r);
void release_clear(struct release *r);

#endif
