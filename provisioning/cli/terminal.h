/* terminal.h - one line from the controlling terminal (/dev/tty, whatever standard input is), for prompt.c.
 * A signal that ends a program (^C) is caught while a line is awaited, so the terminal is put back in every case. One
 * terminal is open at a time in a process. */
#ifndef STRONGROOM_PROVISIONING_TERMINAL_H
#define STRONGROOM_PROVISIONING_TERMINAL_H

#include "firmware/base/secret.h"

struct terminal {
    int fd;
};

/* Errors: ST_NOT_FOUND this process has no terminal. */
MUST_CHECK enum status terminal_open(struct terminal *t);
void terminal_close(struct terminal *t);

/* Write `question` and read the line that is typed, without its end. What is typed is shown only with `echo`; without
 * it, what was typed before the question is dropped. `line` is replaced, and empty after an error. Errors: ST_TOO_LARGE
 * more than `max` bytes (the whole line is consumed); ST_UNAVAILABLE a signal asked us to end; ST_CLOSED the end of
 * input; ST_IO; ST_NO_MEMORY. */
MUST_CHECK enum status terminal_ask(struct terminal *t, const char *question, bool echo, size_t max,
                                    struct secret *line);

#endif
