/* clock.h - the two clocks: monotonic for deadlines and durations, real time for what people and protocols read. */
#ifndef STRONGROOM_BASE_CLOCK_H
#define STRONGROOM_BASE_CLOCK_H

#include <stdint.h>

#define CLOCK_RFC3339_LEN 28 /* "2016-01-05T01:32:01.2691226Z": seven decimals, as Azure writes them */

uint64_t clock_monotonic_ms(void);
uint64_t clock_monotonic_us(void);
int64_t clock_unix_s(void);
int64_t clock_unix_100ns(void); /* since 1970, in units of 100 ns */
/* Write `t` (units of 100 ns since 1970) with 7 decimals and a NUL: CLOCK_RFC3339_LEN + 1 bytes. A time before 1970 is
 * shown as its first moment, one after the year 9999 as its last. */
void clock_format_rfc3339(char out[CLOCK_RFC3339_LEN + 1], int64_t t);

#endif
