/* lifecycle.h - from main() to exit: signals, readiness, reload, orderly end. */
#ifndef STRONGROOM_DAEMON_LIFECYCLE_H
#define STRONGROOM_DAEMON_LIFECYCLE_H

#include <stdbool.h>

#include "firmware/base/status.h"

/* The exit code of a daemon whose token refuses the PIN, EX_NOPERM: the units have it in RestartPreventExitStatus=, for
 * each start costs a try. */
#define EXIT_PIN_REFUSED 77

struct lifecycle_hooks {
    void (*reload)(void *arg); /* SIGHUP */
    void *arg;
};

/* First thing in main(), before any thread: blocks the signals that lifecycle_wait() takes, ignores SIGPIPE, sets
 * umask 077, enters the sandbox, makes the process undumpable and reserves the secure heap. Errors: ST_UNAVAILABLE. */
MUST_CHECK enum status lifecycle_begin(void);
/* Tell the service manager (sd_notify) that we serve, then wait: SIGHUP reloads, SIGTERM and SIGINT return. Feeds the
 * watchdog when there is one. */
void lifecycle_wait(const char *status_line, const struct lifecycle_hooks *hooks);
/* The command line of a daemon: `--config FILE`, `--help`, `--version`. Returns false when the program is to end at
 * once with *exit_code. */
bool lifecycle_arguments(int argc, char **argv, const char *summary, const char **config_path, int *exit_code);

#endif
