/* command.h - the grammar of the command line: `strongroom <noun> <verb> [options]`.
 * A verb is a row of a table; parsing, help and usage errors follow from the row, so they are the same everywhere.
 * Every option is long and takes its value as the next word (or after `=`); there are no positional arguments. */
#ifndef STRONGROOM_PROVISIONING_COMMAND_H
#define STRONGROOM_PROVISIONING_COMMAND_H

#include <stdio.h>

#include "firmware/base/bytes.h"

#define COMMAND_OPTIONS_MAX 32  /* in a verb's table */
#define COMMAND_GIVEN_MAX   128 /* on one command line */

/* Exit codes. */
enum { EXIT_DONE = 0, EXIT_REFUSED = 1, EXIT_USAGE = 2 };

struct verb_option {
    const char *name;     /* "client-id" */
    const char *argument; /* "GUID"; NULL: a switch */
    bool required;
    bool repeatable;
    const char *help;
};

struct invocation;

struct verb {
    const char *name;
    const char *summary;               /* one line */
    const char *details;               /* further lines for its help, or NULL */
    bool data;                         /* its output is data: it takes --json */
    bool no_config;                    /* it works without a configuration too */
    const struct verb_option *options; /* ends with a name of NULL; NULL: none of its own */
    int (*run)(struct invocation *in);
};

struct noun {
    const char *name;
    const char *summary;
    const struct verb *verbs; /* ends with a name of NULL */
};

struct given_option {
    const struct verb_option *option;
    const char *value;
};

/* One command line, understood. Texts are borrowed from argv. */
struct invocation {
    const struct noun *noun;
    const struct verb *verb;
    FILE *out, *err;
    bool json;
    const char *config_path; /* --config, else $STRONGROOM_CONFIG, else NULL */
    struct given_option given[COMMAND_GIVEN_MAX];
    size_t given_count;
};

/* Parse argv (argv[0] is the program's name) against the table and run the verb. Returns the exit code. */
int command_run(const struct noun *nouns, size_t noun_count, int argc, char **argv, FILE *out, FILE *err);

/* The n-th (from 0) of the options that every verb takes, as far as this one does; NULL behind the last. */
const struct verb_option *command_common_option(const struct verb *v, size_t n);

/* The value of an option; NULL when it was not given. The n-th (from 0) of a repeatable one. */
const char *command_value(const struct invocation *in, const char *option);
const char *command_value_at(const struct invocation *in, const char *option, size_t n);
bool command_given(const struct invocation *in, const char *option);

/* Write "strongroom: <noun> <verb>: <text>" and return EXIT_REFUSED, or EXIT_USAGE. */
int command_refuse(const struct invocation *in, const char *format, ...) __attribute__((format(printf, 2, 3)));
int command_misused(const struct invocation *in, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
