/* ceremony.h - the ceremonies that are killed: what each does, step by step, and how it is told whether it was done. */
#ifndef STRONGROOM_TESTS_INTEGRATION_CEREMONY_H
#define STRONGROOM_TESTS_INTEGRATION_CEREMONY_H

#include "firmware/base/bytes.h"

#define CEREMONY_STEPS_MAX 6

enum step_flag {
    STEP_ACT = 1,      /* holders approve it: the same approvals are good until it is done, and never after */
    STEP_FILE = 2,     /* it makes its file, and what the keystore answers tells nobody whether it did */
    STEP_AGAIN = 4,    /* may be done twice */
    STEP_REFUSED = 8,  /* is refused, and that is its answer */
    STEP_FAREWELL = 16 /* who has done it may ask for nothing any more */
};

/* One command. $TIME stands for a moment some hours away. */
struct step {
    const char *words;
    unsigned flags;
    const char *file;  /* that it writes: whole or not at all; NULL: none */
    const char *check; /* the command that says whether the file is whole; NULL: the steps behind it do */
};

struct ceremony {
    const char *name;
    const char *base; /* the board before */
    struct step steps[CEREMONY_STEPS_MAX + 1];
    bool forgets;                                          /* what its steps do is in memory: a start begins anew */
    bool (*prepare)(void);                                 /* files of a round, in the folder `out` */
    bool (*observe)(struct bytes *text);                   /* more of what can be seen */
    const char *(*judge)(unsigned answered, bool pending); /* after the kill: NULL, or what is wrong */
    const char *(*prove)(void);                            /* at the end: NULL, or what does not work */
};

const struct ceremony *ceremony_find(const char *name);
unsigned ceremony_steps(const struct ceremony *c);

#endif
