/* profile.h - whom the CLI speaks to on the keystore's link and as whom: four names of files, by option or from a
 * profile. A profile is a file of the format that the PKCS#11 module reads (pkcs11/module/config.h), so one file does
 * for both; of several tokens it is the first. Here its paths may be relative, to the directory of the profile; for the
 * module they are absolute. It holds no secret. */
#ifndef STRONGROOM_PROVISIONING_PROFILE_H
#define STRONGROOM_PROVISIONING_PROFILE_H

#include "provisioning/cli/command.h"

enum profile_path { PROFILE_SOCKET, PROFILE_CERTIFICATE, PROFILE_KEY, PROFILE_KEYSTORE, PROFILE_PATH_COUNT_ };

struct profile {
    const char *path[PROFILE_PATH_COUNT_];
    char *owned[PROFILE_PATH_COUNT_]; /* what the file said; NULL where an option did */
};

/* From --socket, --certificate, --key and --keystore, and for what they leave out from the file that --profile or else
 * $STRONGROOM_PROFILE names. Returns EXIT_DONE, EXIT_USAGE when something is missing, or EXIT_REFUSED, after saying
 * why. Clear in every case. */
int profile_take(const struct invocation *in, struct profile *out);
void profile_clear(struct profile *p);

#endif
