/* flood.h - how often a peer may do what costs us work and brings it nothing: a bucket per kind (THREATS.md 5.2).
 * Pure: the caller says what time it is. */
#ifndef STRONGROOM_HTTP_FLOOD_H
#define STRONGROOM_HTTP_FLOOD_H

#include <stdbool.h>

#include "service/http/limits.h"

enum flood_kind {
    FLOOD_RESET, /* RST_STREAM, of theirs or caused by them: cancelled work is work all the same */
    FLOOD_SETTINGS,
    FLOOD_PING,
    FLOOD_EMPTY_DATA,
    FLOOD_EMPTY_HEADERS,
    FLOOD_PRIORITY,
    FLOOD_TINY_WINDOW_UPDATE,
    FLOOD_UNKNOWN, /* frames of a type we do not know, and those only a server may send */
    FLOOD_KINDS
};

struct flood {
    const struct http_limits *limits;
    struct {
        uint64_t filled_us; /* when the level below was right */
        uint64_t level;     /* millionths of an event that are spent */
    } bucket[FLOOD_KINDS];
};

void flood_init(struct flood *f, const struct http_limits *limits, uint64_t now_us);
/* One more. Returns false when it is one too many. */
bool flood_allows(struct flood *f, enum flood_kind kind, uint64_t now_us);

#endif
