/* nouns.h - everything that `strongroom` can be told: one table of all nouns, for the program, its manual and its
 * completion. */
#ifndef STRONGROOM_PROVISIONING_NOUNS_H
#define STRONGROOM_PROVISIONING_NOUNS_H

#include "provisioning/cli/command.h"

extern const struct noun strongroom_nouns[];
extern const size_t strongroom_noun_count;

#endif
