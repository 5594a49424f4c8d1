/* verbs.h - the verbs of this room's nouns: what the keystore's owner does alone, and the table of all verbs of
 * `keystore`. Each table ends with a name of NULL. */
#ifndef STRONGROOM_PROVISIONING_KEYSTORE_VERBS_H
#define STRONGROOM_PROVISIONING_KEYSTORE_VERBS_H

#include "provisioning/cli/command.h"

extern const struct verb identity_verbs[];  /* identity_commands.c */
extern const struct verb keystore_verbs[];  /* keystore_commands.c */
extern const struct verb partition_verbs[]; /* partition_commands.c */

#endif
