/* arguments.h - the command line of keystored. */
#ifndef STRONGROOM_BOARD_ARGUMENTS_H
#define STRONGROOM_BOARD_ARGUMENTS_H

#include "firmware/base/bytes.h"

enum arguments_want {
    ARGUMENTS_RUN,
    ARGUMENTS_HELP,
    ARGUMENTS_VERSION,
};

struct arguments {
    enum arguments_want want;
    const char *directory;
    const char *owner;   /* NULL: none */
    const char *factory; /* NULL: none */
    const char *user;    /* NULL: none */
    const char *tpm;     /* socket or device; NULL: the insecure file */
    unsigned threads;
    char socket[108]; /* sun_path */
};

/* Errors: ST_BAD_REQUEST, what is wrong is in `problem`. */
MUST_CHECK enum status arguments_parse(struct arguments *a, int argc, char *const *argv, char *problem, size_t size);
void arguments_print_help(void);

#endif
