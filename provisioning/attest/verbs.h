/* verbs.h - the verbs of this room's nouns: what is said of a keystore, by its maker and by itself. Each table ends
 * with a name of NULL. */
#ifndef STRONGROOM_PROVISIONING_ATTEST_VERBS_H
#define STRONGROOM_PROVISIONING_ATTEST_VERBS_H

#include "provisioning/cli/command.h"

extern const struct verb factory_verbs[]; /* factory_commands.c */
extern const struct verb attest_verbs[];  /* attest_commands.c */

#endif
