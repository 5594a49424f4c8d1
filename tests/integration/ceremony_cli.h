/* ceremony_cli.h - the command line interface, as an operator runs it: a process for each command. */
#ifndef STRONGROOM_TESTS_INTEGRATION_CEREMONY_CLI_H
#define STRONGROOM_TESTS_INTEGRATION_CEREMONY_CLI_H

#include <sys/types.h>

#include "firmware/base/bytes.h"

#define CLI_WORDS_ROOM 1024
#define CLI_HANGS      (-1)

/* Which program; it finds its profile through $STRONGROOM_PROFILE. */
void cli_init(const char *strongroom);
/* Run a command, its words separated by blanks. Returns the exit code; `output` (may be NULL) gets all it says. */
int cli_run(const char *words, struct bytes *output);

/* Another program, with its words; true when it ends well. */
bool cli_tool(const char *const *words);

/* In steps, so that it can be killed; one at a time. */
bool cli_start(const char *words);
/* Wait for up to `ms`: the exit code, 128 + the signal, or CLI_HANGS when it still runs. */
int cli_wait(uint64_t ms);
void cli_kill(void);
/* What the last one that was started has said. */
const char *cli_said(void);

#endif
