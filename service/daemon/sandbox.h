/* sandbox.h - takes from a daemon what it never needs, so that a taken-over one has less to work with (THREATS.md C6).
 */
#ifndef STRONGROOM_DAEMON_SANDBOX_H
#define STRONGROOM_DAEMON_SANDBOX_H

#include "firmware/base/status.h"

/* For good and for all later threads: no new privileges; no starting of programs, no tracing and reading of other
 * processes, no changing of mounts, namespaces, modules, clocks, keyrings or users. The list is of what is refused, not
 * of what is allowed, because the PKCS#11 module is somebody else's code. Errors: ST_UNAVAILABLE the kernel does not do
 * it. */
MUST_CHECK enum status sandbox_enter(void);

#endif
