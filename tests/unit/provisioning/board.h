/* board.h - the real keystored, for tests of what the CLI asks it. */
#ifndef STRONGROOM_TESTS_PROVISIONING_BOARD_H
#define STRONGROOM_TESTS_PROVISIONING_BOARD_H

#include <stdbool.h>
#include <sys/types.h>

#include "tests/unit/provisioning/session.h"

struct board {
    char directory[160], socket[192], certificate[192];
    pid_t keystored;
};

/* Start it in scratch_directory(), under this name. `owner` (may be NULL) is for a board in factory state. False, and
 * what it said, when it does not come up. */
bool board_start(struct board *b, const char *name, const char *owner);
void board_stop(struct board *b);

/* A verb with the link options before the test's own; `owner` names files owner.pem and owner.key in
 * scratch_directory(). */
#define BOARD_ASK(said, b, owner, noun, verb, ...)                                                                     \
    RUN(said, noun, verb, "--socket", (b)->socket, "--certificate", ceremony_path(owner ".pem"), "--key",              \
        ceremony_path(owner ".key"), "--keystore", (b)->certificate __VA_OPT__(, ) __VA_ARGS__)

#endif
