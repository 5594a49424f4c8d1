#include "service/http/flood.h"

#define MILLION 1000000u

void flood_init(struct flood *f, const struct http_limits *limits, uint64_t now_us)
{
    *f = (struct flood){ .limits = limits };
    for (size_t i = 0; i < FLOOD_KINDS; i++)
        f->bucket[i].filled_us = now_us;
}

/* A leaking bucket: it holds `burst` events and loses `per_s` of them a second. A microsecond takes `per_s` millionths.
 */
bool flood_allows(struct flood *f, enum flood_kind kind, uint64_t now_us)
{
    bool reset = kind == FLOOD_RESET;
    uint64_t burst = (uint64_t)(reset ? f->limits->resets_burst : f->limits->frames_burst) * MILLION;
    uint64_t per_s = reset ? f->limits->resets_per_s : f->limits->frames_per_s;
    uint64_t elapsed = now_us > f->bucket[kind].filled_us ? now_us - f->bucket[kind].filled_us : 0;
    uint64_t leaked = elapsed > burst ? burst : elapsed * per_s; /* a long silence empties it; no overflow either */
    uint64_t level = f->bucket[kind].level;

    level = level > leaked ? level - leaked : 0;
    f->bucket[kind].filled_us = now_us;
    f->bucket[kind].level = level + MILLION;
    return f->bucket[kind].level <= burst;
}
