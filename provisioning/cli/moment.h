/* moment.h - times as people write them: "2026-11-27T16:42:11Z" (RFC 3339, UTC, whole seconds) and milliseconds since
 * 1970, as the keystore counts. */
#ifndef STRONGROOM_PROVISIONING_MOMENT_H
#define STRONGROOM_PROVISIONING_MOMENT_H

#include "firmware/base/bytes.h"

#define MOMENT_LEN 20
#define MOMENT_MAX 253402300799000u /* the last second of the year 9999 */

/* `ms` is at most MOMENT_MAX; what is less than a second is cut off. */
void moment_format(uint64_t ms, char out[MOMENT_LEN + 1]);
/* Exactly the form that moment_format() writes. Errors: ST_BAD_REQUEST. */
MUST_CHECK enum status moment_parse(struct span text, uint64_t *ms);

#endif
