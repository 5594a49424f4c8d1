/* verbs.h - the verbs of each noun; main.c puts them into one table. Each table ends with a name of NULL. */
#ifndef STRONGROOM_PROVISIONING_VERBS_H
#define STRONGROOM_PROVISIONING_VERBS_H

#include "provisioning/command.h"

extern const struct verb identity_verbs[];     /* identity_commands.c */
extern const struct verb keystore_verbs[];     /* keystore_commands.c */
extern const struct verb factory_verbs[];      /* factory_commands.c */
extern const struct verb attest_verbs[];       /* attest_commands.c */
extern const struct verb partition_verbs[];    /* partition_commands.c */
extern const struct verb domain_verbs[];       /* domain_commands.c */
extern const struct verb holder_verbs[];       /* holder_commands.c */
extern const struct verb act_verbs[];          /* act_commands.c */
extern const struct verb token_verbs[];        /* token_commands.c */
extern const struct verb pin_verbs[];          /* pin_commands.c */
extern const struct verb tls_verbs[];          /* tls_commands.c */
extern const struct verb audit_verbs[];        /* audit_commands.c */
extern const struct verb application_verbs[];  /* application_commands.c */
extern const struct verb subscription_verbs[]; /* scope_commands.c */
extern const struct verb group_verbs[];        /* scope_commands.c */
extern const struct verb role_verbs[];         /* role_commands.c */

/* All nouns; nouns.c. */
extern const struct noun strongroom_nouns[];
extern const size_t strongroom_noun_count;

#endif
