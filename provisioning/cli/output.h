/* output.h - how verbs write data: a line for people, one JSON document with --json. */
#ifndef STRONGROOM_PROVISIONING_OUTPUT_H
#define STRONGROOM_PROVISIONING_OUTPUT_H

#include "provisioning/cli/command.h"

/* Write `text` as a line (its own line end is enough), or with --json {"<name>": "<text>"}. Returns EXIT_DONE, or
 * EXIT_REFUSED after saying why. */
int output_value(const struct invocation *in, const char *name, struct span text);
/* The rest of a line for people: a name that somebody else chose, so that it does nothing to a terminal (plain.h). */
void output_words(const struct invocation *in, const char *text);
/* Write a finished JSON text as a line and clear it. Returns as output_value(). */
int output_json(const struct invocation *in, struct bytes *text);

#endif
