/* quorum_double.h - firmware/quorum.h for tests of what asks it: says what it was told to say, and notes what it was
 * asked. Linked in place of quorum.c. */
#ifndef STRONGROOM_TESTS_QUORUM_DOUBLE_H
#define STRONGROOM_TESTS_QUORUM_DOUBLE_H

#include "firmware/quorum.h"
#include "firmware/wire/act.h"

struct quorum_double {
    bool needed;    /* there are holders */
    CK_RV verdict;  /* on the next acts */
    uint64_t act;   /* number of the next one */
    unsigned asked; /* since it was set */
    uint16_t kind;  /* last asked for */
    unsigned spent;
};

extern struct quorum_double quorum_double;

/* The act number as the flash has it, in a record that a start reads: a tombstone of nobody, its number at the end.
 * 0: there is none. */
uint64_t quorum_double_stored(const struct keystore *ks);

#endif
