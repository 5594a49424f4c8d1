/* verbs.h - the verbs of this room's nouns: what the daemons keep. Each table ends with a name of NULL. */
#ifndef STRONGROOM_PROVISIONING_APPLIANCE_VERBS_H
#define STRONGROOM_PROVISIONING_APPLIANCE_VERBS_H

#include "provisioning/cli/command.h"

extern const struct verb audit_verbs[];        /* audit_commands.c */
extern const struct verb application_verbs[];  /* application_commands.c */
extern const struct verb subscription_verbs[]; /* scope_commands.c */
extern const struct verb group_verbs[];        /* scope_commands.c */
extern const struct verb role_verbs[];         /* role_commands.c */

#endif
