#include "provisioning/cli/moment.h"

#include <stdio.h>
#include <time.h>

void moment_format(uint64_t ms, char out[MOMENT_LEN + 1])
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm t;

    INVARIANT(ms <= MOMENT_MAX && gmtime_r(&seconds, &t) != NULL);
    INVARIANT(strftime(out, MOMENT_LEN + 1, "%Y-%m-%dT%H:%M:%SZ", &t) == MOMENT_LEN);
}

enum status moment_parse(struct span text, uint64_t *ms)
{
    char copy[MOMENT_LEN + 1], again[MOMENT_LEN + 1];
    struct tm t = { 0 };
    const char *end;
    time_t seconds;

    if (text.len != MOMENT_LEN)
        return ST_BAD_REQUEST;
    memcpy(copy, text.p, MOMENT_LEN);
    copy[MOMENT_LEN] = '\0';
    end = strptime(copy, "%Y-%m-%dT%H:%M:%SZ", &t);
    if (end == NULL || *end != '\0' || (seconds = timegm(&t)) < 0 || (uint64_t)seconds > MOMENT_MAX / 1000)
        return ST_BAD_REQUEST;
    /* strptime() takes spaces, signs and the 31st of every month */
    moment_format((uint64_t)seconds * 1000, again);
    if (memcmp(copy, again, MOMENT_LEN) != 0)
        return ST_BAD_REQUEST;
    *ms = (uint64_t)seconds * 1000;
    return ST_OK;
}
