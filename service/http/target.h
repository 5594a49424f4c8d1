/* target.h - a request target (path and query) taken apart: RFC 3986, with what real clients send (percent-encoded
 * parameter names, doubled slashes, a trailing slash) and without what only attackers send (THREATS.md 5.3).
 * Pure: bytes in, parts out. */
#ifndef STRONGROOM_HTTP_TARGET_H
#define STRONGROOM_HTTP_TARGET_H

#include "firmware/base/bytes.h"

#define TARGET_MAX          8192 /* bytes */
#define TARGET_SEGMENTS_MAX 24
#define TARGET_PARAMS_MAX   32

struct target_param {
    struct span name, value; /* decoded */
};
struct target {
    struct span segments[TARGET_SEGMENTS_MAX]; /* decoded; runs of slashes count as one, a trailing one is ignored */
    size_t segment_count;
    struct target_param params[TARGET_PARAMS_MAX];
    size_t param_count;
    struct bytes storage; /* what the spans point into */
};

/* Errors: ST_BAD_REQUEST `.` or `..` segments (also encoded), %00, %2f, %5c, a backslash, control characters, bad or
 * overlong percent or UTF-8 coding, a fragment, too many parts, a parameter name that comes twice; ST_TOO_LARGE. */
MUST_CHECK enum status target_parse(struct target *t, struct span text);
void target_clear(struct target *t);
/* The value of a parameter, its name compared without regard to case; p == NULL when absent. */
struct span target_param(const struct target *t, const char *name);

#endif
