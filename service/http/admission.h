/* admission.h - how many connections there are, in all and from each address; the newest beyond the limits is refused.
 * Shared by the threads of a server; asked when connections come and go only. */
#ifndef STRONGROOM_HTTP_ADMISSION_H
#define STRONGROOM_HTTP_ADMISSION_H

#include <sys/socket.h>

#include "service/http/limits.h"
#include "firmware/base/status.h"

struct admission;
/* An IPv4 address, or the first half of an IPv6 one: whoever has one address of a /64 has them all. */
struct admission_key {
    uint64_t value;
    int family;
};

/* Errors: ST_NO_MEMORY. */
MUST_CHECK enum status admission_new(const struct http_limits *limits, struct admission **out);
void admission_free(struct admission *a);
struct admission_key admission_key_of(const struct sockaddr_storage *address);
/* Errors: ST_BUSY too many in all, ST_NOT_PERMITTED too many of this address, ST_NO_MEMORY. */
MUST_CHECK enum status admission_enter(struct admission *a, struct admission_key key);
void admission_leave(struct admission *a, struct admission_key key);

#endif
