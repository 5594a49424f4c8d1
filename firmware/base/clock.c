#include "firmware/base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define LATEST 2534023007999999999 /* 9999-12-31T23:59:59.9999999Z: later years have no room */

static uint64_t read_clock(clockid_t id, uint64_t units_per_s)
{
    struct timespec ts;

    clock_gettime(id, &ts); /* cannot fail for these two clocks */
    return (uint64_t)ts.tv_sec * units_per_s + (uint64_t)ts.tv_nsec / (1000000000u / units_per_s);
}

uint64_t clock_monotonic_ms(void)
{
    return read_clock(CLOCK_MONOTONIC, 1000);
}

uint64_t clock_monotonic_us(void)
{
    return read_clock(CLOCK_MONOTONIC, 1000000);
}

int64_t clock_unix_s(void)
{
    return (int64_t)read_clock(CLOCK_REALTIME, 1);
}

int64_t clock_unix_100ns(void)
{
    return (int64_t)read_clock(CLOCK_REALTIME, 10000000);
}

void clock_format_rfc3339(char out[CLOCK_RFC3339_LEN + 1], int64_t t)
{
    int64_t shown = t < 0 ? 0 : t > LATEST ? LATEST : t;
    time_t s = (time_t)(shown / 10000000);
    uint32_t fraction = (uint32_t)(shown % 10000000);
    /* Mostly it is the same second as before, and taking a date apart takes longer than all the rest. */
    static _Thread_local char text[CLOCK_RFC3339_LEN + 1];
    static _Thread_local time_t text_s;
    struct tm tm;

    if (text[0] == '\0' || text_s != s) {
        gmtime_r(&s, &tm);
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S.0000000Z", &tm);
        text_s = s;
    }
    memcpy(out, text, sizeof text);
    for (char *digit = out + CLOCK_RFC3339_LEN - 2; fraction > 0; fraction /= 10)
        *digit-- = (char)('0' + fraction % 10);
}
