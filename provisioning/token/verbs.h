/* verbs.h - the verbs of this room's nouns: one daemon's or person's token. Each table ends with a name of NULL. */
#ifndef STRONGROOM_PROVISIONING_TOKEN_VERBS_H
#define STRONGROOM_PROVISIONING_TOKEN_VERBS_H

#include "provisioning/cli/command.h"

extern const struct verb token_verbs[]; /* token_commands.c */
extern const struct verb pin_verbs[];   /* pin_commands.c */
extern const struct verb tls_verbs[];   /* tls_commands.c */

#endif
