/* filter.h - the system calls that a running keystore may make: a list of what is allowed, at most FILTER_MAX long. Any
 * other ends the process. */
#ifndef STRONGROOM_BOARD_FILTER_H
#define STRONGROOM_BOARD_FILTER_H

#include <stdbool.h>
#include <stddef.h>

#define FILTER_MAX 25

size_t filter_count(void);
/* The number of an allowed call; `at` is below filter_count(). */
int filter_call(size_t at);
/* Can the kernel do it? */
bool filter_is_available(void);
/* On all threads of the process, for good. Needs no_new_privs. False: refused. */
bool filter_enter(void);

#endif
