/* manual.h - the manual pages, made of the table of commands so that they cannot differ from it: strongroom(1), which
 * is the overview, and strongroom-<noun>(1) for each noun. In mdoc(7). */
#ifndef STRONGROOM_PROVISIONING_MANUAL_H
#define STRONGROOM_PROVISIONING_MANUAL_H

#include "provisioning/cli/command.h"

void manual_overview(const struct noun *nouns, size_t count, FILE *out);
void manual_noun(const struct noun *noun, FILE *out);

/* Sections of the overview that no table holds; manual_prose.c. */
extern const char manual_description[], manual_files[], manual_examples[];

/* What a noun's page shows as an example; NULL: nothing. */
struct manual_example {
    const char *noun, *what, *commands;
};
const struct manual_example *manual_example(const char *noun);

#endif
