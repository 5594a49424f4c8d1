/* completion.h - completion of command lines for bash, made of the table of commands. */
#ifndef STRONGROOM_PROVISIONING_COMPLETION_H
#define STRONGROOM_PROVISIONING_COMPLETION_H

#include "provisioning/cli/command.h"

void completion_bash(const struct noun *nouns, size_t count, FILE *out);

#endif
