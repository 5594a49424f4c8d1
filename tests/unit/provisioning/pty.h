/* pty.h - a function in a child process whose controlling terminal the test holds the other end of. */
#ifndef STRONGROOM_TESTS_PROVISIONING_PTY_H
#define STRONGROOM_TESTS_PROVISIONING_PTY_H

#include <sys/types.h>

#include "firmware/base/bytes.h"

struct pty {
    pid_t pid;
    int master, slave; /* the slave stays open here, so that its modes can be looked at to the end */
    struct bytes screen;
    size_t seen; /* by pty_await() */
};

/* Run `child` in a new session; its standard streams are the terminal. Its return value is the exit code. */
void pty_start(struct pty *p, int (*child)(void *arg), void *arg);
/* Wait until `text` has come since the last call; false (and a line that says so) when it does not within 10 s. */
bool pty_await(struct pty *p, const char *text);
void pty_type(struct pty *p, const char *text);
/* Does the terminal show what is typed? */
bool pty_echoes(const struct pty *p);
/* Wait for the child to be stopped by a signal; false when it ended. */
bool pty_await_stop(struct pty *p);
/* The child's exit code; 128 + signal. The screen is whole then; pty_clear() frees it. */
int pty_end(struct pty *p);
void pty_clear(struct pty *p);

#endif
