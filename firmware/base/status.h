/* status.h - how every function of ours says what became of it.
 * Three kinds of failure (docs/architecture.md, "Errors"): the peer's mistake and trouble around us are statuses;
 * a broken promise of our own is an INVARIANT and stops the process, in every build. */
#ifndef STRONGROOM_BASE_STATUS_H
#define STRONGROOM_BASE_STATUS_H

#include <stdlib.h>

enum status {
    ST_OK = 0,
    ST_NO_MEMORY,       /* allocation failed */
    ST_BAD_REQUEST,     /* what the peer sent breaks the rules of its format */
    ST_TOO_LARGE,       /* beyond a limit of ours */
    ST_NOT_FOUND,       /* no such thing */
    ST_EXISTS,          /* the name is taken */
    ST_CONFLICT,        /* the state has moved on: another revision, a deleted name */
    ST_NOT_PERMITTED,   /* known, but not allowed */
    ST_UNAUTHENTICATED, /* not known: no valid proof of identity */
    ST_BUSY,            /* a bounded queue is full; try again later */
    ST_UNAVAILABLE,     /* something we depend on is away; try again later */
    ST_TIMEOUT,         /* the deadline has passed */
    ST_CORRUPT,         /* stored or sealed data does not verify */
    ST_BAD_CIPHERTEXT,  /* does not decrypt, unwrap or verify; says no more than that, on purpose */
    ST_UNSUPPORTED,     /* well formed, but nothing we do */
    ST_IO,              /* the disk or the network failed */
    ST_CLOSED,          /* the thing has been shut down */
    ST_INTERNAL,        /* a dependency broke its own contract */
    ST_COUNT_
};

/* The name of a status for logs, "not found". Never NULL. */
const char *status_name(enum status st);

#define MUST_CHECK   __attribute__((warn_unused_result))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define BIT(n)       (1u << (n))

/* Stops the process when `cond` does not hold. The condition has no side effects. */
#define INVARIANT(cond)                                                                                                \
    do {                                                                                                               \
        if (__builtin_expect(!(cond), 0))                                                                              \
            invariant_broken(#cond, __FILE__, __LINE__);                                                               \
    } while (0)

_Noreturn void invariant_broken(const char *cond, const char *file, int line);

#endif
