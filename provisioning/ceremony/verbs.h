/* verbs.h - the verbs of this room's nouns: what people do together. Each table ends with a name of NULL. */
#ifndef STRONGROOM_PROVISIONING_CEREMONY_VERBS_H
#define STRONGROOM_PROVISIONING_CEREMONY_VERBS_H

#include "provisioning/cli/command.h"

extern const struct verb domain_verbs[]; /* domain_commands.c */
extern const struct verb holder_verbs[]; /* holder_commands.c */
extern const struct verb act_verbs[];    /* act_commands.c */

#endif
