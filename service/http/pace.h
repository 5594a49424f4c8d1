/* pace.h - is something that has begun to arrive still arriving? At least so many bytes in each span (THREATS.md 5.1).
 */
#ifndef STRONGROOM_HTTP_PACE_H
#define STRONGROOM_HTTP_PACE_H

#include <stdbool.h>

#include "service/http/limits.h"

struct pace {
    uint64_t since_us; /* 0: nothing is half received */
    size_t bytes;
};

/* Called now and then; `busy` says whether something is half received. Returns false when it comes too slowly. */
static inline bool pace_holds(struct pace *p, bool busy, const struct http_limits *limits, uint64_t now_us)
{
    bool holds = true;

    if (!busy) {
        *p = (struct pace){ 0 };
    } else if (p->since_us == 0) {
        *p = (struct pace){ .since_us = now_us };
    } else if (now_us - p->since_us >= limits->trickle_ms * 1000) {
        holds = p->bytes >= limits->trickle_bytes;
        *p = (struct pace){ .since_us = now_us };
    }
    return holds;
}

#endif
