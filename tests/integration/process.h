/* process.h - child processes of a test: they die with it. */
#ifndef STRONGROOM_TESTS_INTEGRATION_PROCESS_H
#define STRONGROOM_TESTS_INTEGRATION_PROCESS_H

#include <sys/types.h>

#include "firmware/base/bytes.h"

/* Run to the end. words[0] is the name the program sees; they end with NULL. Returns the exit code, 128 + the signal,
 * or -1 when it could not be started (127 when there is no such program). Standard output and error go to `output`,
 * which is replaced (may be NULL: dropped). Standard input is empty. */
int process_run(const char *program, const char *const *words, struct bytes *output);

/* Start, with its output appended to the file `log` (0600). 0 when it could not be started. The child is killed when
 * the thread that started it ends: start daemons from the main thread. */
pid_t process_spawn(const char *program, const char *const *words, const char *log);
/* Wait up to `seconds`: exit code, 128 + the signal, or -1 when it still runs. */
int process_await(pid_t pid, unsigned seconds);
void process_terminate(pid_t pid); /* SIGTERM */
void process_kill(pid_t pid);      /* SIGKILL, and wait */

#endif
