/* calls.h - every function of the standard's list as a call that would be fine if the module were initialised, the
 * session were open and so on: for rules that hold for all functions alike. */
#ifndef STRONGROOM_CONFORMANCE_CALLS_H
#define STRONGROOM_CONFORMANCE_CALLS_H

#include "tests/conformance/client.h"

struct call {
    const char *name;
    CK_RV (*run)(CK_SESSION_HANDLE s);
    bool takes_session;
    bool continues; /* needs an operation that an Init has begun */
    bool optional;  /* recovery and dual functions: a token may not support them at all */
};
extern const struct call calls[];
extern const size_t calls_count;

/* The same functions with NULL where a pointer is due. */
struct null_call {
    const char *name;
    CK_RV (*run)(CK_SESSION_HANDLE s);
};
extern const struct null_call null_calls[];
extern const size_t null_calls_count;

#endif
