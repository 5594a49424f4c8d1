/* management_host.h - which of the daemon's names a request was sent to. Pure. */
#ifndef STRONGROOM_MANAGEMENT_MANAGEMENT_HOST_H
#define STRONGROOM_MANAGEMENT_MANAGEMENT_HOST_H

#include "firmware/base/bytes.h"

enum management_host { HOST_FOREIGN, HOST_MANAGEMENT, HOST_LOGIN };

/* "management.<domain>[:port]" or "login.<domain>[:port]" in any case; a port must be `port`. */
enum management_host management_host_parse(struct span authority, const char *domain, unsigned port);

#endif
