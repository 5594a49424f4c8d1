#include "firmware/base/status.h"

#include <stdio.h>

static const char *const names[ST_COUNT_] = {
    [ST_OK] = "ok",
    [ST_NO_MEMORY] = "out of memory",
    [ST_BAD_REQUEST] = "bad request",
    [ST_TOO_LARGE] = "too large",
    [ST_NOT_FOUND] = "not found",
    [ST_EXISTS] = "exists already",
    [ST_CONFLICT] = "conflict",
    [ST_NOT_PERMITTED] = "not permitted",
    [ST_UNAUTHENTICATED] = "not authenticated",
    [ST_BUSY] = "busy",
    [ST_UNAVAILABLE] = "unavailable",
    [ST_TIMEOUT] = "timed out",
    [ST_CORRUPT] = "corrupt",
    [ST_BAD_CIPHERTEXT] = "does not decrypt",
    [ST_UNSUPPORTED] = "not supported",
    [ST_IO] = "input/output error",
    [ST_CLOSED] = "closed",
    [ST_INTERNAL] = "internal error",
};

const char *status_name(enum status st)
{
    return (unsigned)st < ST_COUNT_ ? names[st] : "unknown status";
}

_Noreturn void invariant_broken(const char *cond, const char *file, int line)
{
    fprintf(stderr, "<0>invariant broken: %s (%s:%d)\n", cond, file, line);
    abort();
}
