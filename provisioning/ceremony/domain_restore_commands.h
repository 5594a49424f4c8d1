/* domain_restore_commands.h - strongroom domain: transfer, restore. How a security domain comes to another keystore;
 * domain_commands.c has the table. */
#ifndef STRONGROOM_PROVISIONING_DOMAIN_RESTORE_COMMANDS_H
#define STRONGROOM_PROVISIONING_DOMAIN_RESTORE_COMMANDS_H

#include "provisioning/cli/command.h"

extern const struct verb_option domain_transfer_options[], domain_restore_options[];

int domain_transfer(struct invocation *in);
int domain_restore(struct invocation *in);

#endif
